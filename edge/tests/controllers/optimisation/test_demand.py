"""Demand charges by hand: what a window may still draw, peaks over months and restarts, several at once.

Windows of 15 min: target 60 kW is 15 kWh. Allowed power = (target x window - energy so far) / time left.
"""

from __future__ import annotations

from datetime import datetime
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.controllers.optimisation.demand_charge import DemandCharge
from simems_edge.controllers.optimisation.demand_meter import ChargeMeter
from simems_edge.controllers.optimisation.holdable import VirtualBatteries, VirtualLimits

NS = 1_000_000_000
ZONE = ZoneInfo("Europe/Stockholm")
NOON = datetime.fromisoformat("2026-06-01T12:00:00+02:00").timestamp()
BOOT_S = 1_000.0
"""Monotonic time of NOON."""


class Bench:
    """A charge with a clock and a register of our own."""

    def __init__(self, *, start: float = NOON, meter_clock_s: float = 0.0, **charge: Any) -> None:
        terms = {"threshold_w": 60_000.0, "window_s": 900.0} | charge
        self.meter = ChargeMeter(
            DemandCharge.model_validate(terms), ZONE, maximum_w=200_000.0, meter_clock_s=meter_clock_s
        )
        self.start = start
        self.time_s = 0.0
        self.register_wh = 1_000_000.0
        self.tell()

    @property
    def now_ns(self) -> int:
        return round((BOOT_S + self.time_s) * NS)

    def tell(self) -> None:
        self.meter.follow_clock(self.now_ns, self.start + self.time_s)
        self.meter.reading(self.now_ns, self.register_wh)

    def draw(self, power_w: float, duration_s: float, step_s: float = 10.0) -> None:
        for _ in range(round(duration_s / step_s)):
            self.time_s += step_s
            self.register_wh += power_w * step_s / 3600.0
            self.tell()

    def allowed_w(self, power_w: float = 0.0) -> float:
        return self.meter.allowed_w(self.now_ns, power_w)


def test_what_the_rest_of_the_window_may_draw() -> None:
    """40 kW for 7.5 min leave 10 kWh for 7.5 min: 80 kW. Then 90 kW for 5 min leave 2.5 kWh for 2.5 min: 60 kW."""
    bench = Bench()
    assert bench.allowed_w() == pytest.approx(60_000.0)
    bench.draw(40_000.0, 450.0)
    assert bench.allowed_w() == pytest.approx(80_000.0)
    bench.draw(90_000.0, 300.0)
    assert bench.allowed_w() == pytest.approx(60_000.0)


def test_a_window_that_is_lost_may_draw_nothing_more() -> None:
    """120 kW for 10 min are 20 kWh: 5 more than the window has."""
    bench = Bench()
    bench.draw(120_000.0, 600.0)
    assert bench.allowed_w() == 0.0


def test_credit_and_debt_fade_at_the_windows_end() -> None:
    """10 s before the end, half of 20 s: 40 kW so far leave (15 - 9.89) kWh for 10 s, far beyond; at the end 60 kW."""
    bench = Bench()
    bench.draw(40_000.0, 890.0)
    assert 60_000.0 < bench.allowed_w() <= 0.5 * (60_000.0 + 200_000.0)
    bench.draw(40_000.0, 10.0)
    assert bench.allowed_w() == pytest.approx(60_000.0, rel=0.01), "a new window begins"


def test_windows_stand_on_the_meters_clock() -> None:
    """The meter is 5 min ahead: at 12:00 its window runs since 5 min, and ends 10 min later."""
    bench = Bench(meter_clock_s=300.0)
    running = bench.meter._window.running(bench.now_ns, 0.0)  # type: ignore[union-attr]
    assert running is not None
    assert running.left_s == pytest.approx(600.0)


def test_hours_of_a_zone_half_an_hour_off() -> None:
    """In India 12:00 local is 06:30 UTC: a window of 60 min begins there."""
    start = datetime.fromisoformat("2026-06-01T12:00:00+05:30").timestamp()
    meter = ChargeMeter(
        DemandCharge(threshold_w=1.0, window_s=3600.0), ZoneInfo("Asia/Kolkata"), maximum_w=1e5, meter_clock_s=0.0
    )
    meter.follow_clock(0, start)
    meter.reading(0, 0.0)
    running = meter._window.running(0, 0.0)  # type: ignore[union-attr]
    assert running is not None
    assert running.left_s == pytest.approx(3600.0)


