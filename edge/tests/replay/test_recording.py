"""A recording replays to the identical setpoints; replay is the same to the byte in every process."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from simems_core import Clock
from simems_edge.cli.main import run
from simems_edge.config import Site
from simems_edge.replay import replay
from simems_edge.replay.live_recording import LiveRecording
from simems_edge.runtime import Runtime

SITE = """
site: {id: rec-1, time_zone: Europe/Stockholm, currency: SEK, grid: {import_limit_w: 100 kW, export_limit_w: 50 kW}}
cycle: {period: 50 ms}
components:
  - {id: grid0, profile: sunspec_meter, connection: {modbus_tcp: {host: 127.0.0.1, port: 1502, unit: 1}}}
  - {id: pv0, profile: sunspec_pv, connection: {modbus_tcp: {host: 127.0.0.1, port: 1503, unit: 1}}}
  - id: ess0
    profile: sunspec_storage
    connection: {modbus_tcp: {host: 127.0.0.1, port: 1504, unit: 1}}
    guards: {soc_pct: [10, 95], ramp_w_per_s: 20 kW/s}
controllers:
  - {id: peak0, type: peak_shaving, grid: grid0, ess: ess0, threshold_w: 60 kW, recharge_below_w: 45 kW}
  - {id: self0, type: self_consumption, grid: grid0, ess: ess0}
simulation:
  pv: {peak_w: 60 kW}
  devices: {grid0: {delay: 1 s, interval: 500 ms, noise_w: 30}}
"""
SCENARIO = """
start: 2026-06-02T11:00:00+02:00
duration: 150 s
step: 500 ms
seed: 5
plant: {load: {steps: [{at: 0 s, power_w: 40 kW}, {at: 20 s, power_w: 120 kW}, {at: 60 s, power_w: 20 kW}]}}
events:
  - {at: 30 s, override: ess0/active_power_w, value: 10 kW, duration: 10 s}
  - {at: 50 s, silence: grid0}
  - {at: 56 s, answer: grid0}
  - {at: 80 s, estop: true}
  - {at: 85 s, estop: false}
  - {at: 95 s, clear_fault: emergency_stop}
  - {at: 120 s, set_mode: self_consumption}
"""
SETPOINT = "ess0/active_power_w_setpoint"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE)
    return tmp_path


def decided(path: Path) -> list[tuple[str, ...]]:
    columns = ("time_s", SETPOINT, "ess0/active_power_w_reason", "state", "control_mode")
    with path.open(encoding="utf-8", newline="") as stream:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(stream)]


@pytest.mark.parametrize("grid0", ["", "  devices: {grid0: {timestamp_error: -0.3}}"])
def test_a_recorded_simulation_replays_identically(folder: Path, grid0: str) -> None:
    (folder / "scenario.yaml").write_text(
        SCENARIO.replace("]}}\nevents", f"]}}, {grid0.strip()}}}\nevents") if grid0 else SCENARIO
    )
    names = [str(folder / name) for name in ("site.yaml", "scenario.yaml", "out.csv", "input.csv", "replayed.csv")]
    site, scenario, out, recorded, replayed = names
    assert run(["simulate", site, scenario, "-o", out, "--record", recorded]) == 0
    assert run(["replay", site, recorded, "-o", replayed, "--actions", str(folder / "input.actions.csv")]) == 0
    first, second = decided(Path(out)), decided(Path(replayed))
    assert first == second
    assert len(first) == 300
    assert len({row[1] for row in first}) > 40
    assert {"FAULT", "RUN"} <= {row[3] for row in first}


SHADOW = """
  - {id: new0, type: peak_shaving, grid: grid0, ess: ess0, threshold_w: 50 kW,
     shadow: {in_place_of: peak0, capacity_wh: 100 kWh, import_price_per_kwh: 0.3, demand_price_per_kw: 8}}
