"""Spans follow wall time: over midnight, on days of 23 and 25 hours, in zones that are half an hour off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simems_edge.controllers.calendar import Span, covered, month_of, next_begin_s

STOCKHOLM = ZoneInfo("Europe/Stockholm")
KOLKATA = ZoneInfo("Asia/Kolkata")


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("span", "moment", "expected"),
    [
        (Span(begin="07:00", end="19:00"), "2026-06-01T06:59:59+02:00", False),
        (Span(begin="07:00", end="19:00"), "2026-06-01T07:00:00+02:00", True),
        (Span(begin="07:00", end="19:00"), "2026-06-01T19:00:00+02:00", False),  # half-open
        (Span(begin="22:00", end="06:00"), "2026-06-01T05:59:00+02:00", True),
        (Span(begin="22:00", end="06:00"), "2026-06-01T12:00:00+02:00", False),
        (Span(begin="22:00", end="06:00", weekdays=("fri",)), "2026-06-06T05:00:00+02:00", True),  # of Friday's
        (Span(begin="22:00", end="06:00", weekdays=("fri",)), "2026-06-05T05:00:00+02:00", False),  # of Thursday's
        (Span(weekdays=("mon",), months=(11, 12, 1, 2, 3)), "2026-06-01T12:00:00+02:00", False),
        (Span(weekdays=("mon",), months=(11, 12, 1, 2, 3)), "2026-11-30T12:00:00+01:00", True),
        (Span(begin="00:00", end="24:00"), "2026-06-01T23:59:59+02:00", True),
    ],
)
def test_a_span_covers(span: Span, moment: str, expected: bool) -> None:
    assert covered((span,), at(moment), STOCKHOLM) is expected


def covered_hours(span: Span, day: str, zone: ZoneInfo) -> float:
    """Of the 23 hours from ``day`` on, in steps of 15 minutes."""
    begin_s = at(day)
    return sum(covered((span,), begin_s + 900.0 * n, zone) for n in range(92)) / 4.0


def test_the_day_of_25_hours_has_the_doubled_hour_twice() -> None:
    """25 October 2026: 02:00 to 03:00 comes twice."""
    night = Span(begin="02:00", end="03:00")
    assert covered_hours(night, "2026-10-25T00:00:00+02:00", STOCKHOLM) == 2.0
    assert covered_hours(night, "2026-10-24T00:00:00+02:00", STOCKHOLM) == 1.0


def test_the_day_of_23_hours_lacks_its_hour() -> None:
    """29 March 2026: 02:00 to 03:00 does not come; 01:00 to 04:00 lasts two hours."""
    assert covered_hours(Span(begin="02:00", end="03:00"), "2026-03-29T00:00:00+01:00", STOCKHOLM) == 0.0
    assert covered_hours(Span(begin="01:00", end="04:00"), "2026-03-29T00:00:00+01:00", STOCKHOLM) == 2.0


def test_the_next_begin() -> None:
    evening = Span(begin="17:00", end="20:00", weekdays=("mon", "tue", "wed", "thu", "fri"))
    friday = at("2026-10-23T17:00:00+02:00")
    assert next_begin_s((evening,), friday - 1.0, STOCKHOLM) == friday
    assert next_begin_s((evening,), friday, STOCKHOLM) == at("2026-10-26T17:00:00+01:00"), "over the clock change"
    assert next_begin_s((Span(months=(2,), weekdays=("sun",)), evening), friday, STOCKHOLM) is not None


@given(st.floats(1.7e9, 1.9e9), st.sampled_from([STOCKHOLM, KOLKATA]))
def test_a_span_that_is_not_covered_now_begins_when_it_says(utc_s: float, zone: ZoneInfo) -> None:
    span = Span(begin="08:30", end="17:15")
    begin_s = next_begin_s((span,), utc_s, zone)
    assert begin_s is not None
    assert utc_s < begin_s <= utc_s + 25 * 3600
    assert covered((span,), begin_s, zone)
    assert not covered((span,), begin_s - 1.0, zone)


def test_months_turn_at_local_midnight() -> None:
    turn = datetime(2026, 8, 31, 22, 0, tzinfo=UTC)
    assert month_of((turn - timedelta(seconds=1)).timestamp(), STOCKHOLM) == 2026 * 12 + 7
    assert month_of(turn.timestamp(), STOCKHOLM) == 2026 * 12 + 8


@pytest.mark.parametrize("wrong", [{"begin": "24:00"}, {"end": "25:00"}, {"months": [13]}, {"begin": "7:00"}])
def test_times_that_are_none_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Span.model_validate(wrong)
