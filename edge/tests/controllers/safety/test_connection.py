"""A margin of 5 % before the limits; by hand: grid = load - battery."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safety_bench import Bench
from simems_edge.controllers.safety.connection import soft_bounds_w

EDGE = {"id": "edge0", "type": "grid_connection", "grid": "grid0", "ess": "ess0"}
CHARGER = {
    "id": "peak0",
    "type": "self_consumption",
    "grid": "grid0",
    "ess": "ess0",
    "target_grid_w": 150_000.0,
    "ramp_w_per_s": 1e6,
}


def test_charging_ends_the_margin_below_the_import_limit() -> None:
    """Others ask for 150 kW of import; the limit is 100 kW, 95 kW are left: 60 kW of load and 35 kW of charging."""
    bench = Bench(EDGE, CHARGER, limits_w=(100_000.0, 50_000.0))
    assert bench.step(60_000.0, 40.0) == pytest.approx(-35_000.0, abs=200.0)
    assert bench.reason().endswith("bound: edge0")


def test_discharging_ends_the_margin_below_the_export_limit() -> None:
    exporter = CHARGER | {"target_grid_w": -90_000.0}
    bench = Bench(EDGE | {"margin_pct": 10.0}, exporter, limits_w=(100_000.0, 50_000.0))
    assert bench.step(5_000.0, 40.0) == pytest.approx(50_000.0, abs=200.0), "45 kW of export beside 5 kW of load"


def test_a_load_beyond_the_margin_drives_nothing() -> None:
    bench = Bench(EDGE, CHARGER, limits_w=(100_000.0, 50_000.0))
    assert bench.step(98_000.0, 30.0) == 0.0, "between margin and limit it only takes charging away"
    bench.step(104_000.0, 30.0)
    assert bench.power_w == pytest.approx(4_000.0, abs=1.0), "beyond the limit the guard drives"


def test_without_a_meter_the_guard_holds_zero() -> None:
    bench = Bench(EDGE, CHARGER, limits_w=(100_000.0, 50_000.0))
    bench.step(60_000.0, 40.0)
    bench.silent.add("grid0/active_power_w")
    bench.step(60_000.0, 5.0)
    assert bench.power_w == 0.0


@given(site_w=st.floats(-1e6, 1e6), import_w=st.floats(0, 1e6), export_w=st.floats(0, 1e6))
def test_inside_the_bounds_no_limit_is_passed_that_was_not_passed_at_rest(
    site_w: float, import_w: float, export_w: float
) -> None:
    lower_w, upper_w = soft_bounds_w(site_w, import_w, export_w)
    assert lower_w <= 0.0 <= upper_w
    assert site_w - lower_w <= max(import_w, site_w) + 1e-6
    assert site_w - upper_w >= min(-export_w, site_w) - 1e-6
