"""Straight lines over the fullest and the emptiest cell; by hand from the default LFP ends."""

from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from safety_bench import CHARGE, DISCHARGE, Bench
from simems_edge.controllers.safety.cell_voltage import CellVoltageDeratingSettings, shares_of

DERATING = {"id": "cells0", "type": "cell_voltage_derating", "ess": "ess0", "filter_s": 0.0}
ENDS = (2.8, 3.0, 3.45, 3.55)


def volts(low: float, high: float) -> dict[str, float]:
    return {"cell_voltage_min_v": low, "cell_voltage_max_v": high}


@pytest.mark.parametrize(
    ("low", "high", "discharge_w", "charge_w"),
    [
        (3.2, 3.3, 60_000.0, -60_000.0),
        (3.2, 3.5, 60_000.0, -30_000.0),  # half way from 3.45 to 3.55 V
        (3.2, 3.55, 60_000.0, 0.0),
        (2.95, 3.3, 45_000.0, -60_000.0),  # (2.95 - 2.8) / 0.2
        (2.8, 3.3, 0.0, -60_000.0),
        (2.9, 3.52, 30_000.0, -18_000.0),
    ],
)
def test_the_lines(low: float, high: float, discharge_w: float, charge_w: float) -> None:
    bench = Bench(DERATING)
    bench.step(0.0, 2.0, **volts(low, high))
    assert bench.step(DISCHARGE, 60.0) == pytest.approx(discharge_w, abs=1.0)
    assert bench.step(CHARGE, 60.0) == pytest.approx(charge_w, abs=1.0)


def test_the_pack_counts_where_it_has_limits() -> None:
    pack = {
        "pack_discharge_to_v": 600.0,
        "pack_discharge_from_v": 620.0,
        "pack_charge_from_v": 780.0,
        "pack_charge_to_v": 800.0,
    }
    bench = Bench(DERATING | pack)
    bench.step(0.0, 2.0, dc_voltage_v=790.0, **volts(3.2, 3.3))
    assert bench.step(CHARGE, 60.0) == pytest.approx(-30_000.0, abs=1.0)
    bench.step(CHARGE, 10.0, dc_voltage_v=nan)
    assert bench.power_w == 0.0
    with pytest.raises(ValidationError, match="all four"):
        CellVoltageDeratingSettings.model_validate({"ess": "ess0", "pack_charge_to_v": 800.0})


@pytest.mark.parametrize("value", [nan, 9.0, -1.0])
def test_a_voltage_that_is_not_valid_closes_and_is_told(value: float) -> None:
    bench = Bench(DERATING)
    bench.step(DISCHARGE, 5.0, **volts(3.2, 3.3))
    bench.step(DISCHARGE, 10.0, cell_voltage_min_v=value)
    assert bench.power_w == 0.0
    assert any("no valid voltage" in text for text in bench.not_armed())


def test_noise_is_smoothed() -> None:
    """A cell that jumps 100 mV each second about 3.40 V: with 2 s its mean rules, which is below where power falls."""
    bench = Bench(DERATING | {"filter_s": 20.0})
    bench.step(CHARGE, 30.0, **volts(3.3, 3.40))
    for second in range(60):
        bench.step(CHARGE, 1.0, cell_voltage_max_v=3.35 if second % 2 else 3.47)
    assert bench.power_w == pytest.approx(-60_000.0, abs=100.0)


@given(low=st.floats(0, 5), high=st.floats(0, 5), less=st.floats(0, 1))
def test_a_fuller_cell_never_gets_more_and_the_other_direction_does_not_care(
    low: float, high: float, less: float
) -> None:
    here, emptier = shares_of(low, high, ENDS), shares_of(low - less, high, ENDS)
    fuller = shares_of(low, high + less, ENDS)
    assert fuller.charge <= here.charge
    assert fuller.discharge == here.discharge
    assert emptier.discharge <= here.discharge
    assert emptier.charge == here.charge


def test_the_guard_trips_behind_it_in_one_direction() -> None:
    bench = Bench(guards={"cell_voltage_v": [2.5, 3.65]})
    bench.runtime.overrides.set("ess0/active_power_w", -9_000.0, duration_s=600.0, reason="t", actor="t")
    assert bench.step(0.0, 2.0, **volts(3.2, 3.64)) == -9_000.0
    assert bench.step(0.0, 1.0, cell_voltage_max_v=3.65) == 0.0
    assert bench.reason() == "manual; bound: voltage:ess0"
    assert bench.step(0.0, 1.0, cell_voltage_max_v=nan) == 0.0, "not known: closed"
    bench.runtime.overrides.set("ess0/active_power_w", 9_000.0, duration_s=600.0, reason="t", actor="t")
    assert bench.step(0.0, 1.0) == 9_000.0
