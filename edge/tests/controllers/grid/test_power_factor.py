"""Power factor at the grid meter: the formula, and a closed loop behind a late meter."""

from __future__ import annotations

from collections import deque
from math import acos, nan, tan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.controllers.grid.power_factor import PowerFactor, PowerFactorSettings, required_var

Q = "ess0/reactive_power_var"
ESS: dict[str, Any] = {"grid": "grid0", "ess": "ess0", "rated_va": 40_000.0}
SETTINGS = PowerFactorSettings.model_validate(ESS)
TAN_095 = tan(acos(0.95))


@pytest.mark.parametrize(
    ("site_var", "grid_w", "expected_var"),
    [
        (10_000.0, 40_000.0, 0.0),  # 0.97: inside
        (20_000.0, 40_000.0, 20_000.0 - 40_000.0 * TAN_095),
        (-5_000.0, 40_000.0, -5_000.0),  # capacitive up to 1.0: all of it is taken
        (20_000.0, -40_000.0, 20_000.0 - 40_000.0 * TAN_095),
        (20_000.0, 0.0, 20_000.0 - 1_000.0 * TAN_095),  # below minimum_power_w as at it
        (90_000.0, 0.0, 40_000.0),  # no more than the inverter has
    ],
)
def test_the_formula(site_var: float, grid_w: float, expected_var: float) -> None:
    assert required_var(site_var, grid_w, SETTINGS) == pytest.approx(expected_var)


@given(st.floats(-80e3, 80e3), st.floats(-80e3, 80e3))
def test_it_never_makes_the_power_factor_worse(site_var: float, grid_w: float) -> None:
    left_var = site_var - required_var(site_var, grid_w, SETTINGS)
    assert abs(left_var) <= abs(site_var) + 1e-6
    assert left_var * site_var >= -1e-6, "it never turns the sign"


class Site:
    """A load of reactive power, an inverter with a time constant, a meter that is late and rare."""

    def __init__(self, bench: Any, *, delay_s: float, interval_s: float, tau_s: float) -> None:
        self.bench, self.tau_s = bench, tau_s
        self.delay = deque([0.0] * round(delay_s / bench.period_s + 1))
        self.every = max(round(interval_s / bench.period_s), 1)
        self.inverter_var = self.setpoint_var = self.shown_var = 0.0
        self.number = 0

    def run(self, load_var: float, seconds: float) -> list[float]:
        seen = []
        for _ in range(round(seconds / self.bench.period_s)):
            share = min(self.bench.period_s / self.tau_s, 1.0)
            self.inverter_var += (self.setpoint_var - self.inverter_var) * share
            self.delay.append(load_var - self.inverter_var)
            late_var = self.delay.popleft()
            fresh = self.number % self.every == 0
            self.shown_var = late_var if fresh else self.shown_var
            meter = {"grid0_reactive_power_var": self.shown_var if fresh else None}
            turn = self.bench.step(grid0_active_power_w=40_000.0, ess0_reactive_power_var=self.inverter_var, **meter)
            self.setpoint_var = turn.setpoint(Q)
            self.number += 1
            seen.append(self.setpoint_var)
        return seen


@pytest.mark.parametrize("delay_s", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(("interval_s", "tau_s"), [(0.1, 0.2), (1.0, 1.0), (1.5, 5.0)])
def test_a_step_is_answered_once_behind_a_late_meter(
    benches: Any, delay_s: float, interval_s: float, tau_s: float
) -> None:
    """25 kvar of 40 kW: 11.85 kvar are needed; never more than 5 % over, and it stays."""
    bench = benches(PowerFactor, ESS)
    site = Site(bench, delay_s=delay_s, interval_s=interval_s, tau_s=tau_s)
    site.run(0.0, 10.0)
    course = site.run(25_000.0, 5.0 * (tau_s + delay_s + interval_s + 0.1) + 5.0)
    needed_var = 25_000.0 - 40_000.0 * TAN_095
    assert max(course) <= 1.05 * needed_var
    assert course[-1] == pytest.approx(needed_var, abs=250.0)
    settled = site.run(25_000.0, 10.0)
    assert max(settled) - min(settled) <= 200.0, "no swing"


def test_without_readings_it_withdraws(benches: Any) -> None:
    bench = benches(PowerFactor, ESS)
    bench.run(5.0, grid0_active_power_w=40_000.0, grid0_reactive_power_var=25_000.0)
    assert bench.step().setpoint(Q) > 0.0
    for channel in ("grid0_active_power_w", "grid0_reactive_power_var", "ess0_reactive_power_var"):
        known = bench.values[channel.replace("_", "/", 1)]
        assert bench.step(**{channel: nan}).setpoint(Q) == 0.0, channel
        bench.run(2.0, **{channel: known})


def test_a_restart_goes_on_from_the_standing_setpoint(benches: Any) -> None:
    bench = benches(PowerFactor, ESS)
    site = Site(bench, delay_s=0.0, interval_s=0.1, tau_s=0.2)
    before_var = site.run(25_000.0, 20.0)[-1]
    bench.restart()
    after = site.run(25_000.0, 20.0)
    assert max(abs(value - before_var) for value in after) <= 1_000.1, "within its ramp, and back"
    assert after[-1] == pytest.approx(before_var, abs=200.0)
