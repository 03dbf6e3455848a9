"""The grid guard on the virtual plant: late and slow meters, slow batteries, alone and beside controllers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from simems_edge.config import Site
from simems_edge.replay import Scenario
from simems_edge.replay.closed_loop import ClosedLoop

START = datetime.fromisoformat("2026-06-02T00:00:00+02:00")
LIMIT_W = 60_000.0
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
PEAK = {"id": "peak0", "type": "peak_shaving", "grid": "grid0", "ess": "ess0"}
SELF = {"id": "self0", "type": "self_consumption", "grid": "grid0", "ess": "ess0"}
SUPPLY = {"import_limit_w": LIMIT_W, "export_limit_w": LIMIT_W}


def guarded_site(*controllers: dict[str, Any]) -> Site:
    battery = {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION, "guards": {"soc_pct": [10, 95]}}
    return Site.model_validate(
        {
            "site": {"id": "test-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": SUPPLY},
            "components": ({"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION}, battery),
            "controllers": controllers,
        }
    )


def late_scenario(
    steps: list[tuple[float, float]],
    *,
    duration_s: float,
    tau_s: float = 0.3,
    battery_delay_s: float = 0.0,
    **grid: Any,
) -> Scenario:
    """A battery of 60 kW, half full; ``steps``: (s, W of load, negative: generation)."""
    load = {"steps": [{"at": at, "power_w": power_w} for at, power_w in steps]}
    ess = {"capacity_wh": 400_000.0, "initial_soc_pct": 50.0, "standby_loss_w": 0.0, "time_constant": tau_s}
    devices = {"grid0": grid, "ess0": ess | {"delay": battery_delay_s}}
    plant = {"load": load, "no_pv": True, "devices": devices}
    return Scenario.model_validate({"start": START, "duration": duration_s, "step": 0.1, "plant": plant})


@dataclass
class GuardTrace:
    """Of each step: s, W, who moved the setpoint."""

    times_s: list[float]
    grid_w: list[float]
    setpoint_w: list[float]

    def between(self, first_s: float, last_s: float = float("inf")) -> GuardTrace:
        kept = [n for n, time_s in enumerate(self.times_s) if first_s <= time_s < last_s]
        rows = (self.times_s, self.grid_w, self.setpoint_w)
        return GuardTrace(*([row[n] for n in kept] for row in rows))


def guarded_run(site: Site, scenario: Scenario) -> GuardTrace:
    trace = GuardTrace([], [], [])
    for step in ClosedLoop(site, scenario).steps():
        trace.times_s.append(step.time_s)
        trace.grid_w.append(step.truth["site/grid_power_w"])
        trace.setpoint_w.append(step.decisions[0].setpoint)
    return trace


def turns(values: list[float], tolerance_w: float = 100.0) -> int:
    """How often the direction changes, counting only movements beyond the tolerance."""
    corners, direction, extreme = 0, 0, values[0]
    for value in values:
        moved = value - extreme
        if abs(moved) > tolerance_w and (moved > 0) != (direction > 0):
            corners, direction = corners + (direction != 0), 1 if moved > 0 else -1
        if moved * direction >= 0:
            extreme = value
    return corners


def test_turns_counts_corners() -> None:
    assert [turns(values) for values in ([0.0, 0.0], [0.0, 1e3, 2e3], [0.0, 1e3, 0.0], [0.0, 60.0, 0.0])] == [
        0,
        0,
        1,
        0,
    ]
    assert turns([0.0, 6e4, 6e4, 0.0, 6e4, 0.0]) == 3


def test_alone_with_a_meter_one_second_late_it_does_not_swing() -> None:
    trace = guarded_run(guarded_site(), late_scenario([(0.0, 90_000.0)], duration_s=120.0, delay=1.0))
    settled = trace.between(30.0)
    assert max(settled.setpoint_w) - min(settled.setpoint_w) <= 100.0
    assert settled.setpoint_w[-1] == pytest.approx(30_000.0, abs=100.0)


SLOW = [
    (delay_s, interval_s, tau_s)
    for delay_s in (0.0, 1.0, 2.5, 4.0)
    for interval_s, tau_s in ((0.1, 0.2), (0.1, 5.0), (1.0, 1.0), (5.0, 0.2), (5.0, 5.0))
]


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["import", "export"])
@pytest.mark.parametrize(("delay_s", "interval_s", "tau_s"), SLOW)
def test_alone_it_answers_a_step_once_and_holds_the_limit(
    sign: float, delay_s: float, interval_s: float, tau_s: float
) -> None:
    """40 -> 90 -> 70 kW of load (or generation): the battery gives (takes) 30, then 10 kW, and never turns between."""
    steps = [(0.0, sign * 40e3), (40.0, sign * 90e3), (110.0, sign * 70e3)]
    scenario = late_scenario(steps, duration_s=180.0, delay=delay_s, interval=interval_s, tau_s=tau_s)
    trace = guarded_run(guarded_site(), scenario)
    seen_s = delay_s + interval_s + 0.4
    answered, lowered = trace.between(40.0 + seen_s, 110.0), trace.between(110.0 + seen_s)
    assert {round(sign * w, -2) for w in answered.setpoint_w} == {30_000.0}, "in full, at once, and for good"
    assert max(sign * w for w in trace.between(40.0 + seen_s + 5.0 * tau_s, 110.0).grid_w) <= LIMIT_W * 1.005
    assert sign * lowered.setpoint_w[-1] == pytest.approx(10_000.0, abs=300.0)
    assert max(sign * w for w in trace.between(150.0).grid_w) <= LIMIT_W * 1.005
    assert turns(trace.setpoint_w) <= 1


@pytest.mark.parametrize("battery_delay_s", [1.0, 3.0])
@pytest.mark.parametrize("delay_s", [0.0, 1.0, 4.0])
def test_alone_it_bears_a_battery_whose_reading_is_late(delay_s: float, battery_delay_s: float) -> None:
    """A late reading is taken for arrived within 100 W + 2 % of the setpoint: that much it may waver, and once."""
    scenario = late_scenario(
        [(0.0, 40e3), (30.0, 90e3)], duration_s=120.0, delay=delay_s, battery_delay_s=battery_delay_s
    )
    trace = guarded_run(guarded_site(), scenario)
    answered = trace.between(30.0 + delay_s + 0.3)
    assert max(abs(w - 30_000.0) for w in answered.setpoint_w) <= 700.0
    assert trace.setpoint_w[-1] == pytest.approx(30_000.0, abs=100.0)


@pytest.mark.parametrize(("delay_s", "tau_s"), [(0.0, 1.0), (1.0, 1.0), (4.0, 1.0), (0.0, 5.0), (4.0, 5.0)])
def test_a_further_step_while_the_battery_moves_is_answered_on_the_safe_side(delay_s: float, tau_s: float) -> None:
    second_s = 30.0 + delay_s + 0.5
    steps = [(0.0, 40e3), (30.0, 80e3), (second_s, 100e3)]
    trace = guarded_run(guarded_site(), late_scenario(steps, duration_s=90.0, delay=delay_s, tau_s=tau_s))
    assert max(trace.between(second_s + delay_s + 1.5 + tau_s).grid_w) <= LIMIT_W * 1.005
    assert turns(trace.setpoint_w) <= 1, "more than needed at first, then back, and no further turn"
    assert trace.setpoint_w[-1] == pytest.approx(40_000.0, abs=300.0)


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["import", "export"])
def test_a_noisy_meter_moves_it_by_the_noise_only(sign: float) -> None:
    scenario = late_scenario([(0.0, sign * 90e3)], duration_s=300.0, delay=2.0, interval=1.0, noise_w=50.0)
    settled = guarded_run(guarded_site(), scenario).between(30.0)
    assert max(abs(sign * w - 30_000.0) for w in settled.setpoint_w) <= 400.0


@pytest.mark.parametrize("delay_s", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("margin_w", [0.0, 500.0, 2_000.0])
def test_peak_shaving_near_the_limit_and_the_guard_do_not_fight(margin_w: float, delay_s: float) -> None:
    """Threshold at or just below the import limit: both want nearly the same, and neither makes the other turn."""
    threshold_w = LIMIT_W - margin_w
    steps = [(0.0, 40e3), (30.0, 90e3), (90.0, 75e3), (150.0, 40e3)]
    scenario = late_scenario(steps, duration_s=210.0, delay=delay_s, interval=1.0, noise_w=20.0)
    trace = guarded_run(guarded_site(PEAK | {"threshold_w": threshold_w}), scenario)
    for first_s, load_w in ((30.0, 90e3), (90.0, 75e3), (150.0, 40e3)):
        settled = trace.between(first_s + 20.0, first_s + 60.0)
        wanted_w = max(load_w - threshold_w, 0.0)
        assert max(abs(w - wanted_w) for w in settled.setpoint_w) <= 400.0
    assert turns(trace.setpoint_w, 500.0) <= 1


@pytest.mark.parametrize("delay_s", [0.0, 1.0, 4.0])
def test_charging_and_discharging_up_to_the_limit_settles(delay_s: float) -> None:
    """A target beyond each limit: self-consumption pushes against the guard, first by charging, then by discharging."""
    steps = [(0.0, 30e3), (60.0, 50e3), (120.0, 20e3)]
    for target_w, sign in ((80e3, 1.0), (-80e3, -1.0)):
        greedy = SELF | {"target_grid_w": target_w}
        scenario = late_scenario([(at, sign * w) for at, w in steps], duration_s=180.0, delay=delay_s, interval=1.0)
        trace = guarded_run(guarded_site(greedy), scenario)
        for first_s in (0.0, 60.0, 120.0):
            settled = trace.between(first_s + 25.0, first_s + 60.0)
            assert max(abs(sign * w - LIMIT_W) for w in settled.grid_w) <= 500.0


def two_runs_alike(site: Site, scenario: Scenario) -> bool:
    first, second = (guarded_run(site, scenario).setpoint_w for _ in range(2))
    return all(a.hex() == b.hex() for a, b in zip(first, second, strict=True))


def test_it_decides_the_same_to_the_bit() -> None:
    scenario = late_scenario([(0.0, 90e3), (10.0, 70e3)], duration_s=30.0, delay=1.3, noise_w=30.0)
    assert two_runs_alike(guarded_site(PEAK | {"threshold_w": LIMIT_W - 1_000.0}), scenario)
