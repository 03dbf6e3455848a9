"""Registers as they really behave: no energy is lost by a roll-over, none is invented by a reset or a drop-out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_cloud.telemetry.registers import by_interval, steps

SECOND, MINUTE, QUARTER = 1_000_000, 60_000_000, 900_000_000


def counted(values: list[float], step_us: int = MINUTE, rollover: float = 0.0) -> tuple[float, int]:
    found = steps([step_us * n for n in range(len(values))], values, rollover)
    return sum(step.energy_wh for step in found), sum(step.reset for step in found)


@pytest.mark.parametrize(
    ("values", "rollover", "energy", "resets"),
    [
        ([100, 105, 105, 112], 0, 12, 0),
        ([9_990, 9_999, 4, 10], 10_000, 9 + 5 + 6, 0),
        ([9_990, 9_999, 4, 10], 0, 9 + 6, 1),
        ([5_000, 5_010, 0, 3, 9], 0, 10 + 9, 1),
        ([5_000, 5_010, 0, 5_012, 5_015], 0, 15, 0),
        ([5_000, 5_010, 0, 0, 0, 5_012], 0, 12, 0),
        ([5_000, 5_010, 99_999_999, 5_012], 0, 12, 0),
        ([5_000, 5_001, 5_000, 5_001, 5_002], 0, 2, 0),
        ([5_000, 4_999, 4_998, 4_997], 0, 0, 0),
        ([5_000, 5_010, 123_456_789, 123_456_790], 0, 11, 1),
        ([7], 0, 0, 0),
        ([], 0, 0, 0),
    ],
    ids=[
        *("rises", "rolls over", "falls to zero", "is reset", "drops out", "drops out thrice", "spikes", "jitters"),
        *("runs backwards", "is replaced by one that counted more", "one reading", "no reading"),
    ],
)
def test_what_is_counted(values: list[float], rollover: float, energy: float, resets: int) -> None:
    assert counted(values, rollover=rollover) == (energy, resets)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(1, 20 * MINUTE), st.integers(0, 10**9))
def test_intervals_share_everything_and_no_more(rises: list[int], step_us: int, offset_us: int) -> None:
    values = np.cumsum(rises).astype(float).tolist()
    times = [offset_us + step_us * n for n in range(len(values))]
    found = steps(times, values)
    plausible = [step for step in found if not step.reset]
    starts = np.unique(np.array(times) // QUARTER * QUARTER)
    shared = by_interval(found, starts)
    assert shared.energy_wh.sum() == pytest.approx(sum(step.energy_wh for step in plausible))
    assert (shared.energy_wh >= 0).all()
    assert (shared.gap_wh <= shared.energy_wh + 1e-9).all()


def test_a_step_across_a_border_is_shared_by_time() -> None:
    found = by_interval(steps([14 * MINUTE, 17 * MINUTE], [0.0, 30.0]), np.array([0, QUARTER]))
    assert found.energy_wh.tolist() == pytest.approx([10.0, 20.0])


def test_a_reading_on_the_border_belongs_to_what_was_before_it() -> None:
    """One reading a minute, on the minute: the quarter hour has its fifteen minutes."""
    times = [MINUTE * n for n in range(31)]
    found = by_interval(steps(times, [100.0 * n for n in range(31)]), np.array([0, QUARTER, 2 * QUARTER]))
    assert found.energy_wh.tolist() == pytest.approx([1500.0, 1500.0, 0.0])


def test_what_flowed_in_a_gap_is_told_apart() -> None:
    hour = 4 * QUARTER
    found = by_interval(steps([0, SECOND, hour, hour + SECOND], [0.0, 1.0, 501.0, 502.0]), np.array([0, hour]))
    assert found.energy_wh.tolist() == pytest.approx([1.0, 501.0])
    assert found.gap_wh.tolist() == [0.0, 500.0]
