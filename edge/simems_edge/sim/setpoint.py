"""A setpoint as a device takes it: after its dead time, outside its deadband, until its watchdog forgets it."""

from __future__ import annotations

import math
from collections import deque


class Setpoint:
    """Written by the EMS at any time, stepped with the device."""

    def __init__(self, *, watchdog_s: float = math.inf, dead_time_s: float = 0.0, deadband: float = 0.0) -> None:
        self._watchdog_s = watchdog_s
        self._dead_time_s = dead_time_s
        self._deadband = deadband
        self._time_s = 0.0
        self._age_s = math.inf
        self._written: float | None = None
        self._coming: deque[tuple[float, float]] = deque()
        self._value = 0.0

    @property
    def alive(self) -> bool:
        """One came within the watchdog's time."""
        return self._age_s <= self._watchdog_s and self._written is not None

    @property
    def value(self) -> float | None:
        """What the device acts on now; None: nobody commands it."""
        return self._value if self.alive else None

    def write(self, value: float) -> None:
        """Follow this from now on. Raises ValueError unless it is finite."""
        if not math.isfinite(value):
            raise ValueError(f"a device cannot follow {value}")
        if not self.alive:
            self._value, self._written = 0.0, None
        self._age_s = 0.0
        if self._written is not None and abs(value - self._written) <= self._deadband and value != 0.0:
            return
        self._written = value
        if self._dead_time_s <= 0.0:
            self._value = value
        else:
            self._coming.append((self._time_s + self._dead_time_s, value))

    def release(self) -> None:
        """It was withdrawn."""
        self._age_s = math.inf
        self._written = None
        self._coming.clear()

    def step(self, dt_s: float) -> None:
        """Time passes; what waited long enough begins to act."""
        self._age_s += dt_s
        self._time_s += dt_s
        while self._coming and self._coming[0][0] <= self._time_s + 1e-9:
            self._value = self._coming.popleft()[1]
