"""Gain, lag and dynamics out of noise, load steps and clouds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.commissioning.plan import chips, pulse_w
from simems_edge.commissioning.record import Floats
from simems_edge.commissioning.signals import confidence, dynamics, response, step_noise

CYCLE_S = 0.2


def pulses(size_w: float, seed: int) -> Floats:
    values = [np.full(round(seconds / CYCLE_S), power_w) for power_w, seconds in chips(size_w, seed)]
    return np.concatenate([*values, np.zeros(40)])


def late(values: Floats, cycles: int) -> Floats:
    return np.concatenate([np.zeros(cycles), values[: len(values) - cycles]])


def first_order(values: Floats, dead_s: float, constant_s: float) -> Floats:
    found, keep = np.zeros(len(values)), np.exp(-CYCLE_S / constant_s)
    delayed = late(values, round(dead_s / CYCLE_S))
    for n in range(1, len(values)):
        found[n] = found[n - 1] * keep + delayed[n - 1] * (1.0 - keep)
    return found


def site(length: int, seed: int) -> Floats:
    """A load that wanders, steps and has a compressor."""
    random = np.random.default_rng(seed)
    wander = np.convolve(random.normal(0.0, 40.0, length + 50), np.ones(50) / 7.0, mode="valid")[:length]
    steps = np.zeros(length)
    for at in random.integers(0, length, 4):
        steps[at:] += random.normal(0.0, 3_000.0)
    return 25_000.0 + wander + steps


@settings(max_examples=40, deadline=None)
@given(gain=st.sampled_from([-1.0, 1.0, -0.5, -2.0, -0.1]), lag=st.integers(0, 40), seed=st.integers(0, 10_000))
def test_gain_and_lag_stand_out_of_a_restless_site(gain: float, lag: int, seed: int) -> None:
    x = pulses(5_000.0, seed)
    y = gain * late(x, lag) + (site(len(x), seed) if abs(gain) >= 0.5 else 0.1 * site(len(x), seed))
    found = response(x, y, CYCLE_S)
    assert found.moved
    assert found.gain == pytest.approx(gain, rel=0.12)
    assert found.lag_s == pytest.approx(lag * CYCLE_S, abs=2 * CYCLE_S)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_site_that_does_not_answer_is_not_taken_for_one_that_does(seed: int) -> None:
    x = pulses(1_000.0, 3)
    assert not response(x, site(len(x), seed), CYCLE_S).moved


def test_nothing_comes_of_nothing() -> None:
    x = pulses(1_000.0, 1)
    for empty in (np.zeros(len(x)), np.full(len(x), np.nan)):
        assert not response(empty, x, CYCLE_S).moved
        assert not response(x, empty, CYCLE_S).moved
    assert not response(np.zeros(3), np.zeros(3), CYCLE_S).moved
    assert dynamics(np.zeros(200), x[:200], CYCLE_S, 6.0) is None


def test_gaps_in_a_signal_hold_its_last_value() -> None:
    x = pulses(5_000.0, 2)
    y = -x
    y[100:120] = np.nan
    assert response(x, y, CYCLE_S).gain == pytest.approx(-1.0, abs=0.02)


@pytest.mark.parametrize(("dead_s", "constant_s"), [(0.0, 0.4), (0.6, 0.8), (1.4, 1.2), (2.0, 0.3)])
def test_dead_time_and_time_constant_are_measured(dead_s: float, constant_s: float) -> None:
    x = pulses(5_000.0, 4)
    y = first_order(x, dead_s, constant_s) * 0.97 + np.random.default_rng(1).normal(0.0, 20.0, len(x))
    found = dynamics(x, y, CYCLE_S, 6.0)
    assert found is not None
    assert found.gain == pytest.approx(0.97, abs=0.02)
    assert found.dead_time_s == pytest.approx(dead_s, abs=1.5 * CYCLE_S)
    assert found.time_constant_s == pytest.approx(constant_s, abs=0.25 * constant_s + 0.1)


def test_the_pulses_are_neutral_repeatable_and_as_large_as_the_noise_asks() -> None:
    pattern = chips(1_000.0, 7)
    assert pattern == chips(1_000.0, 7) != chips(1_000.0, 8)
    assert sum(power_w for power_w, _ in pattern) == 0.0
    assert pulse_w(60_000.0, 0.0) == 1_800.0
    assert pulse_w(60_000.0, 1_000.0) == 6_000.0
    assert pulse_w(60_000.0, 1e6) == 12_000.0


def test_noise_is_what_the_signal_does_by_itself() -> None:
    random = np.random.default_rng(2)
    slow = np.repeat(random.normal(0.0, 300.0, 60), 40)
    assert 200.0 < step_noise(slow, CYCLE_S, 8.0) < 700.0
    assert step_noise(np.full(300, 5.0), CYCLE_S, 6.0) == 0.0
    assert step_noise(np.zeros(3), CYCLE_S, 6.0) == 0.0


def test_confidence_rises_and_never_claims_certainty() -> None:
    values = [confidence(z) for z in (0.0, 1.0, 3.0, 6.0, 1e9, float("inf"))]
    assert values == sorted(values)
    assert values[0] == 0.0
    assert values[-1] < 1.0
