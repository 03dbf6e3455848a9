"""What happens in a scenario: each verb does what it says, and what does not fit is said with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from simems_edge.config import Site
from simems_edge.replay import ReplayError, load_scenario
from simems_edge.replay.closed_loop import ClosedLoop

CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
PROFILES = {
    "grid0": "sunspec_meter",
    "ess0": "virtual_storage",
    "pv0": "virtual_pv",
    "breaker0": "virtual_breaker",
    "evcs0": "virtual_charger",
}
BEGIN = {"start": "2026-06-01T12:00:00+02:00", "duration": "12 s", "step": "100 ms"}


def site_of() -> Site:
    return Site.model_validate(
        {
            "site": {
                "id": "events-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
            },
            "components": tuple({"id": n, "profile": p, "connection": CONNECTION} for n, p in PROFILES.items()),
            "simulation": {"pv": {"peak_w": 40_000.0}},
        }
    )


def told(tmp_path: Path, events: list[dict[str, Any]], **more: Any) -> dict[str, dict[float, float]]:
    """True values by address and time."""
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(BEGIN | {"events": events, "plant": {"load": {"constant_w": "20 kW"}}} | more))
    site = site_of()
    loop, found = ClosedLoop(site, load_scenario(path, site)), dict[str, dict[float, float]]()
    for step in loop.steps():
        for address, value in step.truth.items():
            found.setdefault(address, {})[round(step.time_s, 3)] = value
        for decision in step.decisions:
            found.setdefault(f"{decision.address}_setpoint", {})[round(step.time_s, 3)] = decision.setpoint
    return found


def test_set_ramp_and_release_a_frequency(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = [
        {"at": "1 s", "set": "grid/frequency_hz", "value": 49.9},
        {"at": "2 s", "ramp": "grid/frequency_hz", "value": "49.5 Hz", "duration": "2 s"},
        {"at": "6 s", "release": "grid/frequency_hz"},
    ]
    frequency = told(tmp_path, events)["site/frequency_hz"]
    assert (frequency[0.9], frequency[1.0], frequency[2.0]) == (50.0, 49.9, 49.9)
    assert frequency[3.0] == pytest.approx(49.7)
    assert frequency[5.9] == 49.5
    assert frequency[6.0] == 50.0


def test_a_course_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("time_s,power_w\n0,10000\n4,50000\n")
    events = [{"at": "2 s", "follow": "pv0/available_power_w", "file": "load.csv"}]
    pv = told(tmp_path, events)["pv0/active_power_w"]
    assert pv[4.0] == pytest.approx(30_000.0)
    assert pv[11.0] == pytest.approx(50_000.0)


def test_the_grid_goes_and_comes_back(tmp_path: Path) -> None:
    events = [{"at": "2 s", "grid_loss": True}, {"at": "5 s", "grid_return": True}]
    truth = told(tmp_path, events)
    assert truth["site/live"][1.9] == 1.0
    assert truth["site/live"][2.0] == truth["site/load_power_w"][2.0] == 0.0
    assert truth["site/load_power_w"][5.0] == 20_000.0


def test_a_car_comes_and_leaves(tmp_path: Path) -> None:
    events = [{"at": "1 s", "ev": "evcs0", "energy_wh": "20 kWh", "duration": "8 s", "phases": 1}]
    power = told(tmp_path, events)["evcs0/active_power_w"]
    assert power[0.9] == power[9.0] == 0.0
    assert power[7.0] == pytest.approx(6.0 * 230.0), "without a limit it signals 6 A"


def test_a_faulted_battery_and_its_repair(tmp_path: Path) -> None:
    events = [
        {"at": "0 s", "override": "ess0/active_power_w", "value": "10 kW", "duration": "60 s"},
        {"at": "4 s", "fault": "ess0"},
        {"at": "6 s", "repair": "ess0"},
    ]
    truth = told(tmp_path, events)
    assert truth["ess0/active_power_w"][3.9] == pytest.approx(10_000.0, rel=1e-3)
    assert truth["ess0/active_power_w"][4.0] == truth["ess0/active_power_w"][5.9] == 0.0
    assert truth["ess0/active_power_w_setpoint"][5.9] == 0.0, "the EMS sees the fault and asks for nothing"


def test_a_frozen_meter_shows_the_old_value(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    events = [{"at": 2, "freeze": "grid0"}, {"at": 3, "set": "site/load_power_w", "value": 50_000}]
    path.write_text(yaml.safe_dump(BEGIN | {"events": events}))
    site = site_of()
    loop = ClosedLoop(site, load_scenario(path, site))
    handle = loop.runtime.image.handle("grid0/active_power_w")
    shown = [step.snapshot.value(handle) for step in loop.steps()]
    assert shown[25] == shown[100]


@pytest.mark.parametrize(
    ("event", "line", "part"),
    [
        ("{at: 1 s}", 5, "needs exactly one of set"),
        ("{at: 1 s, silence: grid9}", 5, "is no component of this site; did you mean 'grid0'?"),
        ("{at: 1 s, set: grid/frequency, value: 49}", 5, "cannot be driven; did you mean 'grid/frequency_hz'?"),
        ("{at: 1 s, set: grid/frequency_hz, value: 60 kW}", 5, "is no unit of Hz"),
        ("{at: 1 s, set: grid/frequency_hz}", 5, "set needs value"),
        ("{at: 1 s, ramp: grid/frequency_hz, value: 49}", 5, "ramp needs a duration"),
        ("{at: 1 s, ev: ess0}", 5, "is of kind ess"),
        ("{at: 1 s, follow: grid/frequency_hz, file: nowhere.csv}", 1, "No such file"),
    ],
)
def test_what_does_not_fit_is_said_with_its_line(tmp_path: Path, event: str, line: int, part: str) -> None:
    path = tmp_path / "scenario.yaml"
    head = "start: 2026-06-01T12:00:00+02:00\nduration: 12 s\nstep: 100 ms\nevents:\n"
    path.write_text(head + f"  - {event}\n")
    with pytest.raises(ReplayError) as caught:
        load_scenario(path, site_of())
    assert caught.value.problems[0].line == line
    assert part in str(caught.value)


def test_what_the_runtime_refuses_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "start: 2026-06-01T12:00:00+02:00\nduration: 1 s\nevents:\n  - {at: 0 s, input: site/nothing_w, value: 1}\n"
    )
    site = site_of()
    with pytest.raises(ReplayError, match=r"scenario.yaml:4: events\[0\].input: 'site/nothing_w': .*is no channel"):
        list(ClosedLoop(site, load_scenario(path, site)).steps())
