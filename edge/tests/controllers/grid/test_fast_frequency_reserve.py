"""Fast frequency reserve: activation, hold, deactivation, buffer, recovery (Nordic technical requirements)."""

from __future__ import annotations

from itertools import pairwise
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_edge.controllers.grid.fast_frequency_reserve import FastFrequencyReserve
from simems_edge.controllers.grid.ffr_sequence import FfrState, Phase, activated, advanced
from simems_edge.controllers.grid.ffr_settings import FfrSettings
from simems_edge.controllers.grid.frequency_input import Arming

ESS: dict[str, Any] = {"grid": "grid0", "ess": "ess0", "capacity_w": 20_000.0}
SHORT = ESS | {"support_s": 5.0}


@pytest.mark.parametrize(
    ("code", "activation_hz", "full_activation_s"),
    [("nordic_ffr_49_7", 49.7, 1.3), ("nordic_ffr_49_6", 49.6, 1.0), ("nordic_ffr_49_5", 49.5, 0.7)],
)
def test_the_three_alternatives(benches: Any, code: str, activation_hz: float, full_activation_s: float) -> None:
    settings = FfrSettings.model_validate(ESS | {"code": code})
    assert (settings.activation_hz, settings.full_activation_s, settings.support_s) == (
        activation_hz,
        full_activation_s,
        30.0,
    )
    bench = benches(FastFrequencyReserve, ESS | {"code": code})
    assert bench.step(grid0_frequency_hz=activation_hz + 0.01).setpoint() == 0.0
    assert bench.step(grid0_frequency_hz=activation_hz).setpoint() == 20_000.0, "in the first cycle"


@pytest.mark.parametrize("period_s", [0.01, 0.1])
def test_the_course_of_a_short_support(benches: Any, period_s: float) -> None:
    """1.3 s + 5 s full, then 20 %/s for 5 s, 10 s nothing, then at 25 % back what was given, then ready."""
    bench = benches(FastFrequencyReserve, SHORT, period_s=period_s)
    bench.step()
    bench.step(grid0_frequency_hz=49.65)
    course = [20_000.0]
    for _ in range(round(120.0 / period_s)):
        course.append(bench.step(grid0_frequency_hz=49.95).setpoint())

    def at(second: float) -> float:
        return course[round(second / period_s)]

    assert min(course[: round(6.3 / period_s)]) == 20_000.0
    assert at(7.3) == pytest.approx(16_000.0, abs=20_000.0 * 0.2 * period_s + 1.0)
    assert at(11.0) == pytest.approx(1_200.0, abs=800.0)
    steepest = max(a - b for a, b in pairwise(course))
    assert steepest <= 4_000.0 * period_s * 1.001, "20 % of the capacity a second"
    assert {at(second) for second in (12.0, 15.0, 21.0)} == {0.0}, "buffer"
    assert at(25.0) == -5_000.0
    assert course[-1] == 0.0
    assert abs(sum(course)) * period_s <= 20_000.0 * period_s * 2.0, "what was given was taken back"


def test_the_headroom_is_kept_while_it_is_armed_and_while_it_runs(benches: Any) -> None:
    bench = benches(FastFrequencyReserve, ESS)
    bench.scheduled = {"ess0/active_power_w": 60_000.0}
    assert bench.step().setpoint() == 40_000.0
    assert bench.step(grid0_frequency_hz=49.7).setpoint() == 60_000.0


def test_the_response_is_measured_at_the_battery(benches: Any) -> None:
    bench = benches(FastFrequencyReserve, ESS)
    bench.step(ess0_active_power_w=1_000.0)
    bench.step(grid0_frequency_hz=49.6)
    for power_w in (4_000.0, 12_000.0, 19_000.0, 20_100.0):
        turn = bench.step(ess0_active_power_w=power_w)
    assert turn.metrics["response_s"] == pytest.approx(0.4), "95 % of 20 kW on 1 kW is 20 kW"


def test_once_started_it_runs_to_its_end_without_a_meter(benches: Any) -> None:
    bench = benches(FastFrequencyReserve, SHORT)
    bench.step(grid0_frequency_hz=49.6)
    assert bench.run(4.0, grid0_frequency_hz=nan).setpoint() == 20_000.0
    assert bench.run(8.5).setpoint() == 0.0


def test_no_second_activation_before_it_is_ready(benches: Any) -> None:
    bench = benches(FastFrequencyReserve, SHORT)
    bench.step(grid0_frequency_hz=49.6)
    assert bench.run(20.0).setpoint() == 0.0, "still low: nothing is taken back either"
    assert bench.run(20.0).setpoint() == 0.0
    assert bench.run(870.0).setpoint() > 0.0, "ready again 15 min after the activation"


@pytest.mark.parametrize(
    ("changes", "arming"),
    [
        ({"ess0_soc_pct": 10.0}, Arming.LOW_SOC),
        ({"ess0_soc_pct": nan}, Arming.LOW_SOC),
        ({"ess0_max_discharge_power_w": 19_000.0}, Arming.LOW_POWER),
        ({"grid0_frequency_hz": nan}, Arming.NO_FREQUENCY),
    ],
)
def test_it_is_not_armed_on_what_cannot_be_delivered(benches: Any, changes: dict[str, float], arming: Arming) -> None:
    bench = benches(FastFrequencyReserve, ESS)
    assert bench.step().metrics["arming"] == Arming.ARMED
    turn = bench.step(**({"grid0_frequency_hz": 49.0} | changes))
    assert (turn.metrics["arming"], turn.setpoint()) == (arming, 0.0)


def test_a_restart_in_the_middle_ends_the_support_and_waits(benches: Any) -> None:
    bench = benches(FastFrequencyReserve, SHORT)
    bench.step(grid0_frequency_hz=49.6)
    bench.run(2.0)
    bench.restart()
    turn = bench.step()
    assert (turn.setpoint(), turn.metrics["phase"]) == (0.0, Phase.BUFFER)
    assert bench.run(9.0, grid0_frequency_hz=49.95).metrics["phase"] == Phase.BUFFER
    assert bench.run(2.0).metrics["phase"] == Phase.READY


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"support_s": 4.0}, "5 s or more"),
        ({"support_s": 5.0, "deactivation_pct_per_s": 100.0}, "20 %/s or less"),
        ({"activation_hz": 50.0}, "below nominal_hz"),
        ({"activation_ramp_s": 1.3}, "below full_activation_s"),
        ({"age_max_s": 1.0}, "less than or equal to 0.5"),
    ],
)
def test_settings_that_contradict_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FfrSettings.model_validate(ESS | changes)


@given(st.lists(st.tuples(st.floats(0.001, 5.0), st.floats(49.0, 50.2)), min_size=1, max_size=100))
def test_the_answer_stays_between_recovery_and_capacity_and_never_charges_while_low(
    course: list[tuple[float, float]],
) -> None:
    settings = FfrSettings.model_validate(SHORT)
    state = FfrState()
    for dt_s, hz in course:
        low = hz <= settings.activation_hz
        state = activated(advanced(state, dt_s, settings, low=low), hz, settings)
        assert -5_000.0 <= state.power_w <= 20_000.0
        assert state.owed_wh >= 0.0
        assert not (low and state.power_w < 0.0)
