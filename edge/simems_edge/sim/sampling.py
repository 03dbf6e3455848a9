"""How a device shows a value: sampled at its interval, shown after its delay, with noise, steps and a clock error."""

from __future__ import annotations

import math
from collections import deque
from random import Random
from typing import Final

from simems_edge.config import SimulatedDevice, SimulatedDropouts
from simems_edge.sim.electrical import Sample

Timed = tuple[float, Sample]
"""(time of the sample as the device's clock tells it, values)."""
_EPSILON_S: Final = 1e-9


class Dropouts:
    """Random stretches without a new value; the same for the same seed, whoever asks when."""

    def __init__(self, settings: SimulatedDropouts, random: Random) -> None:
        self.show = settings.show
        self._rate = 1.0 / settings.mean_interval_s
        self._duration_s = settings.duration_s
        self._random = random
        self._begins_s = random.expovariate(self._rate)

    def now(self, time_s: float) -> bool:
        """``time_s`` never goes back."""
        while time_s >= self._begins_s + self._duration_s:
            self._begins_s += self._duration_s + self._random.expovariate(self._rate)
        return time_s >= self._begins_s


class Sampler:
    """Keeps what was sampled until its delay is over, then shows it until the next one."""

    def __init__(self, settings: SimulatedDevice, random: Random) -> None:
        self._interval_s = settings.interval_s
        self._delay_s = settings.delay_s
        self._error_s = settings.timestamp_error_s
        self._noise_w = settings.noise_w
        self._resolution_w = settings.resolution_w
        self._gauss = random.gauss
        self._due_s = -math.inf
        self._waiting: deque[Timed] = deque()
        self._shown: Timed | None = None
        self.dropouts = None
        if settings.dropouts is not None:
            self.dropouts = Dropouts(settings.dropouts, Random(random.random()))  # noqa: S311 - repeatable, no secret
        self.immediate = settings.delay_s <= 0.0 and settings.interval_s <= 0.0 and settings.dropouts is None
        """It shows what is true at the moment: sampled when somebody reads."""
        self.frozen = False
        """It shows for ever what it shows now."""

    def due(self, time_s: float) -> bool:
        return time_s >= self._due_s - _EPSILON_S

    def noisy(self, power_w: float) -> float:
        """As the device measures it."""
        if self._noise_w > 0.0:
            power_w += self._gauss(0.0, self._noise_w)
        if self._resolution_w > 0.0:
            power_w = round(power_w / self._resolution_w) * self._resolution_w
        return power_w

    def sample(self, time_s: float, values: Sample) -> None:
        if self._interval_s > 0.0:
            self._due_s = (math.floor(time_s / self._interval_s + _EPSILON_S) + 1.0) * self._interval_s
        if self.frozen or (self.dropouts is not None and self.dropouts.now(time_s)):
            return
        if self._delay_s <= 0.0:
            self._shown = (time_s, values)
            return
        self._waiting.append((time_s, values))
        while len(self._waiting) > 1 and self._waiting[1][0] <= time_s - self._delay_s + _EPSILON_S:
            self._waiting.popleft()

    def shown(self, time_s: float) -> Timed | None:
        """What the device shows now; None before its first value. Its time carries the device's clock error."""
        while self._waiting and not self.frozen and self._waiting[0][0] <= time_s - self._delay_s + _EPSILON_S:
            self._shown = self._waiting.popleft()
        if self._shown is None:
            return None
        sampled_s, values = self._shown
        return sampled_s + self._error_s, values

    def dropped(self, time_s: float) -> str | None:
        """How the device behaves in a drop-out of now: ``nothing``, ``last``, ``nan``; None: no drop-out."""
        if self.dropouts is None or not self.dropouts.now(time_s):
            return None
        return self.dropouts.show
