"""The cloud's time as this box may know it: from answered pings over the encrypted connection, on a clock that only
counts up.

The cloud wrote its time between the ping and its answer, so it lies in an interval as wide as the round trip. The
interval widens with the drift of the box's own quartz, and ends after a day without an answer. The box's wall clock
plays no part: after a power cut it may say anything.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

DRIFT: Final = 200e-6
"""Seconds a second: worse than any quartz on a board."""
LONGEST_S: Final = 86_400.0
WIDEST_S: Final = 10.0
"""A slower answer tells too little."""
MOST_PINGS: Final = 32


@dataclass(frozen=True)
class Moment:
    """The cloud's time is not before ``earliest_us`` and not after ``latest_us``; UTC microseconds."""

    earliest_us: int
    latest_us: int


@dataclass(frozen=True)
class _Sample:
    server_us: int
    asked_s: float
    answered_s: float

    def width_s(self, now_s: float) -> float:
        return (self.answered_s - self.asked_s) + 2 * DRIFT * (now_s - self.asked_s)


def since_boot_s() -> float:
    """Counts while the box sleeps as well."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class CloudClock:
    """One per process. ``now_s``: seconds on a clock that never goes back."""

    def __init__(self, now_s: Callable[[], float] = since_boot_s) -> None:
        self._now_s = now_s
        self._asked: OrderedDict[int, float] = OrderedDict()
        self._best: _Sample | None = None

    def asked(self, token: int) -> None:
        """A ping with this token leaves now."""
        self._asked[token] = self._now_s()
        while len(self._asked) > MOST_PINGS:
            self._asked.popitem(last=False)

    def answered(self, token: int, server_us: int) -> None:
        """An answer nobody asked for, a second one and a slow one are no news."""
        asked_s = self._asked.pop(token, None)
        now_s = self._now_s()
        if asked_s is None or not 0 <= now_s - asked_s <= WIDEST_S or server_us <= 0:
            return
        found = _Sample(server_us, asked_s, now_s)
        if self._best is None or found.width_s(now_s) <= self._best.width_s(now_s):
            self._best = found

    def lost(self) -> None:
        """A new connection: what was asked over the old one is never answered."""
        self._asked.clear()

    def moment(self) -> Moment | None:
        """Now; None when the cloud's time is not known."""
        best, now_s = self._best, self._now_s()
        if best is None or now_s - best.answered_s > LONGEST_S:
            return None
        early_us = best.server_us + round((now_s - best.answered_s) * (1 - DRIFT) * 1e6)
        late_us = best.server_us + round((now_s - best.asked_s) * (1 + DRIFT) * 1e6)
        return Moment(early_us, late_us)

    def offset_us(self, utc_us: int) -> int | None:
        """The middle of the interval minus the box's own time: how wrong its clock is. None: not known."""
        moment = self.moment()
        return None if moment is None else (moment.earliest_us + moment.latest_us) // 2 - utc_us
