"""The estimate of the site's power: exact at rest, never fooled by the own battery, for every delay it allows for."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from simems_core import SitePowerEstimate

S = 1_000_000_000


def estimate() -> SitePowerEstimate:
    return SitePowerEstimate(delay_max_s=4.0, repeat_max_s=6.0, settle_s=8.0)


def test_a_battery_at_rest_makes_a_new_load_known_at_once() -> None:
    site = estimate()
    site.battery(0, 5_000.0)
    site.meter(0, 20_000.0)
    assert site.value_w == 25_000.0
    site.battery(S, 5_000.0)
    site.meter(S, 70_000.0)
    assert site.value_w == 75_000.0


def test_an_old_meter_reading_with_a_new_battery_reading_is_no_new_load() -> None:
    """The battery went 0 -> 30 kW, the late meter still shows 90 kW: the sum would be 120 kW."""
    site = estimate()
    site.battery(0, 0.0)
    site.meter(0, 90_000.0)
    site.battery(S, 30_000.0)
    site.meter(S, 90_001.0)
    assert site.value_w == 90_001.0
    site.meter(2 * S, 60_000.0)
    assert site.value_w == 90_000.0


def test_without_a_battery_reading_nothing_is_known() -> None:
    site = estimate()
    assert not site.meter(0, 90_000.0)
    assert (site.value_w, site.range_w) == (None, None)


def test_reset_forgets_everything() -> None:
    site = estimate()
    site.battery(0, 30_000.0)
    site.command(0, 50_000.0)
    assert site.meter(0, 60_000.0)
    site.reset()
    assert site.value_w is None
    site.battery(S, 0.0)
    assert site.meter(S, 60_000.0)
    assert site.range_w == (60_000.0, 60_000.0)


def test_a_change_that_shows_while_the_battery_moves_opens_the_range_by_twice_what_is_proven() -> None:
    """Site 50 -> 80 kW while the battery goes 0 -> 20 kW: the grid reads 60 kW, at least 10 kW are new."""
    site = estimate()
    site.battery(0, 0.0)
    site.meter(0, 50_000.0)
    site.battery(S, 20_000.0)
    site.meter(S, 60_000.0)
    assert (site.value_w, site.range_w) == (60_000.0, (60_000.0, 80_000.0))
    site.meter(2 * S, 60_100.0)
    assert site.range_w == (60_100.0, 80_000.0)
    site.battery(6 * S, 20_000.0)
    site.meter(6 * S, 60_050.0)
    assert site.range_w == (80_050.0, 80_050.0)


def test_a_repeated_reading_is_old_until_it_has_stood_too_long() -> None:
    site = estimate()
    site.battery(0, 0.0)
    site.meter(0, 50_000.0)
    site.battery(5 * S, 10_000.0)
    site.battery(10 * S, 10_000.0)
    assert not site.meter(5 * S, 50_000.0)
    assert site.value_w == 50_000.0
    assert site.meter(15 * S, 50_000.0)
    assert site.value_w == 60_000.0


@settings(max_examples=200, deadline=None)
@given(
    delay=st.integers(0, 4),
    site_w=st.floats(-1e5, 1e5),
    battery_w=st.lists(st.floats(-6e4, 6e4), min_size=10, max_size=40),
)
def test_with_constant_load_the_error_never_grows(delay: int, site_w: float, battery_w: list[float]) -> None:
    """Whatever the battery does, and however late (0..4 s) the meter is."""
    site, error_w = estimate(), None
    for second, power_w in enumerate(battery_w):
        then_w = battery_w[max(second - delay, 0)]
        site.battery(second * S, power_w)
        site.meter(second * S, site_w - then_w)
        assert site.value_w is not None
        now_w = abs(site.value_w - site_w)
        assert error_w is None or now_w <= error_w + 1e-6
        error_w = now_w