def test_the_peak_is_the_highest_mean_and_ends_with_the_month() -> None:
    bench = Bench(start=datetime.fromisoformat("2026-06-30T23:00:00+02:00").timestamp(), follow_peak=True)
    bench.draw(80_000.0, 900.0)
    bench.draw(50_000.0, 900.0)
    assert bench.meter.peak_w == pytest.approx(80_000.0)
    assert bench.meter.threshold_w == pytest.approx(80_000.0), "once it stands, more costs nothing"
    bench.draw(50_000.0, 1_800.0)
    assert bench.meter.peak_w == 0.0
    assert bench.meter.threshold_w == 60_000.0


def test_a_start_in_the_middle_of_a_window_is_no_peak() -> None:
    bench = Bench(start=NOON + 300.0)
    bench.draw(90_000.0, 600.0)
    assert bench.meter.peak_w == 0.0
    bench.draw(70_000.0, 900.0)
    assert bench.meter.peak_w == pytest.approx(70_000.0)


@pytest.mark.parametrize(("month", "peak_w"), [("2026-06", 75_000.0), ("2026-05", 0.0)])
def test_a_seed_counts_in_its_month_only(month: str, peak_w: float) -> None:
    assert Bench(peak_so_far_w=75_000.0, peak_month=month).meter.peak_w == peak_w


def test_what_was_kept_comes_back_in_the_same_month_only() -> None:
    meter = ChargeMeter(
        DemandCharge(threshold_w=60_000.0, window_s=900.0, follow_peak=True), ZONE, maximum_w=2e5, meter_clock_s=0.0
    )
    meter.restore(2026 * 12 + 5, 77_000.0, None)
    meter.follow_clock(0, NOON)
    assert meter.peak_w == 77_000.0
    meter.follow_clock(NS, datetime.fromisoformat("2026-07-01T00:00:00+02:00").timestamp())
    assert meter.peak_w == 0.0


def test_a_window_over_a_restart_is_whole_with_the_reading_from_before() -> None:
    """60 kW until 12:05, restart, first reading at 12:08 (register went on): 12:00 to 12:15 counts in full."""
    bench = Bench()
    bench.draw(60_000.0, 300.0)
    kept_ns, kept_wh = bench.now_ns, bench.register_wh
    after = Bench(start=NOON, threshold_w=60_000.0)
    after.meter = ChargeMeter(after.meter.charge, ZONE, maximum_w=200_000.0, meter_clock_s=0.0)
    after.time_s, after.register_wh = 480.0, kept_wh + 60_000.0 * 180.0 / 3600.0
    after.meter.follow_clock(after.now_ns, NOON + 480.0)
    after.meter.reading(round(BOOT_S * NS), 1_000_000.0)
    after.meter.reading(kept_ns, kept_wh)
    after.tell()
    after.draw(120_000.0, 420.0)
    assert after.meter.peak_w == pytest.approx((60.0 * 8.0 + 120.0 * 7.0) / 15.0 * 1e3)


def test_what_is_not_billed_is_not_held() -> None:
    """High hours on weekdays from 7 to 19; 1 June 2026 is a Monday."""
    high: dict[str, Any] = {
        "when": [{"begin": "07:00", "end": "19:00", "weekdays": ["mon", "tue", "wed", "thu", "fri"]}]
    }
    assert Bench(**high).allowed_w() == pytest.approx(60_000.0)
    evening = Bench(start=NOON + 8 * 3600.0, **high)
    assert evening.allowed_w() == inf
    evening.draw(150_000.0, 1_800.0)
    assert evening.meter.peak_w == 0.0


def test_an_unknown_clock_holds_every_instant_and_bills_always() -> None:
    charge = DemandCharge.model_validate(
        {"threshold_w": 60_000.0, "window_s": 900.0, "when": [{"begin": "07:00", "end": "07:15"}]}
    )
    meter = ChargeMeter(charge, ZONE, maximum_w=2e5, meter_clock_s=0.0)
    meter.follow_clock(0, None)
    meter.reading(0, 5.0)
    assert meter.allowed_w(0, 10_000.0) == 60_000.0


