"""The edge's buffer: space a value takes on disk, and a durable commit beside a bare one of the same bytes."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
from simems_core import wire
from simems_edge.buffer import Store
from simems_edge.sim.recordings import load_profile, read_recording

from bench.figure import Figure

DEVICES = 20
HOURS = 2.0
"""The blocks are alike: thirty days take as much a value, but for the names, which are kept once."""
MONTH_S = 30 * 86_400
START_US = 1_790_000_000_000_000
COMMITS = 200
RUNS = 7
Column = npt.NDArray[np.int64]

QUANTITIES: dict[str, tuple[float, float, float]] = {
    # name: (resolution, full scale, noise); in the unit of the name
    "active_power_w": (10.0, 20_000.0, 60.0),
    **{f"active_power_w_l{n}": (10.0, 7_000.0, 25.0) for n in (1, 2, 3)},
    "reactive_power_var": (10.0, 4_000.0, 40.0),
    **{f"voltage_v_l{n}": (0.1, 230.0, 0.4) for n in (1, 2, 3)},
    **{f"current_a_l{n}": (0.1, 30.0, 0.1) for n in (1, 2, 3)},
    "frequency_hz": (0.001, 50.0, 0.004),
    "power_factor": (0.01, 0.97, 0.004),
    "soc_pct": (0.1, 60.0, 0.0),
    "temperature_degc": (0.1, 31.0, 0.05),
    "cell_voltage_min_v": (0.001, 3.3, 0.0007),
    "cell_voltage_max_v": (0.001, 3.31, 0.0007),
    "import_energy_wh": (10.0, 0.0, 0.0),
    "export_energy_wh": (10.0, 0.0, 0.0),
    "setpoint_w": (1.0, 5_000.0, 0.0),
    "operating_state": (1.0, 4.0, 0.0),
    "communication": (1.0, 1.0, 0.0),
    "max_charge_power_w": (10.0, 60_000.0, 0.0),
    "max_discharge_power_w": (10.0, 60_000.0, 0.0),
    "failures": (1.0, 0.0, 0.0),
}


def measure() -> list[Figure]:
    size, values = _space()
    month_gb = size / values * MONTH_S * DEVICES * len(QUANTITIES) / 1e9
    commits, bare = _commits()
    return [
        Figure("buffer: bytes a value on disk, index included", size / values, "B", "3 B", 3.0, 1.0),
        Figure("buffer: 30 days of 500 channels at 1 s", month_gb, "GB", "4 GB", 4.0, 1.0),
        Figure("buffer: durable commit of 500 values", 1e3 * commits, "ms", "bare SQLite, same bytes", 1e3 * bare, 2.0),
    ]


def _space() -> tuple[float, int]:
    """(bytes of the whole database, values in it), all packed."""
    rows = int(HOURS * 3600)
    channels = dict(_channels(rows))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), lambda: START_US, max_bytes=1 << 40)
        for start in range(0, rows, 300):
            store.append(list(_frames(channels, start, min(start + 300, rows))))
            while store.compact():
                continue
        size = store.status().size_bytes
        store.close()
    return size, rows * len(channels)


def _channels(rows: int) -> Iterator[tuple[str, tuple[float, Column]]]:
    """Recorded load moves every power; the rest wanders with its noise; all are multiples of their resolution."""
    day = read_recording(load_profile("supermarket").file).days[2].mean_w
    shape = np.interp(np.arange(rows), np.arange(len(day)) * 86_400 / len(day), day) / max(day)
    for device in range(DEVICES):
        chance = np.random.default_rng(device)
        for name, (resolution, scale, noise) in QUANTITIES.items():
            moves = shape if name.startswith(("active", "current", "setpoint")) else 1.0
            exact = scale * moves + chance.normal(0.0, noise, rows) if noise else np.full(rows, scale) * moves
            if name.endswith("energy_wh"):
                exact = np.cumsum(20_000.0 * shape / 3600.0)
            yield f"dev{device}/{name}", (resolution, np.rint(exact / resolution).astype(np.int64))


def _frames(channels: dict[str, tuple[float, Column]], start: int, end: int) -> Iterator[wire.Telemetry]:
    for row in range(start, end):
        columns = [
            wire.Column(channel=name, resolution=resolution, values=[int(values[row])])
            for name, (resolution, values) in channels.items()
        ]
        yield wire.Telemetry(sequence=0, times_us=[START_US + row * 1_000_000], columns=columns)


def _commits() -> tuple[float, float]:
    """Seconds of a commit: (the store's, bare SQLite's in WAL with full sync), medians of paired runs."""
    frames = list(_frames(dict(_channels(COMMITS)), 0, COMMITS))
    body = wire.encode(frames[0])
    pairs = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder), lambda: START_US)
            waiting = iter(frames)
            ours = _timed(lambda: store.append([next(waiting)]))  # noqa: B023 - called in this turn only
            store.close()
        with tempfile.TemporaryDirectory() as folder:
            connection = sqlite3.connect(Path(folder) / "bare.sqlite", isolation_level=None)
            connection.executescript(
                "pragma journal_mode = wal; pragma synchronous = full;"
                " create table frames (sequence integer primary key, body blob not null)"
            )
            bare = _timed(lambda: connection.execute("insert into frames (body) values (?)", (body,)))  # noqa: B023 - as above
            connection.close()
        pairs.append((ours, bare))
    return sorted(pairs, key=lambda pair: pair[0] / pair[1])[RUNS // 2]


def _timed(commit: Callable[[], object]) -> float:
    """Median seconds of one."""
    taken = []
    for _ in range(COMMITS):
        begin = time.perf_counter()
        commit()
        taken.append(time.perf_counter() - begin)
    return median(taken)
