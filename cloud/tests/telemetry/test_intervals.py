"""Days, hours and months where the clock does what clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_cloud.telemetry.intervals import Length, borders
from simems_cloud.telemetry.packing import DAY_US, LONGEST_BLOCK, cut
from simems_cloud.telemetry.samples import RawValues


def hours(zone: str, day: date, length: Length = "day") -> list[float]:
    found = borders(ZoneInfo(zone), day, day, length)
    return [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(found)]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Stockholm", date(2026, 3, 29), 23),
        ("Europe/Stockholm", date(2026, 10, 25), 25),
        ("Europe/Stockholm", date(2026, 6, 1), 24),
        ("Asia/Kolkata", date(2026, 3, 29), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
    ],
)
def test_a_day_has_the_hours_it_has(zone: str, day: date, expected: float) -> None:
    assert hours(zone, day) == [expected]
    quarters = borders(ZoneInfo(zone), day, day, "15min")
    assert len(quarters) == expected * 4 + 1
    assert quarters == sorted(set(quarters))


def test_kolkatas_day_begins_at_half_past_six_in_the_evening() -> None:
    first, *_ = borders(ZoneInfo("Asia/Kolkata"), date(2026, 3, 2), date(2026, 3, 2), "hour")
    assert first == datetime(2026, 3, 1, 18, 30, tzinfo=UTC)


def test_months_begin_where_they_are_asked_from() -> None:
    found = borders(ZoneInfo("Europe/Stockholm"), date(2026, 1, 15), date(2026, 3, 10), "month")
    assert [f"{at.astimezone(ZoneInfo('Europe/Stockholm')):%m-%d %H}" for at in found] == [
        *("01-15 00", "02-01 00", "03-01 00", "03-11 00"),
    ]


@given(
    st.lists(st.integers(0, 3 * DAY_US), max_size=400),
    st.integers(1, 3),
)
def test_blocks_are_cut_without_losing_a_value(offsets: list[int], repeat: int) -> None:
    times = np.sort(np.array(offsets * repeat, dtype=np.int64))
    raw = RawValues(times, np.arange(len(times), dtype=float), np.zeros(len(times), dtype=np.int16))
    blocks = list(cut(raw))
    assert np.concatenate([block.values for block in blocks] or [np.empty(0)]).tolist() == raw.values.tolist()
    assert all(block.times_us[0] // DAY_US == block.times_us[-1] // DAY_US for block in blocks)
    starts = [int(block.times_us[0]) for block in blocks]
    assert len(set(starts)) == len(starts)
    assert all(len(block.values) <= LONGEST_BLOCK for block in blocks)
