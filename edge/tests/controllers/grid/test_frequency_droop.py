"""Frequency droop, from the formula of EN 50549-1:2019 4.6: dP = (f1 - f) / fn / s * Pref."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_edge.controllers.grid.frequency_droop import FrequencyDroop, FrequencyDroopSettings
from simems_edge.controllers.grid.frequency_input import Arming
from simems_edge.controllers.grid.pv_curtailment import Curtailment, next_curtailment
from simems_edge.controllers.grid.soc_window import SocWindow, next_window

ESS: dict[str, Any] = {"grid": "grid0", "ess": "ess0", "reference_w": "50 kW"}
PV: dict[str, Any] = {"grid": "grid0", "pv": "pv0", "pv_rated_w": "30 kW"}


@pytest.fixture(scope="module")
def droop(benches: Any) -> Callable[..., Any]:
    """A bench with a battery that has seen 50 Hz."""

    def made(**changes: Any) -> Any:
        bench = benches(FrequencyDroop, ESS | changes)
        bench.step()
        return bench

    return made


def by_formula_w(hz: float, *, edge_hz: float, nominal_hz: float = 50.0, droop: float = 0.05) -> float:
    return (edge_hz - hz) / nominal_hz / droop * 50_000.0


@pytest.mark.parametrize(
    ("hz", "expected_w"),
    [
        (50.0, 0.0),
        (50.2, 0.0),
        (49.8, 0.0),
        (50.45, -5_000.0),  # 0.25 Hz / 50 Hz / 5 % = 10 % of 50 kW
        (49.55, 5_000.0),
        (51.2, -20_000.0),
        (48.8, 20_000.0),
        (53.0, -50_000.0),  # the end of the reference power
        (46.0, 50_000.0),
    ],
)
def test_the_answer_is_on_the_curve(hz: float, expected_w: float, droop: Callable[..., Any]) -> None:
    bench = droop()
    turn = bench.step(grid0_frequency_hz=hz)
    assert turn.setpoint() == pytest.approx(expected_w, abs=1e-6)
    assert turn.metrics["offset_w"] == pytest.approx(expected_w, abs=1e-6)


@given(hz=st.floats(47.0, 52.5))
def test_within_one_percent_of_the_curve(hz: float, droop: Callable[..., Any]) -> None:
    bench = droop()
    answer_w = bench.step(grid0_frequency_hz=hz).setpoint()
    expected_w = 0.0
    if hz > 50.2:
        expected_w = max(by_formula_w(hz, edge_hz=50.2), -50_000.0)
    elif hz < 49.8:
        expected_w = min(by_formula_w(hz, edge_hz=49.8), 50_000.0)
    assert answer_w == pytest.approx(expected_w, rel=0.01, abs=1.0)


@pytest.mark.parametrize(("hz", "left_w"), [(50.45, 45_000.0), (49.55, 55_000.0)])
def test_it_adds_to_a_schedule_and_never_replaces_it(hz: float, left_w: float, droop: Callable[..., Any]) -> None:
    """A droop answer of 5 kW on a schedule of 50 kW."""
    bench = droop()
    bench.scheduled = {"ess0/active_power_w": 50_000.0}
    assert bench.step().setpoint() == 50_000.0
    assert bench.step(grid0_frequency_hz=hz).setpoint() == pytest.approx(left_w)


@pytest.mark.parametrize("period_s", [0.01, 0.1, 1.0])
def test_it_answers_in_the_first_cycle_that_sees_the_sample(period_s: float, benches: Any) -> None:
    """Each sample, at every cycle time, in the very cycle; between samples it stands."""
    bench = benches(FrequencyDroop, ESS, period_s=period_s)
    seen = []
    for hz in (50.0, 50.45, None, 50.45, 49.55, None, 50.0):
        seen.append(bench.step(grid0_frequency_hz=hz).setpoint())
    assert seen == pytest.approx([0.0, -5_000.0, -5_000.0, -5_000.0, 5_000.0, 5_000.0, 0.0])


def test_ieee_1547_parameters_come_from_the_data(benches: Any) -> None:
    """Deadband 36 mHz, droop 5 % of 60 Hz: at 60.336 Hz 0.3 / 60 / 0.05 = 10 %."""
    settings = {"grid": "grid0", "ess": "ess0", "reference_w": 50_000.0, "code": "ieee_1547_2018_b"}
    bench = benches(FrequencyDroop, settings)
    assert bench.step(grid0_frequency_hz=60.0).setpoint() == 0.0
    assert bench.step(grid0_frequency_hz=60.336).setpoint() == pytest.approx(-5_000.0)
    own = FrequencyDroopSettings.model_validate(settings | {"over_droop_pct": 2.0})
    assert (own.over_droop_pct, own.under_droop_pct) == (2.0, 5.0), "what the site file says goes before"


def test_the_answer_is_limited_to_what_was_agreed(droop: Callable[..., Any]) -> None:
    bench = droop(raise_max_w="2 kW", lower_max_w="3 kW")
    assert bench.step(grid0_frequency_hz=49.0).setpoint() == pytest.approx(2_000.0)
    assert bench.step(grid0_frequency_hz=51.0).setpoint() == pytest.approx(-3_000.0)


def test_headroom_is_left_free_by_those_below(droop: Callable[..., Any]) -> None:
    bench = droop(reserve_up_w="10 kW")
    bench.scheduled = {"ess0/active_power_w": 60_000.0}
    assert bench.step().setpoint() == 50_000.0
    assert bench.step(grid0_frequency_hz=49.3).setpoint() == pytest.approx(60_000.0), "10 kW more are delivered in full"


def test_at_the_ends_of_its_window_it_only_ends_the_movement_outwards(droop: Callable[..., Any]) -> None:
    bench = droop(minimum_soc_pct=20, maximum_soc_pct=80)
    bench.step(ess0_soc_pct=20.0)
    assert bench.step(grid0_frequency_hz=49.0).setpoint() == 0.0, "no discharge at the lower end"
    bench.scheduled = {"ess0/active_power_w": -10_000.0}
    assert bench.step().setpoint() == 0.0, "but charging ends"
    assert bench.step(ess0_soc_pct=20.9).setpoint() == 0.0, "and one point of hysteresis"
    assert bench.step(ess0_soc_pct=21.1).setpoint() == pytest.approx(6_000.0)
    bench.scheduled = {}
    bench.step(ess0_soc_pct=80.0)
    assert bench.step(grid0_frequency_hz=51.0).setpoint() == 0.0


def test_energy_in_the_reserve_is_its_own(droop: Callable[..., Any]) -> None:
    """Below the reserve a schedule may not discharge, the droop may."""
    bench = droop(reserve_low_soc_pct=30, reserve_high_soc_pct=70)
    bench.scheduled = {"ess0/active_power_w": 40_000.0}
    assert bench.step(ess0_soc_pct=31.0).setpoint() == 40_000.0
    assert bench.step(ess0_soc_pct=30.0).setpoint() == 0.0
    assert bench.step(grid0_frequency_hz=49.55).setpoint() == pytest.approx(5_000.0)
    bench.scheduled = {"ess0/active_power_w": -40_000.0}
    assert bench.step(grid0_frequency_hz=50.0, ess0_soc_pct=70.0).setpoint() == 0.0
    assert bench.step(grid0_frequency_hz=50.45).setpoint() == pytest.approx(-5_000.0)


def test_without_frequency_or_charge_the_answer_is_withdrawn(droop: Callable[..., Any]) -> None:
    bench = droop()
    bench.scheduled = {"ess0/active_power_w": 10_000.0}
    assert bench.step(grid0_frequency_hz=49.55).setpoint() == pytest.approx(15_000.0)
    turn = bench.step(grid0_frequency_hz=nan)
    assert (turn.setpoint(), turn.metrics["arming"]) == (10_000.0, Arming.NO_FREQUENCY)
    assert bench.step(grid0_frequency_hz=49.55).setpoint() == pytest.approx(15_000.0)
    assert bench.step(ess0_soc_pct=nan).setpoint() == 10_000.0
    bench.step(ess0_soc_pct=50.0)
    for _ in range(21):
        turn = bench.step(grid0_frequency_hz=None)
    assert (turn.setpoint(), turn.metrics["arming"]) == (10_000.0, Arming.NO_FREQUENCY), "stale after 2 s"


def test_a_restart_in_the_middle_changes_nothing(droop: Callable[..., Any]) -> None:
    bench = droop()
    before_w = bench.step(grid0_frequency_hz=49.55).setpoint()
    bench.restart()
    assert bench.step().setpoint() == before_w


# ---- PV at over-frequency (LFSM-O)


@pytest.fixture
def pv_bench(benches: Any) -> Any:
    bench = benches(FrequencyDroop, PV)
    bench.step(pv0_active_power_w=20_000.0)
    return bench


LIMIT = "pv0/active_power_limit_w"


def test_pv_gives_the_share_of_its_power_at_the_threshold(pv_bench: Any) -> None:
    """20 kW at the threshold; 50.7 Hz: 0.5 / 50 / 0.05 = 20 % less: 16 kW. 40 % a Hz of the momentary power."""
    bench = pv_bench
    assert bench.step().setpoint(LIMIT) == 30_000.0
    assert bench.step(grid0_frequency_hz=50.7).setpoint(LIMIT) == pytest.approx(16_000.0)
    curtailed = bench.step(grid0_frequency_hz=51.2, pv0_active_power_w=16_000.0)
    assert curtailed.setpoint(LIMIT) == pytest.approx(12_000.0), "of the power then, not of what is left"
    assert bench.step(grid0_frequency_hz=49.0).setpoint(LIMIT) == pytest.approx(12_000.0, abs=10.0)


def test_pv_is_released_with_the_codes_gradient(benches: Any) -> None:
    """10 % of 30 kW a minute: 3 kW in a minute, at every cycle time."""
    for period_s in (0.1, 1.0):
        bench = benches(FrequencyDroop, PV, period_s=period_s)
        bench.step(pv0_active_power_w=20_000.0)
        bench.run(5.0, grid0_frequency_hz=51.2)
        assert bench.run(60.0, grid0_frequency_hz=50.0).setpoint(LIMIT) == pytest.approx(15_000.0, rel=0.01)
        assert bench.run(400.0).setpoint(LIMIT) == 30_000.0


def test_pv_stays_curtailed_while_the_frequency_is_not_known_and_over_a_restart(pv_bench: Any) -> None:
    bench = pv_bench
    held_w = bench.step(grid0_frequency_hz=51.2).setpoint(LIMIT)
    assert bench.step(grid0_frequency_hz=nan).setpoint(LIMIT) == held_w
    bench.step(grid0_frequency_hz=51.2, pv0_active_power_w=12_000.0)
    bench.restart()
    assert bench.step().setpoint(LIMIT) == held_w, "20 kW at the threshold is remembered, not 12 kW"


@given(st.lists(st.tuples(st.floats(-1.0, 0.0), st.one_of(st.none(), st.floats(0.0, 30e3))), min_size=1, max_size=30))
def test_curtailment_never_gives_more_than_was_given_at_the_threshold(course: list[tuple[float, float | None]]) -> None:
    state = Curtailment(None, 30e3)
    for share, power_w in course:
        state = next_curtailment(state, share, power_w, 30e3, 10.0)
        assert 0.0 <= state.limit_w <= 30e3
        if state.reference_w is not None:
            assert state.limit_w <= state.reference_w + 1e-9


# ---- settings


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=50))
def test_a_window_never_opens_outside_its_limits(course: list[float]) -> None:
    settings = FrequencyDroopSettings.model_validate(
        {"grid": "grid0", "ess": "ess0", "reference_w": 5e4, "minimum_soc_pct": 20, "maximum_soc_pct": 80}
    )
    window = SocWindow()
    for soc_pct in course:
        window = next_window(window, soc_pct, settings)
        assert not (window.may_discharge and soc_pct <= 20.0)
        assert not (window.may_charge and soc_pct >= 80.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ess": None}, "name ess or pv"),
        ({"reference_w": None}, "rated power"),
        ({"over_droop_pct": 0}, "above 0"),
        ({"minimum_soc_pct": 90, "maximum_soc_pct": 80}, "must be below maximum_soc_pct"),
        ({"reserve_low_soc_pct": 1}, "minimum_soc_pct or more"),
        ({"code": "nowhere"}, "unknown; use one of en_50549_1_2019"),
        ({"code": "nordic_ffr_49_7"}, "without a parameter set for frequency_droop"),
    ],
)
def test_settings_that_contradict_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FrequencyDroopSettings.model_validate({"grid": "grid0", "ess": "ess0", "reference_w": 5e4} | changes)