def test_a_rolling_window_gives_short_credit_and_takes_debt_at_once() -> None:
    """After 15 min at 40 kW, what flows for 297 s (a third) meets a window that still has 603 s of 40 kW: 15 kWh less
    6.7 kWh in 297 s. After 15 min at 80 kW the next 45 s meet one with 855 s of 80 kW: 19 kWh, more than it may
    have."""
    bench = Bench(rolling=True)
    bench.draw(40_000.0, 900.0)
    left_wh = 15_000.0 - 40_000.0 * 603.0 / 3600.0
    assert bench.allowed_w() == pytest.approx(left_wh * 3600.0 / 297.0, rel=0.01)
    hot = Bench(rolling=True)
    hot.draw(80_000.0, 900.0)
    assert hot.allowed_w() == 0.0
    assert hot.meter.peak_w == pytest.approx(80_000.0)


@settings(max_examples=40, deadline=None)
@given(loads_w=st.lists(st.floats(0.0, 150_000.0), min_size=5, max_size=60))
def test_who_keeps_to_what_is_allowed_keeps_the_window(loads_w: list[float]) -> None:
    """Any load in steps of 30 s, held to what is allowed: no billed mean above the threshold (the meter's reading is at
    most one step old; the fade at the end is a part of it)."""
    bench = Bench()
    for load_w in loads_w:
        for _ in range(3):
            bench.draw(min(load_w, bench.allowed_w(load_w)), 10.0)
    bench.draw(0.0, 900.0)
    assert bench.meter.peak_w <= 60_000.0 * 1.005


def test_virtual_batteries_by_hand() -> None:
    """Candidates 0, 1, .. 127 kW; 10 kWh at 95 % give 9.5 kWh. Three quarters of an hour at 70 kW: a threshold T needs
    0.75 h x (70 - T) <= 9.5 kWh, so T >= 57.33 kW; the lowest candidate is 58 kW."""
    bank = VirtualBatteries(0.0, 127_000.0)
    limits = VirtualLimits(10_000.0, 50_000.0, 50_000.0)
    for _ in range(3):
        bank.window(70_000.0, 900.0, limits)
    assert bank.holdable_w == 58_000.0
    bank.window(115_000.0, 900.0, limits)  # 50 kW of power reach down to 65; 2.4 kWh to 105.5 were left for 58
    assert bank.holdable_w >= 77_000.0
    held = bank.holdable_w
    for _ in range(96):
        bank.window(10_000.0, 900.0, limits)
    assert bank.holdable_w == held, "inside a month it never falls"
    bank.begin_month(held)
    assert bank.holdable_w == pytest.approx(0.8 * held, abs=1_000.0)


def test_windows_that_are_not_billed_only_recharge_them() -> None:
    bank, limits = VirtualBatteries(0.0, 127_000.0), VirtualLimits(1_000.0, 50_000.0, 50_000.0)
    bank.pause(100_000.0, 900.0, limits)
    assert bank.holdable_w == 0.0


@settings(max_examples=30, deadline=None)
@given(loads_w=st.lists(st.floats(0.0, 100_000.0), min_size=1, max_size=80), energy_wh=st.floats(1.0, 50_000.0))
def test_what_is_holdable_could_have_been_held(loads_w: list[float], energy_wh: float) -> None:
    """An independent run of one battery at that threshold never runs empty."""
    bank, limits = VirtualBatteries(0.0, 127_000.0), VirtualLimits(energy_wh, 30_000.0, 40_000.0)
    for load_w in loads_w:
        bank.window(load_w, 900.0, limits)
    left_wh = energy_wh
    for load_w in loads_w:
        battery_w = max(load_w - bank.holdable_w, -30_000.0)
        assert battery_w <= 40_000.0 + 1e-6
        left_wh -= 0.25 * (battery_w / 0.95 if battery_w > 0.0 else battery_w * 0.95)
        left_wh = min(left_wh, energy_wh)
        assert left_wh >= -1e-6
