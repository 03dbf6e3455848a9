"""Times of the site's own calendar: months, weekdays and hours of local wall time, as tariffs and people name them.

A span is half-open and of wall time: on the day that has an hour twice it covers both, an hour that a day lacks is
covered by nothing. Pure; the zone comes in with the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MIN: Final = 24 * 60
_SEARCH_DAYS: Final = 366
Month = Annotated[int, Field(ge=1, le=12)]


def _clock_time(text: str) -> str:
    minutes_of(text)
    return text


ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-4]):[0-5][0-9]$"), AfterValidator(_clock_time)]
"""``07:00``; ``24:00`` is the end of a day."""


def minutes_of(text: str) -> int:
    """Minutes since midnight. Raises ValueError after 24:00."""
    hours, _, minutes = text.partition(":")
    total = int(hours) * 60 + int(minutes)
    if total > _DAY_MIN:
        raise ValueError("is after 24:00; write a time of the day such as 07:00")
    return total


class Span(BaseModel):
    """From ``begin`` to ``end`` on these days; an end at or before the begin is of the next day (22:00 to 06:00)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    begin: ClockTime = "00:00"
    end: ClockTime = "24:00"
    weekdays: tuple[Weekday, ...] = ()
    """Days on which it begins; none named: every day."""
    months: tuple[Month, ...] = ()
    """Months in which it begins; none named: all year."""

    @model_validator(mode="after")
    def _begins_in_a_day(self) -> Self:
        if minutes_of(self.begin) == _DAY_MIN:
            raise ValueError("begin must be before 24:00; write 00:00 of the next day")
        return self

    def begins_on(self, day: datetime) -> bool:
        """Does one begin on this day?"""
        return (not self.weekdays or WEEKDAYS[day.weekday()] in self.weekdays) and (
            not self.months or day.month in self.months
        )

    def covers(self, local: datetime) -> bool:
        """``local``: of the site's zone."""
        minute, begin, end = local.hour * 60 + local.minute, minutes_of(self.begin), minutes_of(self.end)
        if end > begin:
            return begin <= minute < end and self.begins_on(local)
        if minute >= begin:
            return self.begins_on(local)
        return minute < end and self.begins_on(local - timedelta(days=1))


def local_time(utc_s: float, zone: ZoneInfo) -> datetime:
    """Wall time of the site."""
    return datetime.fromtimestamp(utc_s, zone)


def covered(spans: Iterable[Span], utc_s: float, zone: ZoneInfo) -> bool:
    """Does any of them cover this moment?"""
    local = local_time(utc_s, zone)
    return any(span.covers(local) for span in spans)


def next_begin_s(spans: Iterable[Span], utc_s: float, zone: ZoneInfo) -> float | None:
    """UTC of the first begin after this moment; None when none comes within a year."""
    begins = (begin for span in spans for begin in _first(span, utc_s, zone))
    return min(begins, default=None)


def _first(span: Span, utc_s: float, zone: ZoneInfo) -> Iterator[float]:
    begin = minutes_of(span.begin)
    midnight = local_time(utc_s, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for number in range(_SEARCH_DAYS + 1):
        day = midnight + timedelta(days=number)
        at = datetime.combine(day.date(), time(begin // 60, begin % 60), zone).astimezone(UTC).timestamp()
        if at > utc_s and span.begins_on(day):
            yield at
            return


def month_of(utc_s: float, zone: ZoneInfo) -> int:
    """The billing month as one number, 12 times the year plus the month (0 is January)."""
    local = local_time(utc_s, zone)
    return local.year * 12 + local.month - 1
