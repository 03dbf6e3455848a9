"""Demand windows through their Python face."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_core import CoreError, DemandWindow, RollingDemand

MINUTE = 60_000_000_000


def quarter_hour(**changes: Any) -> DemandWindow:
    return DemandWindow(900.0, maximum_power_w=200e3, **changes)


def test_what_may_still_be_drawn_in_this_quarter_of_an_hour() -> None:
    demand = quarter_hour()
    assert (demand.running(0), demand.allowed_w(60e3, 0)) == (None, None)
    assert demand.step(0, 1e6) == []
    demand.step(5 * MINUTE, 1e6 + 7500.0)
    running = demand.running(5 * MINUTE)
    assert running is not None
    assert (running.start_ns, running.end_ns, running.left_s) == (0, 15 * MINUTE, 600.0)
    assert (running.energy_wh, running.mean_w, running.error_wh, running.complete) == (7500.0, 90e3, 0.0, True)
    assert demand.allowed_w(60e3, 5 * MINUTE) == pytest.approx(45e3)
    assert demand.allowed_w(60e3, 10 * MINUTE, power_w=90e3) == pytest.approx(0.0, abs=1e-6)
    assert demand.allowed_w(nan, 5 * MINUTE) is None
    (ended,) = demand.step(15 * MINUTE, 1e6 + 15e3)
    assert (ended.start_ns, ended.end_ns, ended.energy_wh, ended.mean_w) == (0, 15 * MINUTE, 15e3, 60e3)
    assert (ended.error_wh, ended.complete) == (0.0, True)


def test_a_coarse_register_says_so() -> None:
    demand = quarter_hour(register_resolution_wh=1000.0)
    demand.step(0, 0.0)
    (ended,) = demand.step(15 * MINUTE, 7000.0)
    assert (ended.energy_wh, ended.error_wh, ended.complete) == (7000.0, 1000.0, True)


def test_windows_follow_the_meters_clock() -> None:
    """The meter shows 20 s more than a multiple of the window at monotonic 0."""
    demand = quarter_hour(clock_offset_ns=20_000_000_000)
    demand.step(0, 0.0)
    running = demand.running(0)
    assert running is not None
    assert (running.left_s, running.complete) == (880.0, False)
    demand.set_clock_offset_ns(0)
    again = demand.running(0)
    assert again is not None
    assert again.left_s == 900.0


def test_wrap_reset_nonsense_and_gap() -> None:
    demand = quarter_hour(register_wrap_wh=100e3)
    demand.step(0, 99e3)
    demand.step(5 * MINUTE, 4e3)
    assert (demand.step(6 * MINUTE, nan), demand.valid) == ([], False)
    ended = demand.step(60 * MINUTE, 59e3)
    assert [(one.start_ns // MINUTE, one.end_ns // MINUTE) for one in ended] == [(0, 15), (45, 60)]
    assert [one.mean_w for one in ended] == [pytest.approx(60e3), pytest.approx(60e3)]
    demand.step(65 * MINUTE, 5.0)
    (after_reset,) = demand.step(75 * MINUTE, 10_005.0)
    assert not after_reset.complete
    assert after_reset.energy_wh == pytest.approx(10_000.0), "nothing was known of the window: 0 W until the reset"
    demand.reset()
    assert demand.running(0) is None


def test_rolling_window() -> None:
    demand = RollingDemand(900.0, maximum_power_w=200e3)
    demand.step(0, 0.0)
    demand.step(10 * MINUTE, 10e3)
    assert not demand.complete
    assert demand.step(20 * MINUTE, 30e3) == pytest.approx(100e3)
    assert (demand.complete, demand.valid) == (True, True)
    assert demand.allowed_w(80e3, 600.0) == pytest.approx(60e3)
    assert (demand.step(21 * MINUTE, inf), demand.valid) == (demand.mean_w, False)


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: DemandWindow(0.0, maximum_power_w=1.0), "window_s must be 0.001 to"),
    (lambda: DemandWindow(900.0, maximum_power_w=inf), "maximum_power_w must be a finite number"),
    (lambda: quarter_hour(register_wrap_wh=0.0), "register_wrap_wh must be above 0"),
    (lambda: quarter_hour(register_resolution_wh=nan), "register_resolution_wh must be a finite number"),
    (lambda: quarter_hour(clock_offset_ns=2**62), "clock_offset_ns must be within"),
    (lambda: RollingDemand(900.0, maximum_power_w=0.0), "maximum_power_w must be above 0"),
    (lambda: RollingDemand(900.0, maximum_power_w=1.0).allowed_w(1.0, 0.0), "horizon_s must be above 0"),
    (lambda: RollingDemand(900.0, maximum_power_w=1.0).allowed_w(nan, 1.0), "target_w must be a finite number"),
]


@pytest.mark.parametrize(("call", "text"), WRONG, ids=[text for _, text in WRONG])
def test_settings_outside_their_domain_are_refused(call: Callable[[], object], text: str) -> None:
    with pytest.raises(CoreError) as raised:
        call()
    assert text in str(raised.value)


@settings(max_examples=100, deadline=None)
@given(
    readings=st.lists(
        st.tuples(st.integers(-(2**62), 2**62), st.floats(allow_nan=True, allow_infinity=True)), min_size=1, max_size=30
    )
)
def test_no_reading_makes_an_output_that_is_no_number(readings: list[tuple[int, float]]) -> None:
    window, rolling = quarter_hour(), RollingDemand(900.0, maximum_power_w=200e3)
    for time_ns, register_wh in readings:
        assert all(isfinite(ended.mean_w) for ended in window.step(time_ns, register_wh))
        assert isfinite(rolling.step(time_ns, register_wh))
        allowed_w = window.allowed_w(50e3, time_ns)
        assert allowed_w is None or -200e3 <= allowed_w <= 200e3
