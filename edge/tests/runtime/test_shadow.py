"""A shadow decides nothing, sees its own battery, and books what it would have made."""

from __future__ import annotations

from math import nan

import pytest
from shadow_bench import CANDIDATE, PEAK, Stepped, site
from simems_core import Clock
from simems_edge.config import Shadow
from simems_edge.runtime import Runtime
from simems_edge.runtime.shadow import ShadowError
from simems_edge.runtime.shadow_books import Book, VirtualBattery


def test_a_shadow_moves_nothing() -> None:
    alone, shaded = Stepped(PEAK), Stepped(PEAK, CANDIDATE)
    for load_w in (30_000.0, 80_000.0, 55_000.0, 90_000.0, 20_000.0):
        without, beside = alone.step(load_w, 20)[0], shaded.step(load_w, 20)[0]
        assert (without.setpoint, without.reason) == (beside.setpoint, beside.reason)
    assert shaded.runtime.assembly.actuators == alone.runtime.assembly.actuators
    assert [c.id for c in shaded.runtime.assembly.controllers] == ["peak0"]


def test_it_sees_the_grid_of_its_own_battery() -> None:
    """80 kW of load: peak0 holds 60 kW with 20, the candidate 40 kW with 40; each settles on its own meter."""
    stepped = Stepped(PEAK, CANDIDATE)
    stepped.step(80_000.0, 120)
    assert stepped.power_w == pytest.approx(20_000.0, abs=200.0)
    world = stepped.runtime.shadows.worlds[0]
    assert world._batteries["ess0"].power_w == pytest.approx(40_000.0, abs=400.0)


def test_its_books_by_hand() -> None:
    """One hour at 80 kW. Real: 60 kWh of import at 60 kW; shadow: 40 kWh at 40 kW; 0.30 a kWh, 8 a kW."""
    stepped = Stepped(PEAK, CANDIDATE)
    stepped.step(80_000.0, 3_600)
    report = stepped.report
    assert report["real"]["import_wh"] == pytest.approx(60_000.0, rel=0.01)
    assert report["shadow"]["import_wh"] == pytest.approx(40_000.0, rel=0.01)
    assert report["shadow"]["discharge_wh"] == pytest.approx(40_000.0, rel=0.01)
    assert report["saving"] == pytest.approx(20 * 0.3 + 20 * 8.0, rel=0.02)
    assert report["soc_pct"]["ess0"] == pytest.approx(60.0 - 40.0 / 0.95, abs=0.5), "of its own battery of 100 kWh"
    image = stepped.runtime.image
    shown = image.snapshot().value(image.handle("new0/shadow_saving"))
    assert shown == pytest.approx(report["saving"], rel=0.01)


def test_the_same_limits_hold_there() -> None:
    stepped = Stepped(PEAK, CANDIDATE)
    stepped.soc_pct = 12.0
    stepped.step(80_000.0, 600)
    world = stepped.runtime.shadows.worlds[0]
    assert world._batteries["ess0"].soc_pct >= 9.9, "the SOC guard holds in its world"
    stepped.step(80_000.0, 30, max_discharge_power_w=5_000.0)
    assert world._batteries["ess0"].power_w <= 5_000.0


@pytest.mark.parametrize("name", ["active_power_w", "soc_pct", "max_discharge_power_w"])
def test_what_is_not_valid_is_not_booked_as_zero(name: str) -> None:
    stepped = Stepped(PEAK, CANDIDATE)
    stepped.step(80_000.0, 60)
    before = stepped.report
    stepped.step(80_000.0, 60, **{name: nan})
    assert stepped.report["seconds"] + stepped.report["unknown_s"] == pytest.approx(119.0, abs=1.5)
    if name == "active_power_w":
        assert stepped.report["unknown_s"] >= 59.0
        assert stepped.report["real"] == before["real"]


def test_a_shadow_in_place_of_nobody_is_refused() -> None:
    with pytest.raises(ShadowError, match="in_place_of names 'peak9'"):
        Runtime(site(PEAK, CANDIDATE | {"shadow": {"in_place_of": "peak9"}}), clock=Clock.simulated(0))


def test_quarters_are_those_of_the_clock() -> None:
    book = Book()
    for second in range(600, 1_500):
        book.add(90_000.0 if second < 900 else 30_000.0, 0.0, 1.0, float(second + 1))
    assert book.peak_w == pytest.approx(30_000.0), "300 s at 90 kW, and 600 s at 30 kW, of 900 s each"
    assert book.import_wh == pytest.approx(300 * 25.0 + 600 * 30_000.0 / 3_600)
    assert book.cost(Shadow(demand_price_per_kw=2.0)) == pytest.approx(60.0)


def test_a_round_trip_loses_what_the_efficiency_says() -> None:
    battery = VirtualBattery(0.9, power_w=-10_000.0, soc_pct=50.0)
    battery.stand(3_600.0, 100_000.0)
    assert battery.soc_pct == pytest.approx(59.0)
    battery.power_w = 8_100.0
    battery.stand(3_600.0, 100_000.0)
    assert battery.soc_pct == pytest.approx(50.0)
