"""Latest setpoints by address, given by the cycle's side, taken by the bridge's side. Thread-safe, latest wins."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

LIFETIME_S: Final = 5.0
"""A setpoint that nobody repeated for this long is no longer refreshed: the device's own watchdog then ends it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    value: float
    given_s: float


class SetpointStore:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[str, Wanted] = {}

    def give(self, address: str, value: float, now_s: float) -> bool:
        """Whether it is another value than before."""
        with self._lock:
            before = self._wanted.get(address)
            self._wanted[address] = Wanted(value, now_s)
        return before is None or before.value != value

    def alive(self, address: str, now_s: float) -> float | None:
        """The setpoint to hold now; None when there is none or it was not repeated in time."""
        with self._lock:
            wanted = self._wanted.get(address)
        if wanted is None or now_s - wanted.given_s > LIFETIME_S:
            return None
        return wanted.value
