"""How often something that wears out may still be written. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

DAY_S: Final = 86_400.0


class WriteBudget:
    """At most ``daily`` writes in any 24 h. Counts from the bridge's start: a restart begins a new count."""

    def __init__(self, daily: int) -> None:
        self.daily = daily
        self._written_s: deque[float] = deque(maxlen=daily)

    def allows(self, now_s: float) -> bool:
        return len(self._written_s) < self.daily or now_s - self._written_s[0] >= DAY_S

    def spend(self, now_s: float) -> None:
        self._written_s.append(now_s)
