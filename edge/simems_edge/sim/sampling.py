"""How a device shows a value: sampled at its interval, shown after its delay, with noise and a clock error."""

from __future__ import annotations

import math
from collections import deque
from random import Random
from typing import Final

from simems_edge.config import SimulatedDevice

Sample = tuple[float, tuple[float, ...]]
"""(time of the sample as the device's clock tells it, values)."""
_EPSILON_S: Final = 1e-9


class Sampler:
    """Keeps what was sampled until its delay is over, then shows it until the next one."""

    def __init__(self, settings: SimulatedDevice, random: Random) -> None:
        self._interval_s = settings.interval_s
        self._delay_s = settings.delay_s
        self._error_s = settings.timestamp_error_s
        self._noise_w = settings.noise_w
        self._gauss = random.gauss
        self._due_s = -math.inf
        self._waiting: deque[Sample] = deque()
        self._shown: Sample | None = None

    def due(self, time_s: float) -> bool:
        return time_s >= self._due_s - _EPSILON_S

    def noise(self) -> float:
        return self._gauss(0.0, self._noise_w) if self._noise_w > 0.0 else 0.0

    def sample(self, time_s: float, values: tuple[float, ...]) -> None:
        if self._interval_s > 0.0:
            self._due_s = (math.floor(time_s / self._interval_s + _EPSILON_S) + 1.0) * self._interval_s
        if self._delay_s <= 0.0:
            self._shown = (time_s, values)
            return
        self._waiting.append((time_s, values))
        while len(self._waiting) > 1 and self._waiting[1][0] <= time_s - self._delay_s + _EPSILON_S:
            self._waiting.popleft()

    def shown(self, time_s: float) -> Sample | None:
        """What the device shows now; None before its first value. Its time carries the device's clock error."""
        while self._waiting and self._waiting[0][0] <= time_s - self._delay_s + _EPSILON_S:
            self._shown = self._waiting.popleft()
        if self._shown is None:
            return None
        sampled_s, values = self._shown
        return sampled_s + self._error_s, values
