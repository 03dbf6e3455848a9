"""Quiet hours: a daily time of the clock on the wall, which may reach over midnight; pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def held_until(now: datetime, quiet_from: time | None, quiet_to: time | None, zone: str) -> datetime | None:
    """When the quiet hours end that ``now`` lies in; None outside of them.

    Where the clock is put forward over the end, they end at the first moment after; where it is put back, at the
    first of the two.
    """
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return None
    local = now.astimezone(ZoneInfo(zone))
    if not _within(local.time(), quiet_from, quiet_to):
        return None
    day = local.date() + timedelta(days=1 if local.time() >= quiet_to else 0)
    end = datetime.combine(day, quiet_to, ZoneInfo(zone)).astimezone(UTC)
    return end if end > now else None


def _within(moment: time, quiet_from: time, quiet_to: time) -> bool:
    if quiet_from < quiet_to:
        return quiet_from <= moment < quiet_to
    return moment >= quiet_from or moment < quiet_to
