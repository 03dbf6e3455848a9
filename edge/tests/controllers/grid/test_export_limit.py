"""Export limit: the battery takes the surplus first, PV gives way to what is left, and nothing swings."""

from __future__ import annotations

from collections import deque
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_edge.controllers.grid.export_limit import ExportLimit, ExportLimitSettings, bounds_w

ESS_W, PV_W = "ess0/active_power_w", "pv0/active_power_limit_w"
BOTH: dict[str, Any] = {"grid": "grid0", "ess": "ess0", "pv": "pv0", "pv_rated_w": 30_000.0, "margin_w": 0.0}
SETTINGS = ExportLimitSettings.model_validate(BOTH)


@pytest.mark.parametrize(
    ("load_w", "pv_w", "charge_w", "ess_w", "pv_limit_w"),
    [
        (5_000.0, 20_000.0, 60_000.0, -15_000.0, 65_000.0),  # all of the surplus into the battery
        (5_000.0, 20_000.0, 8_000.0, -15_000.0, 13_000.0),  # it takes 8 kW: PV may give 13 kW
        (5_000.0, 20_000.0, 0.0, -15_000.0, 5_000.0),
        (25_000.0, 20_000.0, 0.0, 5_000.0, 25_000.0),  # no surplus: the battery may give what the load needs
        (-5_000.0, 0.0, 0.0, -5_000.0, 0.0),  # never below nothing
    ],
)
def test_the_bounds(load_w: float, pv_w: float, charge_w: float, ess_w: float, pv_limit_w: float) -> None:
    assert bounds_w(load_w, pv_w, charge_w, SETTINGS) == (ess_w, pv_limit_w)
    wider = ExportLimitSettings.model_validate(BOTH | {"export_limit_w": 3_000.0, "margin_w": 500.0})
    assert bounds_w(load_w, pv_w, charge_w, wider)[0] == ess_w + 2_500.0


@given(st.floats(-50e3, 50e3), st.floats(0.0, 30e3), st.floats(0.0, 60e3))
def test_within_the_bounds_export_stays_at_its_limit(load_w: float, pv_w: float, charge_w: float) -> None:
    """Whatever anybody chooses inside the bounds, with the PV that is there."""
    most_w, pv_limit_w = bounds_w(load_w, min(pv_w, 30e3), charge_w, SETTINGS)
    given_w = min(pv_w, pv_limit_w)
    taken_w = max(most_w, -charge_w)
    assert load_w - given_w - taken_w >= -1e-6 or load_w < -charge_w


class Sunny:
    """Load, sun, a battery and an inverter with a time constant, a meter that is late and rare."""

    def __init__(self, bench: Any, *, delay_s: float = 0.0, interval_s: float = 0.1, tau_s: float = 0.3) -> None:
        self.bench, self.tau_s = bench, tau_s
        self.late = deque([0.0] * round(delay_s / bench.period_s + 1))
        self.every = max(round(interval_s / bench.period_s), 1)
        self.ess_w = self.pv_w = self.ess_setpoint = 0.0
        self.pv_limit, self.most_charge_w, self.soc_pct = 30_000.0, 60_000.0, 50.0
        self.number = 0

    def run(self, load_w: float, sun_w: float, seconds: float) -> list[float]:
        """True grid power of each cycle."""
        seen = []
        for _ in range(round(seconds / self.bench.period_s)):
            share = min(self.bench.period_s / self.tau_s, 1.0)
            target_w = max(self.ess_setpoint, 0.0 if self.soc_pct >= 95.0 else -self.most_charge_w)
            self.ess_w += (target_w - self.ess_w) * share
            self.pv_w += (min(sun_w, self.pv_limit) - self.pv_w) * share
            grid_w = load_w - self.pv_w - self.ess_w
            self.late.append(grid_w)
            shown_w = self.late.popleft()
            fresh = self.number % self.every == 0
            turn = self.bench.step(
                grid0_active_power_w=shown_w if fresh else None,
                ess0_active_power_w=self.ess_w,
                ess0_soc_pct=self.soc_pct,
                ess0_max_charge_power_w=self.most_charge_w,
                pv0_active_power_w=self.pv_w,
            )
            self.ess_setpoint, self.pv_limit = turn.setpoint(ESS_W), turn.setpoint(PV_W)
            self.number += 1
            seen.append(grid_w)
        return seen


@pytest.mark.parametrize("delay_s", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(("interval_s", "tau_s"), [(0.1, 0.3), (1.0, 1.0), (1.5, 5.0)])
def test_zero_export_behind_a_late_meter(benches: Any, delay_s: float, interval_s: float, tau_s: float) -> None:
    """20 kW of sun, 5 kW of load: the battery takes 15 kW; PV is not curtailed."""
    site = Sunny(benches(ExportLimit, BOTH), delay_s=delay_s, interval_s=interval_s, tau_s=tau_s)
    site.run(5_000.0, 0.0, 10.0)
    site.run(5_000.0, 20_000.0, 10.0 * (tau_s + delay_s + interval_s))
    settled = site.run(5_000.0, 20_000.0, 15.0)
    assert min(settled) >= -200.0
    assert max(settled) - min(settled) <= 300.0, "no swing"
    assert site.pv_w == pytest.approx(20_000.0, abs=300.0)


def test_pv_is_curtailed_by_what_the_battery_cannot_take(benches: Any) -> None:
    site = Sunny(benches(ExportLimit, BOTH), tau_s=0.5)
    site.most_charge_w = 8_000.0
    site.run(5_000.0, 20_000.0, 30.0)
    settled = site.run(5_000.0, 20_000.0, 30.0)
    assert min(settled) >= -100.0
    assert site.pv_w == pytest.approx(13_000.0, abs=100.0)
    assert max(settled) - min(settled) <= 100.0


def test_a_full_battery_leaves_pv_what_the_load_takes(benches: Any) -> None:
    site = Sunny(benches(ExportLimit, BOTH), tau_s=0.5)
    site.soc_pct = 95.0
    site.run(5_000.0, 20_000.0, 30.0)
    settled = site.run(5_000.0, 20_000.0, 60.0)
    assert min(settled) >= -100.0
    assert max(settled) - min(settled) <= 100.0, "it does not try the battery again and again"
    assert site.run(12_000.0, 20_000.0, 20.0)[-1] == pytest.approx(0.0, abs=100.0), "and follows the load"
    assert site.pv_w == pytest.approx(12_000.0, abs=100.0)


def test_without_a_reading_nobody_discharges_and_curtailing_stays(benches: Any) -> None:
    bench = benches(ExportLimit, BOTH)
    site = Sunny(bench, tau_s=0.5)
    site.soc_pct = 95.0
    site.run(5_000.0, 20_000.0, 30.0)
    held_w = site.pv_limit
    bench.scheduled = {ESS_W: 30_000.0}
    turn = bench.step(grid0_active_power_w=nan)
    assert turn.setpoint(ESS_W) <= 0.0
    assert turn.setpoint(PV_W) == pytest.approx(held_w)


def test_a_restart_in_the_middle_settles_at_the_same_place(benches: Any) -> None:
    bench = benches(ExportLimit, BOTH)
    site = Sunny(bench, tau_s=0.5)
    site.run(5_000.0, 20_000.0, 30.0)
    bench.restart()
    again = site.run(5_000.0, 20_000.0, 30.0)
    assert min(again) >= -500.0


@pytest.mark.parametrize(
    ("changes", "message"), [({"ess": None, "pv": None}, "name ess or pv"), ({"pv_rated_w": None}, "pv_rated_w")]
)
def test_settings_that_contradict_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ExportLimitSettings.model_validate(BOTH | changes)
