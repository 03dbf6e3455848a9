"""When to try a device again that does not answer. Pure; random numbers come from the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

TOLERATED: Final = 1
"""Failures in a row that are taken for a lost packet."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0


class CircuitBreaker:
    """Closed while the device answers; open after more failures in a row than are tolerated."""

    def __init__(self, random: Callable[[], float]) -> None:
        """``random``: uniform 0..1, so that many devices do not come back in step."""
        self._random = random
        self._failures = 0

    @property
    def open(self) -> bool:
        return self._failures > TOLERATED

    def success(self) -> None:
        self._failures = 0

    def failure(self) -> None:
        self._failures += 1

    def trip(self) -> None:
        """The device answered, but must not be used: no tolerance."""
        self._failures = max(self._failures + 1, TOLERATED + 1)

    def wait_s(self) -> float:
        """Before the next try: nothing after a tolerated failure, then doubling, +-20 %."""
        if not self.open:
            return 0.0
        doubled = FIRST_WAIT_S * 2.0 ** min(self._failures - TOLERATED - 1, 16)
        return min(doubled, LONGEST_WAIT_S) * (0.8 + 0.4 * self._random())
