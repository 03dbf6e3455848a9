"""After the grid's return: nothing for the observation time, then 10 % a minute (EN 50549-1:2019 4.10.2)."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_edge.controllers.grid.reconnection_ramp import (
    ReconnectionRamp,
    ReconnectionRampSettings,
    Return,
    next_return,
)

ESS_W, PV_W = "ess0/active_power_w", "pv0/active_power_limit_w"
BOTH: dict[str, Any] = {
    "grid": "grid0",
    "code": "en_50549_1_2019",
    "ess": "ess0",
    "ess_rated_w": 50_000.0,
    "pv": "pv0",
    "pv_rated_w": 30_000.0,
}


def after_loss(benches: Any, **more: Any) -> Any:
    bench = benches(ReconnectionRamp, BOTH | more, period_s=1.0)
    bench.scheduled = {ESS_W: 50_000.0}
    bench.run(5.0)
    bench.run(5.0, grid0_voltage_v=0.0, grid0_frequency_hz=0.0)
    return bench


def test_in_normal_operation_it_says_nothing(benches: Any) -> None:
    bench = benches(ReconnectionRamp, BOTH)
    bench.scheduled = {ESS_W: 55_000.0}
    assert bench.run(2.0).setpoint(ESS_W) == 55_000.0
    assert bench.step(grid0_frequency_hz=50.4).setpoint(ESS_W) == 55_000.0, "a disturbed grid is not a lost one"


@pytest.mark.parametrize("period_s", [0.1, 1.0])
def test_the_course_after_a_loss(benches: Any, period_s: float) -> None:
    bench = benches(ReconnectionRamp, BOTH, period_s=period_s)
    bench.scheduled = {ESS_W: 50_000.0}
    bench.run(2.0)
    assert bench.run(2.0, grid0_voltage_v=0.0, grid0_frequency_hz=0.0).setpoint(ESS_W) == 0.0
    assert bench.run(59.0, grid0_voltage_v=230.0, grid0_frequency_hz=50.0).setpoint(ESS_W) == 0.0
    turn = bench.run(61.0)
    assert turn.setpoint(ESS_W) == pytest.approx(5_000.0, rel=0.03), "10 % after a minute"
    assert turn.setpoint(PV_W) == pytest.approx(3_000.0, rel=0.03)
    assert bench.run(540.0).setpoint(ESS_W) == pytest.approx(50_000.0, rel=0.01)
    bench.scheduled = {ESS_W: 60_000.0}
    assert bench.run(2.0).setpoint(ESS_W) == 60_000.0, "over"


def test_charging_is_held_back_as_well(benches: Any) -> None:
    bench = after_loss(benches)
    bench.scheduled = {ESS_W: -50_000.0}
    assert bench.step().setpoint(ESS_W) == 0.0
    assert bench.run(120.0, grid0_voltage_v=230.0, grid0_frequency_hz=50.0).setpoint(ESS_W) >= -5_200.0


def test_outside_the_window_the_observation_begins_anew(benches: Any) -> None:
    bench = after_loss(benches)
    bench.run(50.0, grid0_voltage_v=230.0, grid0_frequency_hz=50.0)
    bench.run(1.0, grid0_frequency_hz=50.3)
    assert bench.run(59.0, grid0_frequency_hz=50.0).setpoint(ESS_W) == 0.0
    assert bench.run(10.0).setpoint(ESS_W) > 0.0


def test_a_meter_that_is_lost_in_the_ramp_releases_no_more(benches: Any) -> None:
    bench = after_loss(benches)
    before_w = bench.run(120.0, grid0_voltage_v=230.0, grid0_frequency_hz=50.0).setpoint(ESS_W)
    assert bench.run(60.0, grid0_frequency_hz=nan).setpoint(ESS_W) == before_w


def test_a_restart_goes_on_where_it_stood(benches: Any) -> None:
    bench = after_loss(benches)
    before_w = bench.run(120.0, grid0_voltage_v=230.0, grid0_frequency_hz=50.0).setpoint(ESS_W)
    bench.restart()
    assert bench.step().setpoint(ESS_W) == pytest.approx(before_w, rel=0.05)


def test_an_open_breaker_is_a_loss(benches: Any) -> None:
    bench = benches(ReconnectionRamp, BOTH | {"breaker": "breaker0"})
    bench.scheduled = {ESS_W: 50_000.0}
    assert bench.step(breaker0_closed=1.0).setpoint(ESS_W) == 50_000.0
    assert bench.step(breaker0_closed=0.0).setpoint(ESS_W) == 0.0
    assert bench.step(breaker0_closed=1.0).setpoint(ESS_W) == 0.0


@given(st.lists(st.tuples(st.sampled_from(["lost", "in", "out"]), st.floats(0.01, 30.0)), min_size=1, max_size=60))
def test_power_never_rises_faster_than_the_gradient(course: list[tuple[str, float]]) -> None:
    settings = ReconnectionRampSettings.model_validate(BOTH)
    state = Return(0.0)
    for what, dt_s in course:
        before = state.released_pct
        state = next_return(state, dt_s, settings, lost=what == "lost", within=what == "in")
        assert state.released_pct <= before + 10.0 * dt_s / 60.0 + 1e-9
        assert what == "in" or state.released_pct <= before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lowest_hz": 51.0}, "swap them"),
        ({"pv_rated_w": None}, "pv_rated_w is needed"),
        ({"ess": None, "pv": None}, "name ess"),
    ],
)
def test_settings_that_contradict_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReconnectionRampSettings.model_validate(BOTH | changes)
