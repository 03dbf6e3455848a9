"""Values as stations send them: units, phases, signs; what cannot be is refused and named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.bridges.ocpp.measurands import largest_phase_a, measured, phases_in_use


def one(value: object, measurand: str | None = None, **more: Any) -> dict[str, Any]:
    row = {"value": value, **more}
    return row if measurand is None else {**row, "measurand": measurand}


def test_every_measurand_in_its_unit() -> None:
    found = measured(
        [
            one("12.5", unit="kWh"),
            one("7.4", "Power.Active.Import", unit="kW"),
            one("16.1", "Current.Import", phase="L1"),
            one("15.9", "Current.Import", phase="L2-N"),
            one("231", "Voltage", phase="L1-N"),
            one("63", "SoC", location="EV", unit="Percent"),
        ]
    )
    assert found.refused == []
    assert found.values == {
        "energy_register_wh": 12_500.0, "active_power_w": 7_400.0, "current_a_l1": 16.1, "current_a_l2": 15.9,
        "voltage_v_l1": 231.0, "vehicle_soc_pct": 63.0, "current_a": 32.0,
    }  # fmt: skip
    assert phases_in_use(found.values) == 2
    assert largest_phase_a(found.values) == 16.1


def test_version_2_has_numbers_and_multipliers() -> None:
    rows = [
        one(7.4, "Power.Active.Import", unitOfMeasure={"unit": "W", "multiplier": 3}),
        one(1200, "Power.Active.Export", unitOfMeasure={"unit": "W"}),
    ]
    assert measured(rows).values == {"active_power_w": 6_200.0}


def test_power_is_the_sum_of_its_phases() -> None:
    rows = [one(str(watts), "Power.Active.Import", phase=f"L{n}") for n, watts in ((1, 1000), (2, 1100), (3, 900))]
    assert measured(rows).values["active_power_w"] == 3_000.0


def test_power_follows_from_currents_where_nothing_else_is_told() -> None:
    rows = [one("10", "Current.Import", phase="L1"), one("240", "Voltage", phase="L1")]
    assert measured(rows).values["active_power_w"] == 2_400.0
    assert measured(rows[:1]).values["active_power_w"] == 2_300.0


@pytest.mark.parametrize(
    "row",
    [
        one("NaN", "Power.Active.Import"),
        one("", "Power.Active.Import"),
        one("1e9", "Power.Active.Import"),
        one("inf"),
        one("-5", "SoC"),
        one("16", "Current.Import", unit="Celsius"),
        one("99999", "Current.Import"),
        one(1, "Power.Active.Import", unitOfMeasure={"unit": "W", "multiplier": 40}),
    ],
)
def test_what_cannot_be_is_refused(row: dict[str, Any]) -> None:
    found = measured([row])
    assert found.values == {}
    assert len(found.refused) == 1


@pytest.mark.parametrize(
    "row",
    [
        one("5", "Temperature", unit="Celsius"),
        one("7", "Power.Active.Import", location="Inlet"),
        one("400", "Voltage", phase="L1-L2"),
        one("SGVsbG8=", format="SignedData"),
    ],
)
def test_what_is_not_ours_is_left_alone(row: dict[str, Any]) -> None:
    found = measured([row])
    assert (found.values, found.refused) == ({}, [])


@given(
    st.lists(
        st.fixed_dictionaries(
            {"value": st.one_of(st.text(max_size=20), st.floats(), st.integers())},
            optional={
                "measurand": st.sampled_from(["Power.Active.Import", "Current.Import", "Voltage", "SoC", "Other"]),
                "phase": st.sampled_from(["L1", "L2", "L3", "N", "L1-N", "L3-L1"]),
                "unit": st.sampled_from(["W", "kW", "A", "V", "Wh", "Percent", "K"]),
                "unitOfMeasure": st.fixed_dictionaries({"multiplier": st.integers()}),
            },
        ),
        max_size=6,
    )
)
def test_nothing_absurd_ever_comes_out(rows: list[dict[str, Any]]) -> None:
    for value in measured(rows).values.values():
        assert abs(value) < 1e12
