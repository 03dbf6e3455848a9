"""The pure calculation, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.controllers.optimisation.self_consumption import (
    SelfConsumptionSettings,
    export_bound_w,
    may_discharge,
    next_direction,
    required_power_w,
)


def self_settings(**changes: object) -> SelfConsumptionSettings:
    return SelfConsumptionSettings.model_validate({"grid": "grid0", "ess": "ess0"} | changes)


SETTINGS = self_settings()


@pytest.mark.parametrize(
    ("direction", "needed_w", "expected"),
    [
        (0, 499.0, 0),
        (0, 500.0, 1),
        (0, -500.0, -1),
        (1, 200.0, 1),
        (1, 199.0, 0),
        (1, -499.0, 0),
        (1, -500.0, -1),
        (-1, -200.0, -1),
        (-1, -199.0, 0),
        (-1, 600.0, 1),
    ],
)
def test_direction(direction: int, needed_w: float, expected: int) -> None:
    assert next_direction(direction, needed_w, SETTINGS) == expected


@given(st.lists(st.floats(-499.0, 499.0), max_size=50), st.sampled_from([-1, 0, 1]))
def test_noise_below_the_start_power_never_reverses_the_battery(noise_w: list[float], direction: int) -> None:
    began = direction
    for needed_w in noise_w:
        direction = next_direction(direction, needed_w, SETTINGS)
        assert direction in (began, 0)


def test_discharge_ends_at_the_minimum_and_begins_again_above_it() -> None:
    settings = self_settings(minimum_soc_pct=30)
    assert may_discharge(True, 30.1, settings)
    assert not may_discharge(True, 30.0, settings)
    assert not may_discharge(False, 32.0, settings)
    assert may_discharge(False, 32.1, settings)


@pytest.mark.parametrize(
    ("site_w", "direction", "discharge", "expected"),
    [
        (20_000.0, 1, True, 20_000.0),
        (20_000.0, 1, False, 0.0),
        (-15_000.0, -1, False, -15_000.0),
        (100.0, 0, True, 0.0),
    ],
)
def test_required_power(site_w: float, direction: int, discharge: bool, expected: float) -> None:
    assert required_power_w(site_w, direction, discharge, SETTINGS) == expected


def test_the_target_is_what_the_meter_shall_read() -> None:
    """Site 20 kW, target 2 kW import: the battery gives 18 kW."""
    assert required_power_w(20_000.0, 1, True, self_settings(target_grid_w="2 kW")) == 18_000.0


def test_export_limit_bounds_discharge_from_above() -> None:
    """grid = site - battery >= -5 kW."""
    settings = self_settings(export_limit_w="5 kW")
    assert export_bound_w(-12_000.0, settings) == -7_000.0
    assert export_bound_w(3_000.0, settings) == 8_000.0
    assert export_bound_w(3_000.0, SETTINGS) is None
