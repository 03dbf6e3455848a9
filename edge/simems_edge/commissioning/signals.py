"""How one signal answers another: sign, gain, lag, and how sure that is. Pure.

Pulses stand in a pseudo-random pattern, so that what the site does by itself (load steps, clouds, cars) does not
resemble them. The lag is where the cross-correlation of the high-passed signals is largest; the gain is the median of
the ratios of steps (Theil 1950, Sen 1968), which a few foreign steps do not move; its uncertainty comes from their
median absolute deviation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from simems_edge.commissioning.record import Floats, span

LONGEST_LAG_S: Final = 15.0
WINDOW_S: Final = 1.6
"""Medians of so long stretches are compared."""
APART: Final = 4
"""With up to so many stretches after them."""
USUAL: Final = 0.9
"""Steps of half this quantile and more count: not a single large one that is left of what was before."""
LEAST_STEPS: Final = 12
BASELINE_S: Final = 40.0
"""Slower than this is the site's own drift."""
ROUNDS: Final = 3
"""Level and time constant each need the other."""
_MAD: Final = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution."""


@dataclass(frozen=True)
class Response:
    """Of ``y`` to ``x``. ``gain``: dy over dx; ``sigma``: its standard error; ``lag_s``: y after x."""

    gain: float
    sigma: float
    lag_s: float
    correlation: float
    steps: int

    @property
    def enough(self) -> bool:
        """Whether so many steps were seen that no answer is an answer too (three or four pulses)."""
        return self.steps >= LEAST_STEPS

    @property
    def moved(self) -> bool:
        """Whether y answers at all."""
        return self.steps > 0 and abs(self.correlation) >= 0.5 and abs(self.gain) > 3.0 * self.sigma

    def off(self, expected: float) -> float:
        """Distance from ``expected`` in standard errors."""
        return abs(self.gain - expected) / max(self.sigma, 1e-9 + 0.01 * abs(expected))


NOTHING: Final = Response(0.0, math.inf, 0.0, 0.0, 0)


def filled(values: Floats) -> Floats:
    """Gaps hold the value before them; leading ones 0."""
    good = np.isfinite(values)
    if good.all():
        return values
    last = np.maximum.accumulate(np.where(good, np.arange(len(values)), -1))
    return np.where(last >= 0, values[np.maximum(last, 0)], 0.0)


def high_passed(values: Floats, width: int) -> Floats:
    """Less the moving mean over ``width`` values around each."""
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    sums = np.cumsum(np.concatenate(([0.0], padded)))
    passed: Floats = values - (sums[width:] - sums[:-width]) / width
    return passed


def response(x: Floats, y: Floats, cycle_s: float, *, lag_s: float | None = None) -> Response:
    """Both of one stretch of time, cycle by cycle. ``lag_s``: known already."""
    x, y = filled(x), filled(y)
    width = min(max(round(BASELINE_S / cycle_s), 3), len(x))
    if len(x) < 8 or span(x) == 0.0:
        return NOTHING
    lag, correlation = _best_lag(high_passed(x, width), high_passed(y, width), cycle_s, lag_s)
    ratios = _ratios(x, y, lag, max(round(WINDOW_S / cycle_s), 1))
    if len(ratios) < 4:
        return NOTHING
    gain = float(np.median(ratios))
    deviation = _MAD * float(np.median(np.abs(ratios - gain)))
    return Response(gain, 1.25 * deviation / math.sqrt(len(ratios) / APART), lag * cycle_s, correlation, len(ratios))


def _best_lag(x: Floats, y: Floats, cycle_s: float, known_s: float | None) -> tuple[int, float]:
    longest = min(round(LONGEST_LAG_S / cycle_s), len(x) // 2)
    lags = range(longest + 1) if known_s is None else [min(round(known_s / cycle_s), longest)]
    found = [(abs(c), lag, c) for lag in lags if not math.isnan(c := _correlation(x[: len(x) - lag], y[lag:]))]
    if not found:
        return 0, 0.0
    # The earliest of equals: a plateau of the correlation begins where the answer does.
    _, lag, correlation = max(found, key=lambda one: (round(one[0], 4), -one[1]))
    return lag, correlation


def _correlation(x: Floats, y: Floats) -> float:
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale > 0.0 else math.nan


def _ratios(x: Floats, y: Floats, lag: int, window: int) -> Floats:
    count = (len(x) - lag) // window
    if count < 2:
        return np.empty(0)
    left = np.median(x[: count * window].reshape(count, window), axis=1)
    right = np.median(y[lag : lag + count * window].reshape(count, window), axis=1)
    steps = [(left[k:] - left[:-k], right[k:] - right[:-k]) for k in range(1, min(APART, count - 1) + 1)]
    dx = np.concatenate([one for one, _ in steps])
    dy = np.concatenate([one for _, one in steps])
    size = float(np.quantile(np.abs(dx), USUAL))
    large = np.abs(dx) >= 0.5 * size
    return dy[large] / dx[large] if size > 0.0 else np.empty(0)


def step_noise(values: Floats, cycle_s: float, apart_s: float) -> float:
    """Standard deviation of what the signal does by itself over ``apart_s``, in its unit."""
    values = filled(values)
    window, apart = max(round(WINDOW_S / cycle_s), 1), max(round(apart_s / cycle_s), 1)
    count = (len(values) - apart) // window
    if count < 3:
        return 0.0
    one = np.median(values[: count * window].reshape(count, window), axis=1)
    other = np.median(values[apart : apart + count * window].reshape(count, window), axis=1)
    return _MAD * float(np.median(np.abs(other - one)))


def confidence(z: float) -> float:
    """Of something ``z`` standard errors away; half of them are granted to what the model does not know."""
    return min(math.erf(z / (2.0 * math.sqrt(2.0))), 0.999) if math.isfinite(z) else 0.999


# ---- dynamics


@dataclass(frozen=True)
class Dynamics:
    """First order with dead time: 10 % of a step after ``dead_time_s`` + 0.1 ``time_constant_s``."""

    gain: float
    dead_time_s: float
    time_constant_s: float
    settle_s: float
    """From a setpoint until 95 % of the step is there."""
    steps: int


def dynamics(setpoint_w: Floats, power_w: Floats, cycle_s: float, hold_s: float) -> Dynamics | None:
    """From the median of all step answers, each brought to size 1; None without steps. ``hold_s``: shortest pulse."""
    found = _mean_of_steps(setpoint_w, power_w, cycle_s, hold_s)
    if found is None:
        return None
    mean, steps = found
    tail = max(len(mean) // 5, 1)
    seen, at_s = float(np.median(mean[-tail:])), (len(mean) - (tail + 1) / 2) * cycle_s
    if abs(seen) < 0.05:
        return None
    level, dead_s, constant_s = seen, 0.0, 0.0
    for _ in range(ROUNDS):
        reach = [_first(mean / level, share) * cycle_s for share in (0.1, 0.632)]
        constant_s = max((reach[1] - reach[0]) / 0.895, 0.0)
        dead_s = max(reach[0] - 0.105 * constant_s, 0.0)
        # A slow one is not there yet when the next pulse begins.
        level = seen / (1.0 - math.exp(-max(at_s - dead_s, cycle_s) / constant_s)) if constant_s else seen
    return Dynamics(level, dead_s, constant_s, dead_s + 3.0 * constant_s, steps)


def mean_step(setpoint_w: Floats, power_w: Floats, cycle_s: float, hold_s: float) -> Floats | None:
    """The answer itself, cycle by cycle from the step on."""
    found = _mean_of_steps(setpoint_w, power_w, cycle_s, hold_s)
    return None if found is None else found[0]


def _mean_of_steps(setpoint_w: Floats, power_w: Floats, cycle_s: float, hold_s: float) -> tuple[Floats, int] | None:
    setpoint_w, power_w = filled(setpoint_w), filled(power_w)
    length = max(round(hold_s / cycle_s), 3)
    answers = [one for n in _edges(setpoint_w, length) if (one := _answer(setpoint_w, power_w, n, length)) is not None]
    return (np.median(np.array(answers), axis=0), len(answers)) if len(answers) >= 2 else None


def _edges(setpoint_w: Floats, length: int) -> list[int]:
    """Where a step begins (a ramp counts from its first cycle) and the next is far enough."""
    moving = np.flatnonzero(np.diff(setpoint_w) != 0.0) + 1
    if not len(moving):
        return []
    begins = [int(n) for position, n in enumerate(moving) if position == 0 or n - moving[position - 1] > 2]
    ends = [*begins[1:], len(setpoint_w)]
    return [begin for begin, end in zip(begins, ends, strict=True) if end - begin >= length and begin > 0]


def _answer(setpoint_w: Floats, power_w: Floats, begin: int, length: int) -> Floats | None:
    step_w = float(setpoint_w[begin + length - 1] - setpoint_w[begin - 1])
    if abs(step_w) < 0.25 * span(setpoint_w):
        return None
    found: Floats = (power_w[begin : begin + length] - power_w[begin - 1]) / step_w
    return found


def _first(shape: Floats, share: float) -> float:
    """Cycles until the share is reached, between two cycles evenly."""
    above = np.flatnonzero(shape >= share)
    if not len(above):
        return float(len(shape))
    n = int(above[0])
    before = float(shape[n - 1]) if n else 0.0
    return max(n - 1, 0) + (share - before) / (float(shape[n]) - before) if shape[n] > before else float(n)
