"""What one connector may still draw, whatever became of the limits that were sent to it. Pure.

A limit that was sent may hold from that instant; it has ended for certain when a later one was acknowledged and the
car had its time to follow, when the station refused it, or when its own duration is over. A permanent safe current
stays beneath: before the station has acknowledged one, the connector's maximum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

FOLLOW_S: Final = 5.0
"""A car may take this long to draw less (IEC 61851-1, 6.3.1.2, Table 7)."""
SLACK_S: Final = 10.0
"""A station may end a profile this much later than its duration says: its clock, its own turn."""


@dataclass(frozen=True, slots=True)
class Timing:
    """``lifetime_s``: duration of a limit that nobody renews."""

    lifetime_s: float = 60.0
    slack_s: float = SLACK_S
    follow_s: float = FOLLOW_S


@dataclass(frozen=True, slots=True)
class _Sent:
    ticket: int
    limit_a: float
    sent_s: float
    until_s: float


class LimitBook:
    """Of one connector. Currents are of each phase, times are monotonic seconds."""

    def __init__(self, maximum_a: float, safe_a: float | None, timing: Timing, now_s: float) -> None:
        """``safe_a``: what the station acknowledged in an earlier life of this process; None: never."""
        self._maximum_a, self._timing = maximum_a, timing
        self._safe_a = maximum_a if safe_a is None else min(safe_a, maximum_a)
        self._ticket = self._over = 0
        self._sent: list[_Sent] = []
        self._acknowledged: _Sent | None = None
        self._measured_a = 0.0
        self._known = (0.0, -math.inf)
        if safe_a is not None:  # limits of that life may still hold
            self._add(maximum_a, now_s)

    @property
    def follow_s(self) -> float:
        """How long a car may take."""
        return self._timing.follow_s

    # ---- the safe current

    @property
    def safe_a(self) -> float:
        """Permanent: what holds when nobody speaks."""
        return self._safe_a

    def safe_sent(self, limit_a: float) -> None:
        """About to be sent: it may hold from now on."""
        self._safe_a = max(self._safe_a, min(limit_a, self._maximum_a))
        self._changed()

    def safe_acknowledged(self, limit_a: float, now_s: float) -> None:
        """The station took it as default of every transaction to come."""
        before, self._safe_a = self._safe_a, min(limit_a, self._maximum_a)
        if before > self._safe_a:
            self._sent.append(_Sent(self._ticket, before, now_s, now_s + self._timing.follow_s))
        self._changed()

    # ---- limits with a duration

    def send(self, limit_a: float, now_s: float) -> int:
        """About to be sent; gives the ticket to answer for it."""
        self._add(limit_a, now_s)
        return self._ticket

    def acknowledged(self, ticket: int, now_s: float) -> None:
        """It holds, so none that was sent before it does, once the car has followed."""
        follows_s = now_s + self._timing.follow_s
        for place, one in enumerate(self._sent):
            if one.ticket < ticket:
                self._sent[place] = replace(one, until_s=min(one.until_s, follows_s))
        if ticket > self._over:  # else it is of a transaction that has ended since
            self._acknowledged = next((one for one in self._sent if one.ticket == ticket), self._acknowledged)
        self._changed()

    def refused(self, ticket: int) -> None:
        """The station said that it does not hold."""
        self._sent = [one for one in self._sent if one.ticket != ticket]
        self._changed()

    def ended(self, now_s: float) -> None:
        """The transaction is over, and its limits with it; a car that comes next begins at the safe current."""
        for place, one in enumerate(self._sent):
            self._sent[place] = replace(one, until_s=min(one.until_s, now_s + self._timing.follow_s))
        self._acknowledged = None
        self._over = self._ticket
        self._changed()

    def seen(self, current_a: float) -> None:
        """As measured: a station that draws more than it was told draws it all the same."""
        self._measured_a = max(current_a, 0.0)
        self._changed()

    # ---- answers

    def bound_a(self, now_s: float) -> float:
        """The most that it may draw on each phase from now on, if nothing more is sent."""
        bound_a, until_s = self._known
        if now_s < until_s:
            return bound_a
        self._sent = [one for one in self._sent if one.until_s > now_s]
        bound_a = max([self._safe_a, self._stray_a(), *(one.limit_a for one in self._sent)])
        self._known = (bound_a, min((one.until_s for one in self._sent), default=math.inf))
        return bound_a

    def _changed(self) -> None:
        self._known = (0.0, -math.inf)

    def _stray_a(self) -> float:
        """What is measured above everything that was allowed, beyond what a meter may err."""
        allowed_a = max([self._safe_a, *(one.limit_a for one in self._sent)])
        return self._measured_a if self._measured_a > allowed_a * 1.05 + 0.5 else 0.0

    @property
    def strays(self) -> bool:
        """It draws more than any limit that may hold."""
        return self._stray_a() > 0.0

    def standing_a(self, now_s: float) -> float | None:
        """The limit that the station acknowledged last and that surely still holds; None: none does."""
        known = self._acknowledged
        if known is None or now_s >= known.sent_s + self._timing.lifetime_s - self._timing.slack_s:
            return None
        return known.limit_a

    def held_a(self, now_s: float) -> float:
        """The most that the station may allow the car now, apart from the time that the car takes to follow."""
        if self.standing_a(now_s) is None or self._acknowledged is None:
            return self.bound_a(now_s)
        since = self._acknowledged.ticket
        return max((one.limit_a for one in self._sent if one.ticket >= since and one.until_s > now_s), default=0.0)

    def renewal_s(self) -> float:
        """When the last limit must be sent again, at half its lifetime; minus infinity: now."""
        if self._acknowledged is None:
            return -math.inf
        return self._acknowledged.sent_s + self._timing.lifetime_s / 2.0

    def _add(self, limit_a: float, now_s: float) -> None:
        self._ticket += 1
        timing = self._timing
        until_s = now_s + timing.lifetime_s + timing.slack_s + timing.follow_s
        self._sent.append(_Sent(self._ticket, limit_a, now_s, until_s))
        self._changed()
