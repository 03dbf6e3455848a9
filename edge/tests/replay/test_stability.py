"""Closed loop on the virtual plant: late meters, slow meters, slow batteries, one default tuning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from simems_edge.config import Site
from simems_edge.replay import Scenario
from simems_edge.replay.closed_loop import ClosedLoop

START = datetime.fromisoformat("2026-06-02T00:00:00+02:00")
THRESHOLD_W = 60_000.0
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
PEAK = {"id": "peak0", "type": "peak_shaving", "grid": "grid0", "ess": "ess0", "threshold_w": THRESHOLD_W}
SELF = {"id": "self0", "type": "self_consumption", "grid": "grid0", "ess": "ess0"}


def site_with(*controllers: dict[str, Any]) -> Site:
    return Site.model_validate(
        {
            "site": {
                "id": "test-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 200_000.0, "export_limit_w": 200_000.0},
            },
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
                {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION, "guards": {"soc_pct": [10, 95]}},
            ),
            "controllers": controllers,
        }
    )


def scenario_of(load: dict[str, Any], *, duration_s: float, step_s: float = 0.1, **rest: Any) -> Scenario:
    ess = {"capacity_wh": 400_000.0, "initial_soc_pct": 80.0, "standby_loss_w": 0.0} | rest.pop("ess", {})
    devices = {"grid0": rest.pop("grid", {}), "ess0": ess}
    plant = {"load": load, "no_pv": True, "devices": devices}
    return Scenario.model_validate({"start": START, "duration": duration_s, "step": step_s, "plant": plant} | rest)


@dataclass
class Trace:
    """What matters of each step, W and percent."""

    times_s: list[float]
    grid_w: list[float]
    setpoint_w: list[float]

    def after(self, time_s: float) -> Trace:
        first = next(n for n, t in enumerate(self.times_s) if t >= time_s)
        return Trace(self.times_s[first:], self.grid_w[first:], self.setpoint_w[first:])


def run_loop(site: Site, scenario: Scenario) -> Trace:
    """Keeps numbers only: a held snapshot pins its memory."""
    trace = Trace([], [], [])
    for step in ClosedLoop(site, scenario).steps():
        trace.times_s.append(step.time_s)
        trace.grid_w.append(step.truth["site/grid_power_w"])
        trace.setpoint_w.append(step.decisions[0].setpoint)
    return trace


def sign_changes(values: list[float]) -> int:
    signs = [1 if value > 0 else -1 for value in values if value != 0.0]
    return sum(a != b for a, b in pairwise(signs))


def extremes_shrink(values: list[float], around: float, tolerance: float) -> bool:
    """The second half strays no further than the first, or stays within the tolerance."""
    half = len(values) // 2
    first, second = (max(abs(v - around) for v in part) for part in (values[:half], values[half:]))
    return second <= max(first, tolerance)


SLOWNESS = [
    # meter delay s, update interval s, battery time constant s
    (0.0, 0.1, 0.2),
    (0.0, 5.0, 0.2),
    (0.0, 0.1, 5.0),
    (1.0, 0.1, 0.2),
    (1.0, 0.1, 5.0),
    (1.0, 1.0, 0.3),
    (1.0, 5.0, 5.0),
    (3.0, 0.1, 0.2),
    (3.0, 1.0, 5.0),
    (3.0, 5.0, 0.2),
    (3.0, 5.0, 5.0),
]


@pytest.mark.parametrize(("delay_s", "interval_s", "tau_s"), SLOWNESS)
def test_a_load_step_is_shaved_without_overshoot(delay_s: float, interval_s: float, tau_s: float) -> None:
    """Load 40 -> 90 kW at 60 s: the battery should give 30 kW; 5 % of that step is 1.5 kW."""
    load = {"steps": [{"at": 0.0, "power_w": 40_000.0}, {"at": 60.0, "power_w": 90_000.0}]}
    grid, ess = {"delay": delay_s, "interval": interval_s}, {"time_constant": tau_s}
    trace = run_loop(site_with(PEAK), scenario_of(load, duration_s=180.0, grid=grid, ess=ess)).after(60.0)
    assert max(trace.setpoint_w) <= 30_000.0 * 1.05
    assert min(trace.grid_w) >= THRESHOLD_W - 1_500.0
    settle_s = 60.0 + 5.0 * (tau_s + delay_s + interval_s + 0.1) + 2.0
    settled = trace.after(min(settle_s, 160.0))
    assert max(abs(w - THRESHOLD_W) for w in settled.grid_w) <= 1_500.0


@pytest.mark.parametrize(("meter_delay_s", "battery_delay_s"), [(0.0, 1.0), (0.0, 3.0), (1.0, 1.0), (3.0, 1.0)])
def test_a_battery_whose_reading_is_late_does_no_harm(meter_delay_s: float, battery_delay_s: float) -> None:
    load = {"steps": [{"at": 0.0, "power_w": 40e3}, {"at": 30.0, "power_w": 90e3}, {"at": 90.0, "power_w": 80e3}]}
    grid, ess = {"delay": meter_delay_s}, {"delay": battery_delay_s}
    trace = run_loop(site_with(PEAK), scenario_of(load, duration_s=150.0, grid=grid, ess=ess)).after(30.0)
    assert max(trace.setpoint_w) <= 30_000.0 * 1.05
    assert min(trace.after(90.0).setpoint_w) >= 20_000.0 - 500.0
    assert abs(trace.grid_w[-1] - THRESHOLD_W) <= 500.0


@pytest.mark.parametrize("step_s", [0.01, 0.1, 1.0])
def test_behaviour_is_the_same_at_every_cycle_time(step_s: float) -> None:
    load = {"steps": [{"at": 0.0, "power_w": 40_000.0}, {"at": 10.0, "power_w": 90_000.0}]}
    grid = {"delay": 1.0}
    trace = run_loop(site_with(PEAK), scenario_of(load, duration_s=20.0, step_s=step_s, grid=grid))
    assert max(trace.setpoint_w) == pytest.approx(30_000.0, abs=1.0)
    reached_s = next(t for t, w in zip(trace.times_s, trace.grid_w, strict=True) if t > 10.5 and w < 62_000.0)
    assert reached_s <= 10.0 + 1.0 + 1.5 + 4.0 * 0.3 + 2.0 * step_s  # delay, ramp, battery, cycles


@pytest.mark.parametrize(("delay_s", "interval_s", "tau_s"), SLOWNESS)
def test_self_consumption_follows_steps_without_overshoot(delay_s: float, interval_s: float, tau_s: float) -> None:
    """Load 20 -> 40 -> 30 kW: the grid returns to 0 each time, never past it by more than 5 % of the step."""
    steps = [{"at": 0.0, "power_w": 20e3}, {"at": 60.0, "power_w": 40e3}, {"at": 150.0, "power_w": 30e3}]
    grid, ess = {"delay": delay_s, "interval": interval_s}, {"time_constant": tau_s}
    trace = run_loop(site_with(SELF), scenario_of({"steps": steps}, duration_s=240.0, grid=grid, ess=ess))
    up, down = trace.after(60.0), trace.after(150.0)
    assert max(up.setpoint_w) <= 40_000.0 + 1_000.0
    assert min(down.setpoint_w) >= 30_000.0 - 500.0
    for end_s in (145.0, 238.0):
        grid_w = trace.after(end_s).grid_w[0]
        assert abs(grid_w) <= 1_000.0, f"grid {grid_w:.0f} W at {end_s} s"


@pytest.mark.parametrize("delay_s", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("controllers", [(PEAK,), (SELF,), (PEAK, SELF)], ids=["peak", "self", "both"])
def test_steady_load_with_noise_neither_hunts_nor_flips(
    controllers: tuple[dict[str, Any], ...], delay_s: float
) -> None:
    """An hour of 80 kW with a noisy meter: fewer than 4 sign changes, no growing oscillation."""
    grid = {"delay": delay_s, "interval": 1.0, "noise_w": 50.0}
    scenario = scenario_of({"constant_w": 80_000.0}, duration_s=3600.0, step_s=0.5, grid=grid)
    trace = run_loop(site_with(*controllers), scenario)
    assert sign_changes(trace.setpoint_w) < 4
    settled = trace.after(60.0)
    middle = THRESHOLD_W if PEAK in controllers else 20_000.0  # without peak shaving the battery gives its rated 60 kW
    assert extremes_shrink(settled.grid_w, middle, tolerance=500.0)


def test_a_load_near_zero_does_not_flip_the_battery() -> None:
    scenario = scenario_of({"constant_w": 100.0}, duration_s=1800.0, step_s=0.5, grid={"noise_w": 100.0, "delay": 1.0})
    assert sign_changes(run_loop(site_with(SELF), scenario).setpoint_w) < 2


@pytest.mark.parametrize("delay_s", [0.0, 1.0, 3.0])
def test_a_ramping_load_is_followed_with_a_bounded_lag(delay_s: float) -> None:
    """50 -> 100 kW within 50 s in 1 s steps: grid exceeds the threshold by at most (delay + 5 s) of ramp."""
    steps = [{"at": float(t), "power_w": 50e3 + 1e3 * t} for t in range(51)]
    trace = run_loop(site_with(PEAK), scenario_of({"steps": steps}, duration_s=120.0, grid={"delay": delay_s}))
    assert max(trace.grid_w) <= THRESHOLD_W + 1_000.0 * (delay_s + 6.0)
    assert abs(trace.grid_w[-1] - THRESHOLD_W) <= 500.0


def test_self_consumption_leaves_the_reserve_to_peak_shaving() -> None:
    """Load 40 kW: stored energy covers it down to the reserve of 50 %, then a peak of 90 kW may use the reserve."""
    load = {"steps": [{"at": 0.0, "power_w": 40_000.0}, {"at": 900.0, "power_w": 90_000.0}]}
    ess = {"capacity_wh": 50_000.0, "initial_soc_pct": 60.0}
    loop = ClosedLoop(site_with(PEAK, SELF), scenario_of(load, duration_s=1200.0, step_s=1.0, ess=ess))
    for step in loop.steps():
        soc_pct, decision = step.truth["ess0/soc_pct"], step.decisions[0]
        if step.time_s < 900.0:
            assert soc_pct >= 49.5
        if 800.0 <= step.time_s < 900.0:
            assert (decision.setpoint, decision.bound) == (0.0, "peak0")
        if step.time_s > 910.0:
            assert decision.source == "peak0"
            assert step.truth["site/grid_power_w"] <= THRESHOLD_W + 500.0


def test_charging_of_surplus_never_lifts_the_grid_over_the_threshold() -> None:
    """A target of 80 kW import would charge the battery with 40 kW; peak shaving leaves it 20 kW."""
    greedy = SELF | {"target_grid_w": 80_000.0}
    trace = run_loop(site_with(PEAK, greedy), scenario_of({"constant_w": 40_000.0}, duration_s=120.0, step_s=0.5))
    assert max(trace.grid_w) <= THRESHOLD_W + 500.0
    assert trace.setpoint_w[-1] == pytest.approx(-20_000.0, abs=200.0)
