"""Holding a contact: least times on and off, and a limit of switchings an hour. Times are monotonic."""

from __future__ import annotations

from dataclasses import dataclass

from simems_core import RateCounter

NS = 1_000_000_000
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class SwitchTimes:
    """Seconds; and how often it may go on in any hour, None: as often as the times allow."""

    minimum_on_s: float
    minimum_off_s: float
    most_per_hour: int | None = None


class HeldSwitch:
    """``on`` follows what is wanted as soon as the times allow. A new one has been off for ever unless told
    otherwise."""

    def __init__(self, times: SwitchTimes) -> None:
        self._times = times
        self._since_ns: int | None = None
        self._starts = RateCounter(HOUR_S)
        self.on = False

    def resume(self, *, on: bool, now_ns: int) -> None:
        """After a restart the contact stands as it stands, and its time begins now: the longer wait is the safe one."""
        self.on, self._since_ns = on, now_ns
        self._starts.step(on, now_ns)

    def step(self, wanted: bool, now_ns: int) -> bool:
        """Where it stands after this moment."""
        if wanted != self.on and self.wait_s(now_ns) == 0.0:
            self.on, self._since_ns = wanted, now_ns
        self._starts.step(self.on, now_ns)
        return self.on

    def wait_s(self, now_ns: int) -> float:
        """Seconds until it may switch; 0: now."""
        least_s = self._times.minimum_on_s if self.on else self._times.minimum_off_s
        held_s = least_s if self._since_ns is None else (now_ns - self._since_ns) / NS
        wait_s = max(least_s - held_s, 0.0)
        if self.on or self._times.most_per_hour is None:
            return wait_s
        return max(wait_s, self._starts.wait_s(self._times.most_per_hour, now_ns) or 0.0)

    def starts(self, now_ns: int) -> int:
        """How often it went on in the last hour."""
        return self._starts.count(now_ns)
