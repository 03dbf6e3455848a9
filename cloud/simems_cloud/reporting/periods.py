"""Days, weeks and months by the clock of a zone: half-open, with 23 or 25 hours where the clock is changed; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["day", "week", "month"]
Bucket = Literal["quarter hour", "hour", "day"]
ROWS: dict[Period, Bucket] = {"day": "quarter hour", "week": "hour", "month": "day"}
"""What a report of that length lists."""
BARS: dict[Period, Bucket] = {"day": "hour", "week": "day", "month": "day"}
"""What it draws."""
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Span:
    """``starts_on`` to ``ends_on`` (not included) in ``zone``."""

    period: Period
    starts_on: date
    ends_on: date
    zone: str

    @property
    def start(self) -> datetime:
        return midnight(self.starts_on, self.zone)

    @property
    def end(self) -> datetime:
        return midnight(self.ends_on, self.zone)

    @property
    def minutes(self) -> int:
        return round((self.end - self.start).total_seconds() / 60)

    @property
    def title(self) -> str:
        if self.period == "day":
            return f"{self.starts_on:%A} {self.starts_on.day} {self.starts_on:%B %Y}"
        if self.period == "month":
            return f"{self.starts_on:%B %Y}"
        last = self.ends_on - timedelta(days=1)
        year, week, _ = self.starts_on.isocalendar()
        return f"Week {week} of {year} ({self.starts_on.day} {self.starts_on:%B} to {last.day} {last:%B %Y})"


def span(period: Period, day: date, zone: str) -> Span:
    """The period that contains ``day``; weeks start on Monday (ISO 8601)."""
    if period == "day":
        return Span(period, day, day + timedelta(days=1), zone)
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return Span(period, monday, monday + timedelta(days=7), zone)
    first = day.replace(day=1)
    return Span(period, first, (first + timedelta(days=32)).replace(day=1), zone)


def last_complete(period: Period, now: datetime, zone: str, due_hour: int) -> Span:
    """The newest period whose report is due: ended, and ``due_hour`` of the day after it has struck."""
    local = now.astimezone(ZoneInfo(zone))
    today = local.date() if local.hour >= due_hour else local.date() - timedelta(days=1)
    current = span(period, today, zone)
    return span(period, current.starts_on - timedelta(days=1), zone)


def midnight(day: date, zone: str) -> datetime:
    """The first moment of the day, UTC; also where the clock skips midnight."""
    found = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    while found.astimezone(ZoneInfo(zone)).date() < day:
        found += QUARTER
    return found


def quarters(of: Span) -> Iterator[datetime]:
    """The starts of all quarter hours of it, UTC."""
    at = of.start
    while at < of.end:
        yield at
        at += QUARTER


def bucket_start(at: datetime, bucket: Bucket, zone: str) -> datetime:
    """Start of the bucket that a quarter hour belongs to; the hour that comes twice in autumn is two."""
    if bucket == "quarter hour":
        return at
    local = at.astimezone(ZoneInfo(zone))
    if bucket == "day":
        return midnight(local.date(), zone)
    return at - timedelta(minutes=local.minute)
