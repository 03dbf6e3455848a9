"""Q(U): the characteristic of IEEE 1547-2018 table 8, its first-order answer, its lock-in."""

from __future__ import annotations

from math import exp, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_core import Curve
from simems_edge.controllers.grid.volt_var import VoltVar, VoltVarSettings, locked_in

Q = "ess0/reactive_power_var"
ESS: dict[str, Any] = {"grid": "grid0", "ess": "ess0", "rated_va": 50_000.0}
AT_ONCE = ESS | {"time_constant_s": 0.0}


@pytest.mark.parametrize(
    ("voltage_pct", "expected_pct"),
    [
        (90.0, 44.0),
        (92.0, 44.0),
        (95.0, 22.0),
        (98.0, 0.0),
        (100.0, 0.0),
        (102.0, 0.0),
        (105.0, -22.0),
        (108.0, -44.0),
        (115.0, -44.0),
    ],
)
def test_category_b(benches: Any, voltage_pct: float, expected_pct: float) -> None:
    """Low voltage: injected; high: taken. Halfway between 92 and 98 % half of 44 %."""
    bench = benches(VoltVar, AT_ONCE | {"code": "ieee_1547_2018_b", "nominal_v": 230.0, "time_constant_s": 0.0})
    turn = bench.step(grid0_voltage_v=2.3 * voltage_pct)
    assert turn.setpoint(Q) == pytest.approx(50_000.0 * expected_pct / 100.0, abs=1e-6)


def test_category_a_has_no_deadband(benches: Any) -> None:
    bench = benches(VoltVar, ESS | {"code": "ieee_1547_2018_a", "nominal_v": 230.0, "time_constant_s": 0.0})
    assert bench.step(grid0_voltage_v=2.3 * 104.0).setpoint(Q) == pytest.approx(-5_000.0)


@pytest.mark.parametrize("period_s", [0.01, 0.1, 1.0])
def test_the_answer_is_first_order_at_every_cycle_time(benches: Any, period_s: float) -> None:
    """To 90 % after 5 s (IEEE category B), to 99 % after 10 s."""
    bench = benches(VoltVar, ESS | {"time_constant_s": 2.171}, period_s=period_s)
    bench.run(2.0)
    after_5 = bench.run(5.0, grid0_voltage_v=2.3 * 108.0).setpoint(Q)
    assert after_5 == pytest.approx(-22_000.0 * (1.0 - exp(-5.0 / 2.171)), rel=0.01)
    assert bench.run(5.0).setpoint(Q) == pytest.approx(-22_000.0, rel=0.015)


def test_it_begins_at_the_standing_setpoint(benches: Any) -> None:
    bench = benches(VoltVar, ESS)
    bench.run(30.0, grid0_voltage_v=2.3 * 108.0)
    assert bench.step(grid0_voltage_v=nan).setpoint(Q) == 0.0, "without a voltage it withdraws"
    assert abs(bench.step(grid0_voltage_v=2.3 * 108.0).setpoint(Q)) < 1_000.0
    bench.run(30.0)
    bench.restart()
    assert bench.step().setpoint(Q) == pytest.approx(-22_000.0, rel=0.01), "a restart makes no bump"


def test_without_a_meter_it_withdraws_when_the_reading_is_stale(benches: Any) -> None:
    bench = benches(VoltVar, AT_ONCE)
    assert bench.step(grid0_voltage_v=2.3 * 108.0).setpoint(Q) < 0.0
    for _ in range(21):
        turn = bench.step(grid0_voltage_v=None)
    assert turn.setpoint(Q) == 0.0


def test_it_begins_with_active_power_enough(benches: Any) -> None:
    bench = benches(VoltVar, AT_ONCE | {"lock_in_pct": 20.0})
    assert bench.step(grid0_voltage_v=2.3 * 108.0, ess0_active_power_w=9_000.0).setpoint(Q) == 0.0
    assert bench.step(ess0_active_power_w=-11_000.0).setpoint(Q) == pytest.approx(-22_000.0)
    assert bench.step(ess0_active_power_w=3_000.0).setpoint(Q) == pytest.approx(-22_000.0)
    assert bench.step(ess0_active_power_w=nan).setpoint(Q) == pytest.approx(-22_000.0), "unknown changes nothing"
    assert bench.step(ess0_active_power_w=2_000.0).setpoint(Q) == 0.0


@given(st.floats(80.0, 120.0), st.floats(80.0, 120.0))
def test_more_voltage_never_means_more_injection(a_pct: float, b_pct: float) -> None:
    curve = Curve(VoltVarSettings.model_validate(ESS).points)
    low, high = curve.at(min(a_pct, b_pct)), curve.at(max(a_pct, b_pct))
    assert low is not None
    assert high is not None
    assert high <= low


@given(st.lists(st.floats(0.0, 60e3), min_size=1, max_size=40))
def test_a_lock_in_never_flickers_between_its_ends(powers_w: list[float]) -> None:
    settings = VoltVarSettings.model_validate(ESS | {"lock_in_pct": 20.0})
    locked = False
    for power_w in powers_w:
        before, locked = locked, locked_in(locked, power_w, settings)
        assert locked == before or power_w > 10_000.0 or power_w <= 2_500.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pv": "pv0"}, "either ess or pv"),
        ({"ess": None}, "either ess or pv"),
        ({"points": [[100.0, 0.0], [99.0, 10.0]]}, "first number rises"),
        ({"points": [[90.0, 120.0]]}, "within 100 %"),
        ({"lock_in_pct": 4.0}, "below lock_in_pct"),
    ],
)
def test_settings_that_contradict_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        VoltVarSettings.model_validate(ESS | changes)
