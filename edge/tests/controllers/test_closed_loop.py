"""The dead band of a loop's target: it says when to leave rest, and nothing is left of the way to rest."""

from __future__ import annotations

from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.controllers.closed_loop import LoopSettings, Resting

S = 1_000_000_000
BAND = 150.0
SETTLE_S = 12.0
POWERS = st.floats(-1e5, 1e5, allow_nan=False)
WITHIN = st.floats(-BAND / 2, BAND / 2, allow_nan=False)
"""Any two of them are no further apart than the dead band."""


class Sampled:
    """A sample a second, or as often as said."""

    def __init__(self, every_s: float = 1.0) -> None:
        self.resting = Resting(BAND, SETTLE_S)
        self.every_s = every_s
        self.second = 0.0

    def take(self, *targets: float) -> list[float]:
        found = []
        for target in targets:
            found.append(self.resting.follow(target, round(self.second * S)))
            self.second += self.every_s
        return found

    def rest(self, target: float) -> None:
        """For long enough."""
        self.take(*[target] * (3 + round(SETTLE_S / self.every_s)))


def test_the_first_target_stands_at_once() -> None:
    assert Sampled().take(7_000.0) == [7_000.0]


def test_at_rest_only_what_is_further_away_than_the_band_moves_it() -> None:
    sampled = Sampled()
    sampled.rest(0.0)
    assert sampled.take(150.0, -150.0, 149.0) == [0.0, 0.0, 0.0]
    assert sampled.take(151.0) == [151.0]


def test_nothing_is_left_of_the_approach_of_a_step() -> None:
    """The first target after a step of 10 kW is 80 W short, the second as well; the true one comes as it settles."""
    sampled = Sampled(every_s=2.0)
    sampled.rest(5_000.0)
    assert sampled.take(14_920.0, 14_920.0, 14_960.0) == [14_920.0, 14_920.0, 14_920.0], "agreed: it holds"
    held = sampled.take(14_980.0, 14_990.0, 15_000.0, 15_000.0, 15_000.0)
    assert held == [14_920.0, 14_920.0, 14_920.0, 15_000.0, 15_000.0], "once more, 12 s after the step"
    assert sampled.take(14_900.0, 15_100.0) == [15_000.0, 15_000.0], "and then at rest"


def test_while_it_moves_every_sample_counts() -> None:
    sampled = Sampled()
    sampled.rest(0.0)
    ramp = [1_000.0, 2_000.0, 3_000.0, 4_000.0, 4_100.0]
    assert sampled.take(*ramp, 4_200.0) == [*ramp, 4_100.0]


def test_a_slow_drift_is_never_further_behind_than_the_band() -> None:
    sampled = Sampled()
    sampled.rest(0.0)
    drift = [3.0 * number for number in range(1_000)]
    behind = [abs(target - stands) for target, stands in zip(drift, sampled.take(*drift), strict=True)]
    assert max(behind) <= BAND


def test_a_meter_that_shows_only_coarse_steps_does_not_make_it_hunt() -> None:
    """Steps of 100 W to and fro, inside the band of 150 W."""
    sampled = Sampled()
    sampled.rest(5_000.0)
    moved = sampled.take(*[5_100.0, 4_900.0, 5_000.0] * 100)
    assert set(moved) == {5_000.0}


def test_one_reading_that_is_absurd_costs_two_moves() -> None:
    sampled = Sampled()
    sampled.rest(5_000.0)
    assert sampled.take(90_000.0, 5_010.0, 5_020.0, 5_030.0) == [90_000.0, 5_010.0, 5_020.0, 5_020.0]


def test_what_is_no_number_does_not_stay() -> None:
    sampled = Sampled()
    sampled.rest(5_000.0)
    assert isnan(sampled.take(nan)[0])
    assert sampled.take(5_010.0, 5_020.0, 5_030.0) == [5_010.0, 5_020.0, 5_020.0]


def test_a_reset_forgets_what_stood() -> None:
    sampled = Sampled()
    sampled.rest(5_000.0)
    sampled.resting.reset()
    assert sampled.resting.value is None
    assert sampled.take(5_050.0) == [5_050.0]


def test_what_is_no_measurement_stands_at_once_and_at_rest() -> None:
    sampled = Sampled()
    sampled.take(5_000.0)
    sampled.resting.stand(0.0)
    assert sampled.resting.value == 0.0
    assert sampled.take(100.0) == [0.0]
    later = Sampled()
    later.resting.stand(0.0)
    later.second = 1_000.0
    assert later.take(100.0) == [0.0], "nothing is outstanding"


def test_samples_that_come_seldom_are_waited_for() -> None:
    sampled = Sampled(every_s=60.0)
    assert sampled.take(1_000.0, 1_010.0, 1_020.0, 1_030.0) == [1_000.0, 1_010.0, 1_020.0, 1_020.0]


def test_a_band_of_nothing_follows_every_sample() -> None:
    resting = Resting(0.0, SETTLE_S)
    assert [resting.follow(float(n % 3), n * S) for n in range(50)] == [float(n % 3) for n in range(50)]


def test_a_loop_takes_the_times_of_its_settings() -> None:
    resting = Resting.of(LoopSettings(deadband_w=10.0, battery_settle_s=1.0, meter_delay_max_s=2.0))
    assert [resting.follow(value, second * S) for second, value in enumerate((0.0, 1.0, 2.0, 3.0, 4.0))] == [
        0.0, 1.0, 1.0, 3.0, 3.0,
    ]  # fmt: skip


@given(st.lists(st.tuples(POWERS, st.integers(0, 20)), min_size=1, max_size=60))
def test_what_stands_is_never_further_from_the_target_than_the_band(samples: list[tuple[float, int]]) -> None:
    sampled = Sampled()
    for target, wait_s in samples:
        sampled.second += wait_s
        (stands,) = sampled.take(target)
        assert abs(stands - target) <= BAND


@given(POWERS, st.lists(WITHIN, min_size=1, max_size=100))
def test_noise_within_the_band_never_moves_it_at_rest(target: float, noise: list[float]) -> None:
    sampled = Sampled()
    sampled.rest(target)
    stood = sampled.resting.value
    assert set(sampled.take(*(target + one for one in noise))) == {stood}


@given(POWERS, POWERS, st.lists(WITHIN, min_size=60, max_size=60), st.sampled_from([0.1, 1.0, 2.0, 5.0, 30.0]))
def test_a_step_with_jitter_comes_to_rest_within_three_moves(
    before: float, after: float, noise: list[float], every_s: float
) -> None:
    """And in no more samples than fit into the time that the battery may take, and one."""
    sampled = Sampled(every_s)
    sampled.rest(before)
    stood = sampled.resting.value
    moves = sampled.take(*(after + one for one in noise))
    changed = sum(now != then for then, now in zip([stood, *moves], moves, strict=False))
    assert changed <= 3
    rests_after = round(SETTLE_S / every_s) + 2
    assert len(set(moves[rests_after:])) <= 1


@pytest.mark.parametrize("every_s", [0.1, 1.0, 5.0])
def test_a_poll_that_is_faster_than_the_registers_changes_nothing(every_s: float) -> None:
    """Each target comes ten times: the first, the agreement and the last are the same ones."""
    slow, fast = Sampled(every_s), Sampled(every_s / 10.0)
    targets = [5_000.0, 14_920.0, 14_930.0, *[15_000.0] * 200]
    slow.take(*targets)
    for target in targets:
        fast.take(*[target] * 10)
    assert (slow.resting.value, fast.resting.value) == (15_000.0, 15_000.0)
