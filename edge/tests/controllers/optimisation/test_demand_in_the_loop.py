"""Demand windows in the whole runtime: the controller against an ideal battery, over restarts, at any cycle.

Threshold 60 kW, windows of 15 min from 12:00. 40 kW until 12:07:30 leave 80 kW for the rest: of a load of 90 kW the
battery gives 10.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rig import START, Rig
from simems_edge.controllers.optimisation import demand_energy

PEAK = {
    "id": "peak0",
    "type": "peak_shaving",
    "grid": "grid0",
    "ess": "ess0",
    "threshold_w": 60_000.0,
    "window_s": 900.0,
    "reserve_soc_pct": 0.0,
}
JUNE = 2026 * 12 + 5


def peak(**more: Any) -> dict[str, Any]:
    return PEAK | more


def test_the_mean_of_the_window_is_held_not_each_spike() -> None:
    rig = Rig(peak())
    rig.step(40_000.0, 450.0)
    assert rig.power_w == 0.0
    rig.step(90_000.0, 60.0)
    assert rig.power_w == pytest.approx(10_000.0, abs=300.0)
    rig.step(90_000.0, 392.0)
    assert rig.value("peak0/peak1_w") == pytest.approx(60_000.0, rel=0.01)


@pytest.mark.parametrize("period_s", [0.1, 1.0, 10.0])
def test_seconds_are_the_same_at_every_cycle(period_s: float) -> None:
    """40 kW for a minute, then 90 kW: (60 x 900 - 40 x 60) / 840 = 61.4 kW may flow; two cycles pass before it acts."""
    rig = Rig(peak(), period_s=period_s)
    rig.step(40_000.0, 60.0)
    rig.step(90_000.0, 30.0)
    assert rig.power_w == pytest.approx(28_600.0, abs=300.0 + 120.0 * period_s)


def test_a_short_spike_moves_nothing_when_the_window_has_room() -> None:
    rig = Rig(peak())
    rig.step(30_000.0, 600.0)
    assert max(abs(rig.step(100_000.0)) for _ in range(60)) == 0.0


@pytest.mark.parametrize("silent", ["grid0/active_power_w", "ess0/active_power_w"])
def test_it_withdraws_without_its_inputs_and_goes_on_counting(silent: str) -> None:
    rig = Rig(peak())
    rig.step(80_000.0, 100.0)
    assert rig.power_w == pytest.approx(20_000.0, abs=500.0)
    rig.silent = {silent}
    rig.step(80_000.0, 60.0)
    assert rig.power_w == 0.0
    rig.silent = set()
    rig.step(80_000.0, 60.0)
    assert rig.power_w > 21_000.0, "what was drawn meanwhile counts"


def test_a_register_that_is_lost_is_carried_on_by_the_power() -> None:
    """Register gone at 12:05 (15 kWh x 1/3 = 5 kWh so far): 90 kW of load from then on is held at 60 all the same."""
    rig = Rig(peak())
    rig.step(60_000.0, 300.0)
    rig.silent = {"grid0/import_energy_wh"}
    rig.step(90_000.0, 120.0)
    assert rig.power_w == pytest.approx(30_000.0, abs=600.0)


def test_a_meter_without_a_register_has_its_power_integrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demand_energy, "REGISTER", "no_such_energy_wh")
    rig = Rig(peak())
    rig.step(40_000.0, 450.0)
    rig.step(90_000.0, 60.0)
    assert rig.power_w == pytest.approx(10_000.0, abs=300.0)
    assert rig.value("peak0/demand_source") == 2.0


def test_the_months_peak_and_the_window_survive_a_restart(tmp_path: Path) -> None:
    """A peak of 75 kW stands (the battery is empty); 40 kW until 12:22:30; restart; the rest of the window may draw
    more."""
    first = Rig(peak(follow_peak=True), data=tmp_path)
    first.step(75_000.0, 905.0, max_discharge_power_w=0.0)
    assert first.value("peak0/peak1_w") == pytest.approx(75_000.0, rel=0.01)
    first.step(40_000.0, 445.0, max_discharge_power_w=60_000.0)
    first.runtime.retained.keep(first.clock.now_ns(), at_once=True)
    again = Rig(
        peak(follow_peak=True),
        data=tmp_path,
        start=START + timedelta(seconds=1_350.0),
        register_wh=first.register_wh,
    )
    again.step(130_000.0, 60.0)
    assert again.value("peak0/threshold_in_force_w") == pytest.approx(75_000.0, rel=0.01)
    assert again.value("peak0/month") == JUNE
    assert again.power_w == pytest.approx(130_000.0 - 110_000.0, abs=2_000.0), "75 + (75 - 40) kW"


def test_a_seed_in_mid_month_raises_the_threshold() -> None:
    rig = Rig(peak(follow_peak=True, peak_so_far_w=70_000.0, peak_month="2026-06"))
    rig.step(90_000.0, 60.0)
    assert rig.power_w == pytest.approx(20_000.0, abs=300.0)


def test_several_charges_at_once() -> None:
    """The month's peak at 60 kW always; high hours on weekdays from 12:30 at 50 kW."""
    high_hours = {"begin": "12:30", "end": "19:00", "weekdays": ("mon",)}
    charge = {"threshold_w": 50_000.0, "window_s": 900.0, "when": (high_hours,)}
    rig = Rig(peak(charges=(charge,)), start=datetime.fromisoformat("2026-06-01T12:15:00+02:00"))
    rig.step(70_000.0, 600.0)
    assert rig.power_w == pytest.approx(10_000.0, abs=300.0)
    rig.step(70_000.0, 600.0)
    assert rig.power_w == pytest.approx(20_000.0, abs=300.0)
    assert rig.value("peak0/peak2_w") == 0.0


def test_adapting_rises_before_the_battery_is_empty() -> None:
    """A battery of 10 kWh plans with 42 %: after 80 kW for 15 min at a threshold of 30 kW the lower ones are lost."""
    rig = Rig(peak(threshold_w=30_000.0, adapt=True, capacity_wh=10_000.0), period_s=5.0)
    rig.step(80_000.0, 1_810.0)
    learned_w = rig.value("peak0/holdable1_w")
    assert learned_w > 60_000.0, "4.2 kWh in half an hour are 8 kW"
    assert rig.value("peak0/threshold_in_force_w") >= learned_w
