"""Energy from a device's counting register: what it counted, by interval, whatever happened to it; pure.

A register only counts up, but it rolls over at its end, starts again when the device is reset or replaced, drops out
for a reading or two, and jitters backwards. No energy is invented: where a count is not to be trusted it adds nothing
and ``resets`` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simems_cloud.telemetry.columns import Floats, Whole
from simems_cloud.telemetry.rollup import QUARTER_US

LONGEST_HOLD_US = QUARTER_US
"""Between two readings further apart than this it is not known when the energy flowed: a gap."""
GLITCH_READINGS = 3
"""So many low readings before the old level is there again are a drop-out, not a reset."""
BACKWARDS = 0.99
"""A register that falls by less than a hundredth jitters: it counts on when it passes its old reading."""
NEAR_END, NEAR_START = 0.9, 0.1
"""Of the roll-over value: from the last tenth to the first one is a roll-over."""
HIGHEST_POWER_W = 1e8
"""A faster count is not energy but another register."""
HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Step:
    """What was counted between two readings."""

    since_us: int
    until_us: int
    energy_wh: float
    reset: bool = False

    @property
    def gap(self) -> bool:
        return self.until_us - self.since_us > LONGEST_HOLD_US


@dataclass(frozen=True)
class IntervalEnergy:
    """One entry per interval."""

    energy_wh: Floats
    gap_wh: Floats
    """The part of it that flowed at some time in a gap before."""
    resets: Whole


def steps(times_us: Sequence[int], values: Sequence[float], rollover: float = 0.0) -> list[Step]:
    """Between neighbouring readings in order of time. ``rollover``: where the register starts again; 0: not known."""
    kept = [index for index in range(len(values)) if not (_dropped_out(values, index) or _spiked(values, index))]
    found: list[Step] = []
    if not kept:
        return found
    before_us, before = times_us[kept[0]], values[kept[0]]
    for index in kept[1:]:
        time_us, value = times_us[index], values[index]
        step = _step(before_us, before, time_us, value, rollover)
        found.append(step)
        held = value < before and not step.reset and step.energy_wh == 0
        before_us, before = time_us, (before if held else value)
    return found


def _step(since_us: int, before: float, until_us: int, value: float, rollover: float) -> Step:
    counted = value - before
    if value < before:
        if rollover and before >= NEAR_END * rollover and value <= NEAR_START * rollover:
            counted = rollover - before + value
        elif before > 0 and value >= BACKWARDS * before:
            return Step(since_us, until_us, 0.0)
        else:
            return Step(since_us, until_us, 0.0, reset=True)
    if counted * HOUR_US > HIGHEST_POWER_W * max(until_us - since_us, 1):
        return Step(since_us, until_us, 0.0, reset=True)
    return Step(since_us, until_us, counted)


def _dropped_out(values: Sequence[float], index: int) -> bool:
    """Lower than some reading shortly before, and that level comes back shortly after."""
    for earlier in range(max(0, index - GLITCH_READINGS), index):
        level = values[earlier]
        low = all(values[i] < BACKWARDS * level for i in range(earlier + 1, index + 1))
        later = values[index + 1 : earlier + GLITCH_READINGS + 2]
        if low and any(value >= level for value in later):
            return True
    return False


def _spiked(values: Sequence[float], index: int) -> bool:
    """Higher than both neighbours, of which the later is not lower than the earlier."""
    return 0 < index < len(values) - 1 and values[index - 1] <= values[index + 1] < values[index]


def by_interval(counted: Sequence[Step], starts_us: Whole) -> IntervalEnergy:
    """``starts_us``: rising; an interval lasts until the next one starts, the last one for ever. What was counted
    across a border is shared by time, but for a gap, which goes to the interval of its later reading."""
    size = len(starts_us)
    result = IntervalEnergy(np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int64))
    for step in counted:
        last = int(np.searchsorted(starts_us, step.until_us, side="left")) - 1
        if step.gap or step.reset:
            last = int(np.searchsorted(starts_us, step.until_us, side="right")) - 1
        if last < 0:
            continue
        if step.reset:
            result.resets[last] += 1
        elif step.gap:
            result.energy_wh[last] += step.energy_wh
            result.gap_wh[last] += step.energy_wh
        else:
            _share(step, starts_us, last, result.energy_wh)
    return result


def _share(step: Step, starts_us: Whole, last: int, energy_wh: Floats) -> None:
    until_us, length_us = step.until_us, step.until_us - step.since_us
    for index in range(last, -1, -1):
        from_us = max(int(starts_us[index]), step.since_us)
        energy_wh[index] += step.energy_wh * (until_us - from_us) / length_us
        if from_us <= step.since_us:
            return
        until_us = from_us
