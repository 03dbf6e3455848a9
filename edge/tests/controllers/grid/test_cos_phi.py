"""Fixed cos phi and cos phi (P): Q = P tan(phi)."""

from __future__ import annotations

from math import acos, nan, tan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_edge.controllers.grid.cos_phi_of_p import CosPhiOfP, CosPhiOfPSettings
from simems_edge.controllers.grid.fixed_cos_phi import FixedCosPhi, FixedCosPhiSettings, required_var

Q = "pv0/reactive_power_var"
PV: dict[str, Any] = {"grid": "grid0", "pv": "pv0", "rated_va": 30_000.0, "time_constant_s": 0.0}
FIXED = {key: value for key, value in PV.items() if key != "grid"}


@pytest.mark.parametrize(
    ("cos_phi", "excitation", "power_w", "expected_var"),
    [
        (1.0, "over", 20_000.0, 0.0),
        (0.95, "over", 20_000.0, 20_000.0 * tan(acos(0.95))),
        (0.95, "under", 20_000.0, -20_000.0 * tan(acos(0.95))),
        (0.8, "over", 12_000.0, 9_000.0),  # 3-4-5
        (0.8, "over", -12_000.0, 9_000.0),
        (0.8, "over", 0.0, 0.0),
    ],
)
def test_a_fixed_power_factor(
    benches: Any, cos_phi: float, excitation: str, power_w: float, expected_var: float
) -> None:
    bench = benches(FixedCosPhi, FIXED | {"cos_phi": cos_phi, "excitation": excitation})
    assert bench.step(pv0_active_power_w=power_w).setpoint(Q) == pytest.approx(expected_var, abs=1e-6)


def test_a_power_that_is_not_known_withdraws(benches: Any) -> None:
    for kind in (FixedCosPhi, CosPhiOfP):
        bench = benches(kind, FIXED | ({"cos_phi": 0.8} if kind is FixedCosPhi else {}))
        assert bench.step(pv0_active_power_w=30_000.0).setpoint(Q) != 0.0
        assert bench.step(pv0_active_power_w=nan).setpoint(Q) == 0.0
        for _ in range(21):
            turn = bench.step(pv0_active_power_w=None)
        assert turn.setpoint(Q) == 0.0


@pytest.mark.parametrize(("power_pct", "cos_phi"), [(0.0, 1.0), (50.0, 1.0), (75.0, 0.95), (100.0, 0.9), (110.0, 0.9)])
def test_the_characteristic_of_vde_ar_n_4105(benches: Any, power_pct: float, cos_phi: float) -> None:
    """1 up to half power, 0.9 under-excited at full power, straight between."""
    bench = benches(CosPhiOfP, FIXED | {"code": "vde_ar_n_4105_2018", "time_constant_s": 0.0})
    power_w = 300.0 * power_pct
    turn = bench.step(pv0_active_power_w=power_w)
    assert turn.setpoint(Q) == pytest.approx(-power_w * tan(acos(cos_phi)), abs=1e-6)
    assert abs(turn.metrics["cos_phi"]) == pytest.approx(cos_phi)


def test_a_battery_that_charges_is_no_generation(benches: Any) -> None:
    ess = {"ess": "ess0", "rated_va": 50_000.0, "time_constant_s": 0.0}
    bench = benches(CosPhiOfP, ess)
    assert bench.step(ess0_active_power_w=-50_000.0).setpoint("ess0/reactive_power_var") == 0.0


def test_a_restart_makes_no_bump(benches: Any) -> None:
    bench = benches(FixedCosPhi, FIXED | {"cos_phi": 0.8, "time_constant_s": 3.33})
    before_var = bench.run(30.0, pv0_active_power_w=12_000.0).setpoint(Q)
    bench.restart()
    assert bench.step().setpoint(Q) == pytest.approx(before_var, rel=0.001)


@given(st.floats(-60e3, 60e3), st.floats(0.1, 1.0), st.sampled_from(["over", "under"]))
def test_the_power_factor_is_the_one_asked_for(power_w: float, cos_phi: float, excitation: str) -> None:
    settings = FixedCosPhiSettings.model_validate(FIXED | {"cos_phi": cos_phi, "excitation": excitation})
    reactive_var = required_var(power_w, settings)
    assert (reactive_var >= 0.0) == (excitation == "over") or reactive_var == 0.0
    if abs(power_w) > 1.0:
        assert abs(power_w) / (power_w**2 + reactive_var**2) ** 0.5 == pytest.approx(cos_phi)


def test_points_that_are_no_power_factors_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"0\.1 to 1"):
        CosPhiOfPSettings.model_validate(FIXED | {"points": [[0.0, 1.5]]})
