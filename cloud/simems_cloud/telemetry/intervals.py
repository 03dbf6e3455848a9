"""Calendar intervals of a site: half-open, in its own zone, so that a day has 23, 24 or 25 hours; pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Length = Literal["15min", "hour", "day", "month"]
PLAIN: dict[str, timedelta] = {"15min": timedelta(minutes=15), "hour": timedelta(hours=1)}


def borders(zone: ZoneInfo, first: date, last: date, length: Length) -> list[datetime]:
    """From the start of ``first`` to the end of ``last`` (dates there), in UTC; one more than there are intervals.

    Quarter hours and hours count from the zone's midnight; months begin with ``first``, then with each 1st.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 2)]
    midnights = [midnight(zone, day) for day in days]
    if length == "day":
        return midnights
    if length == "month":
        return [at for day, at in zip(days, midnights, strict=True) if day.day == 1 or day in (days[0], days[-1])]
    found = []
    at = midnights[0]
    while at < midnights[-1]:
        found.append(at)
        at += PLAIN[length]
    return [*found, midnights[-1]]


def midnight(zone: ZoneInfo, day: date) -> datetime:
    """In UTC; where the clock skips midnight, the moment it goes on."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