simulation:"""


def test_a_shadow_lives_through_a_recording_as_through_the_scenario(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Override, emergency stop, clear and mode among them; without its actions a recording tells another tale."""
    (folder / "scenario.yaml").write_text(SCENARIO)
    (folder / "site.yaml").write_text(SITE.replace("\nsimulation:", SHADOW))
    site, scenario, out, recorded = (str(folder / n) for n in ("site.yaml", "scenario.yaml", "out.csv", "input.csv"))
    assert run(["simulate", site, scenario, "-o", out, "--record", recorded]) == 0
    told = []
    for course in ([scenario], [recorded, "--actions", str(folder / "input.actions.csv")], [recorded]):
        capsys.readouterr()
        assert run(["shadow", site, *course, "--json"]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert told[0] != told[2]


def test_the_same_bytes_in_every_process(folder: Path) -> None:
    (folder / "scenario.yaml").write_text(SCENARIO)
    outputs = []
    for seed in ("0", "4242"):
        out, recorded, replayed = (folder / f"{name}-{seed}.csv" for name in ("out", "input", "replayed"))
        for command in (
            ["simulate", "site.yaml", "scenario.yaml", "-o", str(out), "--record", str(recorded)],
            ["replay", "site.yaml", str(recorded), "-o", str(replayed)],
        ):
            environment = os.environ | {"PYTHONHASHSEED": seed}
            line = [sys.executable, "-m", "simems_edge.cli.main", *command]
            subprocess.run(line, cwd=folder, env=environment, check=True, timeout=120, capture_output=True)
        outputs.append(tuple(path.read_bytes() for path in (out, recorded, replayed)))
    assert outputs[0] == outputs[1]


class Devices(Thread):
    """Publishes from its own thread at its own pace, as a bridge does."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(daemon=True)
        self._image, self._clock, self.stopping = runtime.image, runtime.clock, Event()

    def _say(self, **values: float) -> None:
        for name, value in values.items():
            address = name.replace("__", "/")
            self._image.publish(self._image.handle(address), value, self._clock.now_ns())

    def run(self) -> None:
        number = 0
        while not self.stopping.wait(0.013):
            number += 1
            load_w = 40_000.0 + 60_000.0 * (number // 60 % 2) + 37.0 * (number % 11)
            self._say(grid0__active_power_w=load_w, grid0__frequency_hz=50.0, pv0__active_power_w=3_000.0 + number)
            self._say(ess0__active_power_w=50.0 * number, ess0__soc_pct=60.0)
            self._say(ess0__max_charge_power_w=60_000.0, ess0__max_discharge_power_w=60_000.0)


def test_a_recorded_live_run_replays_identically(folder: Path) -> None:
    from simems_edge.config import load_site

    site: Site = load_site(folder / "site.yaml")
    runtime = Runtime(site, clock=Clock.monotonic())
    recording, devices = LiveRecording(runtime, folder / "input.csv"), Devices(runtime)
    lived: dict[int, Any] = {}
    keeper = Thread(target=_keep, args=(runtime, lived), daemon=True)
    recording.start()
    keeper.start()
    devices.start()
    runtime.start()
    deadline = time.monotonic() + 60.0
    while recording.writer.rows < 160 and time.monotonic() < deadline:
        runtime.cycle.wait(runtime.cycle.number, 1.0)
    devices.stopping.set()
    last = max(lived)  # decided before the stop was asked for, which the recording does not hold
    runtime.stop()
    recording.stop()
    keeper.join(5.0)
    stream = io.StringIO()
    replay(site, folder / "input.csv", stream)
    replayed = [float(row[SETPOINT]) for row in csv.DictReader(io.StringIO(stream.getvalue()))]
    late = runtime.statistics().late_proposals
    compared = _compared(lived, replayed[:last], recording.writer.missed)
    assert compared >= 100 or late or recording.writer.missed, "whole recordings are compared to their end"


def _keep(runtime: Runtime, lived: dict[int, Any]) -> None:
    after, deadline = 0, time.monotonic() + 90.0
    while time.monotonic() < deadline:
        published = runtime.cycle.wait_decisions(after, 0.5)
        if published is None:
            if after and not runtime.cycle.running:
                return
            continue
        after, decisions = published
        lived[after] = (decisions[0].setpoint, runtime.statistics().late_proposals)


def _compared(lived: dict[int, Any], replayed: list[float], missed: int) -> int:
    """Number of cycles that agree from the first on, up to the first late proposal; a difference before fails."""
    compared = 0
    for cycle, (setpoint, late) in sorted(lived.items()):
        if late or missed or cycle > len(replayed):
            return compared
        assert replayed[cycle - 1] == setpoint, f"cycle {cycle}"
        compared += 1
    return compared
