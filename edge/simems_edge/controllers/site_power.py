"""What the site draws without its battery, from a meter whose delay nobody knows exactly.

The meter's value that arrives at ``t`` was true at ``t - d``, ``d`` anywhere in ``[0, delay_max_s]``. Site power is
``S = grid(t - d) + ess(t - d)``, so ``S`` lies in the interval ``grid + [min ess, max ess]`` over that window. The
estimate moves only as far as the interval forces it (a set-membership filter). Two properties follow for every delay
up to ``delay_max_s``, every battery speed and every update interval:

- the battery at rest makes the interval a point, so a new load is seen in full with the first sample;
- our own battery's movement never looks like a change of load: with constant load the error never grows, so the loop
  cannot oscillate. While the battery moves, a further change of load may be seen up to ``delay_max_s`` late.
"""

from __future__ import annotations

from collections import deque

_NS = 1e9
_ARRIVED_W = 100.0
_ARRIVED_SHARE = 0.02


class SitePowerEstimate:
    """Powers in W (grid import > 0, battery discharge > 0), times in monotonic nanoseconds."""

    def __init__(self, *, delay_max_s: float, repeat_max_s: float, settle_s: float) -> None:
        """``repeat_max_s``: an unchanged reading counts as the meter's old one for so long (slow registers);
        ``settle_s``: for so long after a new setpoint the battery may stand anywhere on its way to it."""
        self._window_ns = round(delay_max_s * _NS)
        self._repeat_ns = round(repeat_max_s * _NS)
        self._settle_ns = round(settle_s * _NS)
        self._readings: deque[tuple[int, float]] = deque()
        self._commands: deque[tuple[int, float]] = deque()
        self._setpoint_w: float | None = None
        self._reading: tuple[int, float] | None = None
        self.value_w: float | None = None

    def reset(self) -> None:
        """Forget everything (an input was lost): the next sample starts afresh."""
        self._readings.clear()
        self._commands.clear()
        self._setpoint_w = None
        self._reading = None
        self.value_w = None

    def battery(self, time_ns: int, power_w: float) -> None:
        """A new reading of the battery. Once it has arrived at its setpoint, the way there is over."""
        if self._setpoint_w is not None and _arrived(power_w, self._setpoint_w):
            self._commands.clear()
        self._readings.append((time_ns, power_w))
        self._forget(time_ns)

    def command(self, time_ns: int, setpoint_w: float) -> None:
        """The setpoint that stands: from its change on, the battery may already be there."""
        if setpoint_w == self._setpoint_w:
            return
        if self._setpoint_w is not None:
            self._commands.append((time_ns, setpoint_w))
        self._setpoint_w = setpoint_w

    def meter(self, time_ns: int, grid_w: float) -> None:
        """A new reading of the meter."""
        if not self._readings or self._repeats(time_ns, grid_w):
            return
        self._reading = (time_ns, grid_w)
        self._forget(time_ns)
        low_w, high_w = self._interval_w(grid_w)
        last_w = self.value_w if self.value_w is not None else grid_w + self._readings[-1][1]
        self.value_w = min(max(last_w, low_w), high_w)

    def _interval_w(self, grid_w: float) -> tuple[float, float]:
        powers = [power for _, power in self._readings]
        powers.extend(power for _, power in self._commands)
        return grid_w + min(powers), grid_w + max(powers)

    def _repeats(self, time_ns: int, grid_w: float) -> bool:
        if self._reading is None or grid_w != self._reading[1]:
            return False
        return time_ns - self._reading[0] < self._repeat_ns

    def _forget(self, now_ns: int) -> None:
        """Drop what is older than the window, but keep the reading that held at its start."""
        while len(self._readings) > 1 and self._readings[1][0] <= now_ns - self._window_ns:
            self._readings.popleft()
        while self._commands and self._commands[0][0] < now_ns - self._settle_ns:
            self._commands.popleft()


def _arrived(power_w: float, setpoint_w: float) -> bool:
    return abs(power_w - setpoint_w) <= _ARRIVED_W + _ARRIVED_SHARE * abs(setpoint_w)
