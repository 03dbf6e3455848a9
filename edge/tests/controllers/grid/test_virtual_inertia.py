"""Virtual inertia, from the swing equation: dP = -2 H Sn / fn * df/dt."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.controllers.grid.frequency_input import Arming
from simems_edge.controllers.grid.virtual_inertia import (
    VirtualInertia,
    VirtualInertiaSettings,
    inertia_w,
    recovery_w,
)

ESS: dict[str, Any] = {"grid": "grid0", "ess": "ess0", "reference_w": 50_000.0, "rocof_deadband_hz_per_s": 0.0}
SETTINGS = VirtualInertiaSettings.model_validate(ESS)


def ramp(bench: Any, slope_hz_per_s: float, seconds: float, *, start_hz: float = 50.0) -> Any:
    """The frequency on a straight line, a sample each cycle."""
    turn = None
    for number in range(1, round(seconds / bench.period_s) + 1):
        turn = bench.step(grid0_frequency_hz=start_hz + slope_hz_per_s * number * bench.period_s)
    return turn


@pytest.mark.parametrize(
    ("slope", "expected_w"), [(-0.5, 5_000.0), (1.0, -10_000.0), (-10.0, 50_000.0), (9.0, -50_000.0)]
)
def test_the_formula(slope: float, expected_w: float) -> None:
    """2 x 5 s x 50 kW / 50 Hz = 10 kW per Hz/s, held at the reference power."""
    assert inertia_w(slope, SETTINGS) == pytest.approx(expected_w)


@pytest.mark.parametrize("slope_hz_per_s", [-0.5, 0.3])
def test_a_straight_line_is_answered_within_one_percent(benches: Any, slope_hz_per_s: float) -> None:
    """A window (0.5 s) and five times the filter (0.1 s) after it began."""
    bench = benches(VirtualInertia, ESS)
    bench.run(2.0)
    turn = ramp(bench, slope_hz_per_s, 1.2)
    assert turn.setpoint() == pytest.approx(-10_000.0 * slope_hz_per_s, rel=0.01)


def test_the_answer_changes_in_the_first_cycle_that_sees_the_change(benches: Any) -> None:
    bench = benches(VirtualInertia, ESS)
    bench.run(2.0)
    assert bench.step().setpoint() == 0.0
    assert bench.step(grid0_frequency_hz=49.95).setpoint() > 0.0
    between = bench.step(grid0_frequency_hz=None)
    assert between.setpoint() == bench.step(grid0_frequency_hz=None).setpoint(), "and stands between samples"


def test_it_adds_to_a_schedule(benches: Any) -> None:
    bench = benches(VirtualInertia, ESS)
    bench.scheduled = {"ess0/active_power_w": 20_000.0}
    bench.run(2.0)
    assert ramp(bench, -0.5, 1.5).setpoint() == pytest.approx(25_000.0, rel=0.01)


def test_noise_within_the_deadband_moves_nothing(benches: Any) -> None:
    bench = benches(VirtualInertia, ESS | {"rocof_deadband_hz_per_s": 0.05})
    for number in range(100):
        turn = bench.step(grid0_frequency_hz=50.0 + 0.001 * (number % 2))
        assert turn.setpoint() == 0.0


@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_the_energy_flows_back_and_comes_to_zero(benches: Any, period_s: float) -> None:
    quick = ESS | {"recovery_time_s": 2.0, "recovery_w": 5_000.0, "rocof_deadband_hz_per_s": 0.02, "age_max_s": 0.1}
    bench = benches(VirtualInertia, quick, period_s=period_s)
    bench.run(1.0)
    energy_ws = 0.0
    turn = ramp(bench, -0.5, 0.3)
    for _ in range(round(30.0 / period_s)):
        energy_ws += turn.setpoint() * period_s
        turn = bench.step(grid0_frequency_hz=49.85)
        assert turn.setpoint() >= -5_000.0 - 1e-6
    assert abs(turn.metrics["given_wh"]) <= 0.002
    assert turn.setpoint() == 0.0


def test_nothing_flows_back_while_the_frequency_is_far_from_nominal(benches: Any) -> None:
    bench = benches(VirtualInertia, ESS | {"rocof_deadband_hz_per_s": 0.02})
    bench.run(1.0)
    ramp(bench, -1.0, 0.5)
    turn = bench.run(20.0, grid0_frequency_hz=49.5)
    assert turn.setpoint() == 0.0
    assert turn.metrics["given_wh"] > 0.0
    assert bench.run(2.0, grid0_frequency_hz=49.9).setpoint() < 0.0


def test_what_has_still_to_flow_back_survives_a_restart(benches: Any) -> None:
    bench = benches(VirtualInertia, ESS | {"rocof_deadband_hz_per_s": 0.02})
    bench.run(1.0)
    ramp(bench, -1.0, 0.5)
    owed_wh = bench.run(20.0, grid0_frequency_hz=49.5).metrics["given_wh"]
    bench.restart()
    assert bench.step().metrics["given_wh"] == pytest.approx(owed_wh)


def test_a_meter_that_is_lost_ends_the_answer_at_once(benches: Any) -> None:
    bench = benches(VirtualInertia, ESS)
    bench.run(1.0)
    ramp(bench, -1.0, 1.0)
    turn = bench.step(grid0_frequency_hz=nan)
    assert (turn.setpoint(), turn.metrics["arming"]) == (0.0, Arming.NO_FREQUENCY)
    assert bench.step(grid0_frequency_hz=49.0, ess0_soc_pct=nan).setpoint() == 0.0


@given(st.floats(-100.0, 100.0), st.floats(0.001, 10.0))
def test_recovery_never_brings_back_more_than_was_given(given_wh: float, dt_s: float) -> None:
    power_w = recovery_w(given_wh, dt_s, SETTINGS)
    assert power_w * given_wh <= 0.0
    assert abs(power_w) * dt_s / 3600.0 <= abs(given_wh) + 1e-12
    assert abs(power_w) <= 5_000.0


@settings(max_examples=25)
@given(st.lists(st.floats(-0.02, 0.02), min_size=5, max_size=60))
def test_it_never_pushes_the_way_the_frequency_goes(steps_hz: list[float]) -> None:
    """The answer opposes the measured rate of change, whatever the course."""
    for slope in steps_hz:
        assert inertia_w(slope / 0.1, SETTINGS) * slope <= 0.0
