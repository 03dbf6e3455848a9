"""The pure calculation, by hand."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_edge.controllers.optimisation.peak_shaving import PeakShavingSettings
from simems_edge.controllers.optimisation.shaving import ShavingLimits, ShavingPlan, ShavingState, next_state, plan

IDLE, SHAVING = ShavingState(), ShavingState(shaving=True)
FREE = ShavingState(reserve_free=True)
RECHARGING = ShavingState(recharging=True)


def shaving_settings(**changes: object) -> PeakShavingSettings:
    base = {"grid": "grid0", "ess": "ess0", "threshold_w": "60 kW", "recharge_below_w": "45 kW"}
    return PeakShavingSettings.model_validate(base | changes)


LIMITS = ShavingLimits(allowed_w=60_000.0, recharge_w=45_000.0, hysteresis_w=1_000.0, reserve_pct=50.0, band_pct=3.0)
NOT_BILLED = ShavingLimits(inf, 45_000.0, 1_000.0, 50.0, 3.0)


@pytest.mark.parametrize(
    ("state", "site_w", "soc_pct", "expected"),
    [
        (IDLE, 60_000.0, 60.0, FREE),  # at the threshold: not over it
        (IDLE, 60_001.0, 60.0, ShavingState(shaving=True, reserve_free=True)),
        (SHAVING, 59_001.0, 40.0, SHAVING),  # inside the band of 1 kW
        (SHAVING, 59_000.0, 40.0, IDLE),
        (IDLE, 50_000.0, 53.0, IDLE),  # the reserve frees above 50 + 3 %
        (IDLE, 50_000.0, 53.1, FREE),
        (FREE, 50_000.0, 50.1, FREE),
        (FREE, 50_000.0, 50.0, IDLE),
        (IDLE, 43_999.0, 46.9, RECHARGING),  # below 50 - 3 % and below 45 - 1 kW
        (IDLE, 44_000.0, 46.9, IDLE),
        (IDLE, 43_999.0, 47.0, IDLE),
        (RECHARGING, 44_999.0, 49.9, RECHARGING),
        (RECHARGING, 45_000.0, 49.9, IDLE),
        (RECHARGING, 44_999.0, 50.0, IDLE),
        (RECHARGING, 61_000.0, 40.0, SHAVING),
        (FREE, 50_000.0, None, IDLE),  # an unknown state of charge closes the reserve
        (RECHARGING, 61_000.0, None, SHAVING),  # and shaving goes on: the guards know what is left
    ],
)
def test_hysteresis(state: ShavingState, site_w: float, soc_pct: float | None, expected: ShavingState) -> None:
    assert next_state(state, site_w, soc_pct, LIMITS) == expected


@pytest.mark.parametrize(
    ("state", "site_w", "expected"),
    [
        (SHAVING, 98_000.0, ShavingPlan(38_000.0, None, None)),
        (SHAVING, 59_500.0, ShavingPlan(0.0, None, None)),  # inside the band: nothing to give, still ready
        (IDLE, 50_000.0, ShavingPlan(None, -10_000.0, 0.0)),  # others may charge 10 kW, not discharge
        (FREE, 50_000.0, ShavingPlan(None, -10_000.0, None)),
        (RECHARGING, 40_000.0, ShavingPlan(-5_000.0, -20_000.0, 0.0)),
    ],
)
def test_plan(state: ShavingState, site_w: float, expected: ShavingPlan) -> None:
    assert plan(state, site_w, LIMITS) == expected


@given(site_w=st.floats(-2e5, 2e5), soc_pct=st.none() | st.floats(0, 100), flags=st.tuples(*[st.booleans()] * 3))
def test_grid_never_passes_the_threshold_by_what_is_proposed(
    site_w: float, soc_pct: float | None, flags: tuple[bool, bool, bool]
) -> None:
    """Any value inside the bounds, and the preferred one, leave grid = site - battery at or below the threshold."""
    wanted = plan(next_state(ShavingState(*flags), site_w, soc_pct, LIMITS), site_w, LIMITS)
    for battery_w in (wanted.preferred_w, wanted.lower_w):
        if battery_w is not None:
            assert site_w - battery_w <= max(LIMITS.allowed_w, site_w) + 1e-6
    if wanted.lower_w is not None and wanted.upper_w is not None:
        assert wanted.lower_w <= wanted.upper_w


def test_nothing_billed_nothing_shaved() -> None:
    """And the reserve still recharges to the import that the site file gives."""
    assert next_state(SHAVING, 90_000.0, 40.0, NOT_BILLED) == IDLE
    assert next_state(IDLE, 40_000.0, 40.0, NOT_BILLED) == RECHARGING
    assert plan(RECHARGING, 40_000.0, NOT_BILLED) == ShavingPlan(-5_000.0, None, 0.0)


def test_recharging_keeps_out_of_a_window_that_may_draw_little() -> None:
    """44 kW allowed, 1 kW of hysteresis: recharge up to 43 kW instead of 45."""
    spent = ShavingLimits(44_000.0, 45_000.0, 1_000.0, 50.0, 3.0)
    assert plan(RECHARGING, 40_000.0, spent) == ShavingPlan(-3_000.0, -4_000.0, 0.0)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"window_s": "10 min"}, "15 min"),
        ({"follow_peak": True}, "window_s"),
        ({"rolling": True}, "window_s"),
        ({"window_s": "15 min", "peak_so_far_w": "70 kW"}, "peak_month"),
        ({"recharge_margin_w": "5 kW"}, "exclude"),
        ({"charges": [{"threshold_w": "70 kW"}] * 4}, "3 at most"),
        ({"charges": [{"threshold_w": "70 kW", "when": [{"begin": "24:30"}]}]}, "24:00"),
        ({"charges": [{"threshold_w": "70 kW", "when": [{"weekdays": ["monday"]}]}]}, "mon"),
    ],
)
def test_contradictions_are_refused(change: dict[str, object], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        shaving_settings(**change)


def test_recharge_above_the_threshold_is_refused() -> None:
    with pytest.raises(ValidationError, match="recharge_below_w"):
        shaving_settings(recharge_below_w="59.5 kW")


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="treshold_w"):
        shaving_settings(treshold_w="60 kW")
