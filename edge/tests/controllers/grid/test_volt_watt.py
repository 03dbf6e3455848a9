"""P(U): the characteristic of IEEE 1547-2018 table 10, as a bound for everybody below."""

from __future__ import annotations

from math import exp, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_core import Curve
from simems_edge.controllers.grid.volt_watt import VoltWatt, VoltWattSettings

ESS_W, PV_W = "ess0/active_power_w", "pv0/active_power_limit_w"
BOTH: dict[str, Any] = {
    "grid": "grid0",
    "ess": "ess0",
    "ess_rated_w": 50_000.0,
    "pv": "pv0",
    "pv_rated_w": 30_000.0,
}
AT_ONCE = BOTH | {"code": "ieee_1547_2018_b", "nominal_v": 230.0, "time_constant_s": 0.0}


@pytest.mark.parametrize(
    ("voltage_pct", "share"), [(100.0, 1.0), (106.0, 1.0), (107.0, 0.8), (108.0, 0.6), (110.0, 0.2), (115.0, 0.2)]
)
def test_what_is_fed_in_is_held_back(benches: Any, voltage_pct: float, share: float) -> None:
    bench = benches(VoltWatt, AT_ONCE)
    bench.scheduled = {ESS_W: 60_000.0}
    turn = bench.step(grid0_voltage_v=2.3 * voltage_pct)
    assert turn.setpoint(ESS_W) == pytest.approx(50_000.0 * share)
    assert turn.setpoint(PV_W) == pytest.approx(30_000.0 * share)


def test_charging_is_left_alone(benches: Any) -> None:
    bench = benches(VoltWatt, AT_ONCE)
    bench.scheduled = {ESS_W: -40_000.0}
    assert bench.step(grid0_voltage_v=2.3 * 112.0).setpoint(ESS_W) == -40_000.0


@pytest.mark.parametrize("period_s", [0.01, 0.1, 1.0])
def test_the_answer_is_first_order_at_every_cycle_time(benches: Any, period_s: float) -> None:
    """From 100 to 20 %: to 90 % of the way after 10 s."""
    bench = benches(VoltWatt, BOTH, period_s=period_s)
    bench.run(2.0)
    limit_w = bench.run(10.0, grid0_voltage_v=2.3 * 110.0).setpoint(PV_W)
    assert limit_w == pytest.approx(30_000.0 * (1.0 - 0.8 * (1.0 - exp(-10.0 / 4.343))), rel=0.01)


def test_while_the_voltage_is_not_known_the_bound_holds(benches: Any) -> None:
    bench = benches(VoltWatt, AT_ONCE)
    bench.step(grid0_voltage_v=2.3 * 108.0)
    assert bench.step(grid0_voltage_v=nan).setpoint(PV_W) == pytest.approx(18_000.0)
    for _ in range(30):
        turn = bench.step(grid0_voltage_v=None)
    assert turn.setpoint(PV_W) == pytest.approx(18_000.0)


def test_a_voltage_that_never_was_known_bounds_nothing(benches: Any) -> None:
    bench = benches(VoltWatt, AT_ONCE)
    assert bench.step(grid0_voltage_v=nan).setpoint(PV_W) == 30_000.0


def test_after_a_restart_the_bound_is_that_of_the_voltage(benches: Any) -> None:
    bench = benches(VoltWatt, BOTH)
    bench.run(30.0, grid0_voltage_v=2.3 * 108.0)
    bench.restart()
    assert bench.step().setpoint(PV_W) == pytest.approx(18_000.0, rel=0.01)


@given(st.floats(80.0, 130.0), st.floats(80.0, 130.0))
def test_more_voltage_never_means_more_power(a_pct: float, b_pct: float) -> None:
    curve = Curve(VoltWattSettings.model_validate(BOTH).points)
    low, high = curve.at(min(a_pct, b_pct)), curve.at(max(a_pct, b_pct))
    assert low is not None
    assert high is not None
    assert high <= low


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ess": None, "pv": None}, "name ess or pv"),
        ({"pv_rated_w": None}, "pv_rated_w is needed"),
        ({"points": [[106.0, 120.0]]}, "within 100 %"),
    ],
)
def test_settings_that_contradict_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        VoltWattSettings.model_validate(BOTH | changes)
