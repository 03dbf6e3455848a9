"""Power tapers to the ends of the state of charge; by hand: 60 kW times (distance to the end / 5 %)."""

from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from safety_bench import CHARGE, DISCHARGE, RATED_W, Bench
from simems_edge.controllers.safety.derating import DeratingSettings, moved
from simems_edge.controllers.safety.soc_limits import SocLimitsSettings, room_share

LIMITS = {"id": "soc0", "type": "soc_limits", "ess": "ess0", "minimum_pct": 10.0, "maximum_pct": 95.0}


def settled(bench: Bench, load_w: float, soc_pct: float, seconds: float = 60.0) -> float:
    """Setpoint once the bound has finished its way (60 s at 2 %/s and faster)."""
    return bench.step(load_w, seconds, soc_pct=soc_pct)


@pytest.mark.parametrize(
    ("soc_pct", "discharge_w", "charge_w"),
    [
        (50.0, 60_000.0, -60_000.0),
        (15.0, 60_000.0, -60_000.0),
        (14.0, 48_000.0, -60_000.0),  # 4 of 5 %
        (12.1, 25_200.0, -60_000.0),
        (10.0, 0.0, -60_000.0),
        (0.0, 0.0, -60_000.0),
        (90.0, 60_000.0, -60_000.0),
        (92.0, 60_000.0, -36_000.0),  # 3 of 5 %
        (95.0, 60_000.0, 0.0),
    ],
)
def test_the_taper(soc_pct: float, discharge_w: float, charge_w: float) -> None:
    bench = Bench(LIMITS)
    bench.step(0.0, 2.0)
    assert settled(bench, DISCHARGE, soc_pct) == pytest.approx(discharge_w, abs=1.0)
    assert settled(bench, CHARGE, soc_pct) == pytest.approx(charge_w, abs=1.0)


def test_an_ended_direction_comes_back_inside_its_hysteresis_and_gently() -> None:
    bench = Bench(LIMITS)
    assert settled(bench, DISCHARGE, 50.0) == RATED_W
    assert settled(bench, DISCHARGE, 10.0) == 0.0
    assert settled(bench, DISCHARGE, 11.9) == 0.0, "not before 2 % inside"
    first = bench.step(DISCHARGE, 1.0, soc_pct=13.0)
    assert first == pytest.approx(0.02 * RATED_W), "2 % a second"
    assert settled(bench, DISCHARGE, 13.0) == pytest.approx(36_000.0)


@pytest.mark.parametrize("period_s", [0.1, 1.0])
def test_power_is_taken_away_at_its_ramp_whatever_the_cycle(period_s: float) -> None:
    bench = Bench(LIMITS, period_s=period_s)
    assert settled(bench, DISCHARGE, 50.0) == RATED_W
    assert bench.step(DISCHARGE, 2.0, soc_pct=10.0) == pytest.approx(RATED_W * 0.6, rel=0.02), "20 % a second"
    assert bench.step(DISCHARGE, 4.0) == 0.0
    assert bench.reason().startswith("self0; bound: soc0")


@pytest.mark.parametrize("value", [nan, 101.0, -3.0])
def test_an_unknown_state_of_charge_closes_both_directions(value: float) -> None:
    bench = Bench(LIMITS)
    assert settled(bench, DISCHARGE, 50.0) == RATED_W
    bench.step(DISCHARGE, 10.0, soc_pct=value)
    assert bench.power_w == 0.0
    assert bench.step(CHARGE, 20.0) == 0.0


def test_a_silent_state_of_charge_closes_after_its_stale_time() -> None:
    bench = Bench(LIMITS)
    settled(bench, DISCHARGE, 50.0)
    bench.silent.add("ess0/soc_pct")
    bench.step(DISCHARGE, 30.0)
    assert bench.power_w == 0.0


def test_a_restart_in_the_taper_moves_nothing_at_once() -> None:
    bench = Bench(LIMITS)
    settled(bench, DISCHARGE, 14.0)
    again = Bench(LIMITS)
    again.runtime.overrides.set("ess0/active_power_w", 40_000.0, duration_s=1.5, reason="t", actor="t")
    again.step(DISCHARGE, 1.0, soc_pct=11.0)
    assert again.power_w == 40_000.0
    again.step(DISCHARGE, 1.0)
    assert again.power_w <= 40_000.0
    assert again.step(DISCHARGE, 40.0) == 0.0, "closed: it starts inside the hysteresis, so it does not open"


@given(share=st.floats(0, 1), wanted=st.floats(0, 1), dt_s=st.floats(0, 100))
def test_a_share_stays_a_share_and_never_passes_what_is_wanted(share: float, wanted: float, dt_s: float) -> None:
    after = moved(share, wanted, DeratingSettings.model_validate({"ess": "ess0"}), dt_s)
    assert min(share, wanted) - 1e-12 <= after <= max(share, wanted) + 1e-12


@given(first=st.floats(-10, 110), second=st.floats(-10, 110))
def test_less_room_never_gives_more_power(first: float, second: float) -> None:
    settings = SocLimitsSettings.model_validate({"ess": "ess0"})
    low, high = sorted((first, second))
    assert 0.0 <= room_share(low, settings) <= room_share(high, settings) <= 1.0


def test_ends_without_room_between_are_refused() -> None:
    with pytest.raises(ValidationError, match="no room between"):
        SocLimitsSettings.model_validate({"ess": "ess0", "minimum_pct": 90.0, "maximum_pct": 95.0})
