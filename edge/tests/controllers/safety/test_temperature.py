"""Curves over the coldest and the hottest cell; by hand from the default LFP curves."""

from __future__ import annotations

from math import nan

import pytest
from pydantic import ValidationError
from safety_bench import CHARGE, DISCHARGE, Bench
from simems_edge.controllers.safety.temperature import TemperatureDeratingSettings

DERATING = {"id": "temp0", "type": "temperature_derating", "ess": "ess0"}


def cells(cold: float, hot: float) -> dict[str, float]:
    return {"cell_temperature_min_degc": cold, "cell_temperature_max_degc": hot}


@pytest.mark.parametrize(
    ("cold", "hot", "discharge_w", "charge_w"),
    [
        (20.0, 25.0, 60_000.0, -60_000.0),
        (5.0, 25.0, 60_000.0, -15_000.0),  # 25 %: half way from 0 to 10 degC
        (10.0, 25.0, 60_000.0, -30_000.0),
        (12.0, 25.0, 60_000.0, -42_000.0),  # 50 + 2/5 of 50 %
        (0.0, 25.0, 60_000.0, 0.0),
        (-5.0, 25.0, 60_000.0, 0.0),
        (-15.0, 0.0, 30_000.0, 0.0),
        (20.0, 46.0, 54_000.0, -30_000.0),  # (55-46)/10; (50-46)/8
        (25.0, 50.0, 30_000.0, 0.0),
    ],
)
def test_the_curves(cold: float, hot: float, discharge_w: float, charge_w: float) -> None:
    bench = Bench(DERATING)
    bench.step(0.0, 2.0, **cells(cold, hot))
    assert bench.step(DISCHARGE, 60.0) == pytest.approx(discharge_w, abs=1.0)
    assert bench.step(CHARGE, 60.0) == pytest.approx(charge_w, abs=1.0)


@pytest.mark.parametrize("cold", [nan, -99.0, 400.0])
def test_a_temperature_that_is_not_valid_closes_and_is_told(cold: float) -> None:
    bench = Bench(DERATING)
    bench.step(DISCHARGE, 5.0, **cells(20.0, 25.0))
    bench.step(DISCHARGE, 10.0, cell_temperature_min_degc=cold)
    assert bench.power_w == 0.0
    assert any("no valid temperature" in text for text in bench.not_armed())
    bench.step(DISCHARGE, 60.0, cell_temperature_min_degc=20.0)
    assert bench.power_w == pytest.approx(60_000.0)
    assert not bench.not_armed()


def test_a_curve_that_charges_in_frost_is_refused_unless_the_cell_allows_it() -> None:
    curve = {"ess": "ess0", "charge_curve": [[-10.0, 0.0], [10.0, 100.0]]}
    with pytest.raises(ValidationError, match="0 at 0 degC"):
        TemperatureDeratingSettings.model_validate(curve)
    TemperatureDeratingSettings.model_validate(curve | {"charges_below_freezing": True})
    with pytest.raises(ValidationError, match="rising temperature"):
        TemperatureDeratingSettings.model_validate({"ess": "ess0", "charge_curve": [[10.0, 0.0], [0.0, 0.0]]})


# ---- the hard part: guards, with no controller at all


@pytest.mark.parametrize(("cold", "charges"), [(0.1, True), (0.0, False), (-1.0, False), (nan, False)])
def test_no_charge_at_or_below_freezing_nor_unknown_even_by_hand(cold: float, charges: bool) -> None:
    bench = Bench(guards={"charge_temperature_degc": [0.0, 45.0]})
    bench.step(0.0, 1.0, **cells(cold, 25.0))
    bench.runtime.overrides.set("ess0/active_power_w", -9_000.0, duration_s=600.0, reason="t", actor="t")
    assert bench.step(0.0, 3.0) == (-9_000.0 if charges else 0.0)
    bench.runtime.overrides.set("ess0/active_power_w", 9_000.0, duration_s=600.0, reason="t", actor="t")
    assert bench.step(0.0, 3.0) == 9_000.0, "discharging is another direction"


def test_a_temperature_that_went_silent_stops_charging() -> None:
    bench = Bench(guards={"charge_temperature_degc": [0.0, 45.0]})
    bench.runtime.overrides.set("ess0/active_power_w", -9_000.0, duration_s=600.0, reason="t", actor="t")
    assert bench.step(0.0, 3.0, **cells(20.0, 25.0)) == -9_000.0
    bench.silent.add("ess0/cell_temperature_min_degc")
    bench.step(0.0, 7.0)
    assert bench.power_w == 0.0
    assert bench.reason() == "manual; bound: temperature:ess0"
