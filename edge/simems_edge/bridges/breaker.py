"""When to try a device again that does not answer. Pure; random numbers come from the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simems_edge.bridges.connection import ConnectionState

TOLERATED: Final = 1
"""Failures in a row that are taken for a lost packet."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0
SHARED_BUDGET: Final = 0.05
"""Most of a shared line's time that waiting for one dead unit may take."""


class CircuitBreaker:
    """Closed while the device answers; open after more failures in a row than are tolerated."""

    def __init__(self, random: Callable[[], float], shared_cost_s: float = 0.0) -> None:
        """``random``: uniform 0..1, so that many devices do not come back in step. ``shared_cost_s``: how long a try
        keeps others of the same line from speaking; 0 when there are none."""
        self._random = random
        self._least_s = shared_cost_s * (1.0 / SHARED_BUDGET - 1.0)
        self._failures = 0
        self._answered = False

    @property
    def open(self) -> bool:
        return self._failures > TOLERATED

    @property
    def state(self) -> ConnectionState:
        if self.open:
            return ConnectionState.BACKING_OFF
        if self._failures:
            return ConnectionState.UNSTEADY
        return ConnectionState.CONNECTED if self._answered else ConnectionState.CONNECTING

    def success(self) -> None:
        self._failures, self._answered = 0, True

    def failure(self) -> None:
        self._failures += 1

    def trip(self) -> None:
        """The device answered, but must not be used: no tolerance."""
        self._failures = max(self._failures + 1, TOLERATED + 1)

    def wait_s(self) -> float:
        """Before the next try: nothing after a tolerated failure, then doubling, +-20 %, never above the budget of a
        shared line."""
        if not self.open:
            return 0.0
        doubled = FIRST_WAIT_S * 2.0 ** min(self._failures - TOLERATED - 1, 16)
        return max(min(doubled, LONGEST_WAIT_S), self._least_s) * (0.8 + 0.4 * self._random())
