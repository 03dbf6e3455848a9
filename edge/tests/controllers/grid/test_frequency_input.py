"""A controller does not arm on a meter that cannot serve it, and says why."""

from __future__ import annotations

from math import sin
from typing import Any

import pytest
from simems_edge.controllers.grid.fast_frequency_reserve import FastFrequencyReserve
from simems_edge.controllers.grid.frequency_droop import FrequencyDroop
from simems_edge.controllers.grid.frequency_input import ARMING_METRIC, Arming
from simems_edge.controllers.grid.virtual_inertia import VirtualInertia

ESS: dict[str, Any] = {"grid": "grid0", "ess": "ess0"}
DROOP = ESS | {"reference_w": 50_000.0}
FFR = ESS | {"capacity_w": 20_000.0}


def quantised(seconds: float, step_hz: float) -> float:
    """A calm grid: 30 mHz of wandering with some noise, as a meter of that resolution shows it."""
    return round((50.0 + 0.03 * sin(seconds) + 0.008 * sin(37.0 * seconds)) / step_hz) * step_hz


def test_a_profile_that_promises_too_little_is_refused_from_the_start(benches: Any) -> None:
    bench = benches(FrequencyDroop, DROOP, resolution_hz=0.02)
    assert bench.step(grid0_frequency_hz=49.0).metrics["arming"] == Arming.TOO_COARSE
    assert bench.step().setpoint() == 0.0
    assert benches(FrequencyDroop, DROOP, resolution_hz=0.01).step().metrics["arming"] == Arming.ARMED


@pytest.mark.parametrize(
    ("step_hz", "arming"), [(0.001, Arming.ARMED), (0.01, Arming.ARMED), (0.05, Arming.TOO_COARSE)]
)
def test_a_meter_that_shows_less_than_it_promises_is_found_out(step_hz: float, arming: Arming, benches: Any) -> None:
    bench = benches(FrequencyDroop, DROOP)
    for number in range(600):
        turn = bench.step(grid0_frequency_hz=quantised(number * 0.1, step_hz))
    assert turn.metrics["arming"] == arming


@pytest.mark.parametrize("slope_hz_per_s", [0.05, 0.2, 1.0, 5.0])
def test_a_disturbance_is_never_taken_for_a_coarse_meter(slope_hz_per_s: float, benches: Any) -> None:
    """A straight fall has equal steps: that is no proof of a resolution."""
    bench = benches(FrequencyDroop, DROOP)
    for number in range(200):
        turn = bench.step(grid0_frequency_hz=max(50.0 - slope_hz_per_s * 0.1 * number, 47.0))
        assert turn.metrics["arming"] == Arming.ARMED


@pytest.mark.parametrize(("kind", "settings"), [(FastFrequencyReserve, FFR), (VirtualInertia, DROOP)])
def test_fast_answers_need_ten_samples_a_second(kind: Any, settings: dict[str, Any], benches: Any) -> None:
    fast, slow = benches(kind, settings), benches(kind, settings)
    for number in range(60):
        prompt = fast.step()
        late = slow.step() if number % 2 == 0 else slow.step(grid0_frequency_hz=None)
    assert (prompt.metrics["arming"], late.metrics["arming"]) == (Arming.ARMED, Arming.TOO_OLD)


def test_an_agreed_delay_of_the_meter_counts(benches: Any) -> None:
    settings = FFR | {"meter_delay_s": 0.15}
    assert benches(FastFrequencyReserve, settings).step().metrics["arming"] == Arming.TOO_OLD


def test_a_meter_that_comes_back_in_time_arms_again(benches: Any) -> None:
    bench = benches(FastFrequencyReserve, FFR)
    for number in range(40):
        turn = bench.step() if number % 3 == 0 else bench.step(grid0_frequency_hz=None)
    assert turn.metrics["arming"] == Arming.TOO_OLD
    assert bench.run(4.0).metrics["arming"] == Arming.ARMED


def test_every_refusal_is_told_in_words() -> None:
    assert len(ARMING_METRIC.labels) == len(Arming)
    assert set(ARMING_METRIC.refusals) == set(Arming) - {Arming.ARMED, Arming.NO_FREQUENCY}
