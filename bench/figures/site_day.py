"""A site's day at 1 s through `replay`, on one core: CPU seconds, beside the limit and beside reading its file alone.

The input is made by the virtual plant's load and sun: grid, PV and battery readings of each second, as a recording has
them. The limit is the promise (10 s); the bare reading shows how much of it is only CSV.
"""

from __future__ import annotations

import csv
import io
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from simems_edge.config import Site
from simems_edge.replay import replay
from simems_edge.sim import Plant

from bench.figure import Figure

SECONDS: Final = 86_400
LIMIT_S: Final = 10.0
START: Final = datetime(2026, 6, 9, tzinfo=UTC)
CONNECTION: Final = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
INPUTS: Final = {
    "grid0": ("active_power_w", "frequency_hz"),
    "pv0": ("active_power_w",),
    "ess0": ("active_power_w", "soc_pct", "max_charge_power_w", "max_discharge_power_w"),
}


def site() -> Site:
    """As the demonstration's: peak shaving before self-consumption."""
    ends = {"grid": "grid0", "ess": "ess0"}
    battery: dict[str, Any] = {"guards": {"soc_pct": [10, 95], "ramp_w_per_s": 20e3}}
    return Site.model_validate(
        {
            "site": {
                "id": "day-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 100e3, "export_limit_w": 50e3},
            },
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
                {"id": "pv0", "profile": "sunspec_pv", "connection": CONNECTION},
                {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION} | battery,
            ),
            "controllers": (
                {"id": "peak0", "type": "peak_shaving", "threshold_w": 60e3, "recharge_below_w": 45e3} | ends,
                {"id": "self0", "type": "self_consumption"} | ends,
            ),
            "simulation": {"pv": {"peak_w": 60e3}},
        }
    )


def measure(seconds: int = SECONDS) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.csv"
        _write(path, seconds)
        whole_s = _cpu_s(lambda: replay(site(), path, io.StringIO())) * SECONDS / seconds
        read_s = _cpu_s(lambda: _read(path)) * SECONDS / seconds
    return [
        Figure("site-day at 1 s through replay, CPU", whole_s, "s", "promise", LIMIT_S, 1.0),
        Figure("site-day at 1 s through replay, CPU", whole_s, "s", "reading the same CSV", read_s, 40.0),
    ]


def _write(path: Path, seconds: int) -> None:
    plant = Plant.from_site(site(), start_utc=START)
    names = [(component, channel) for component, channels in INPUTS.items() for channel in channels]
    with path.open("w", encoding="utf-8") as stream:
        stream.write(",".join(["time_s", *(f"{component}/{channel}" for component, channel in names)]) + "\n")
        for second in range(seconds):
            shown = {component: plant.readings(component) for component in INPUTS}
            values = [reading.values[c] for n, c in names if (reading := shown[n]) is not None]
            stream.write(",".join([str(second), *(f"{value:.1f}" for value in values)]) + "\n")
            plant.step(1.0)


def _read(path: Path) -> float:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        return sum(sum(map(float, row)) for row in rows)


def _cpu_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
