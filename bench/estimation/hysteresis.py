"""The hysteresis that is added to the truth of LFP: two elements of different pace, their height varying with SOC.

It is not the filter's model (one element of constant pace), so the filter must live with an error of form.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FAST_PER_SOC = 60.0
SLOW_PER_SOC = 12.0
FAST_SHARE = 0.6

Floats = NDArray[np.float64]


def hysteresis_v(soc: Floats, height_v: float) -> Floats:
    """Voltage above (after charge) or below (after discharge) the mean branch, for SOC 0..1 sampled in time.

    A cell that begins near full was charged before, one near empty discharged, one between stands between.
    """
    fast = slow = min(1.0, max(-1.0, 3.0 * (float(soc[0]) - 0.5)))
    voltage = np.empty_like(soc)
    moved = np.diff(soc, prepend=soc[0])
    for number, change in enumerate(moved):
        towards = math.copysign(1.0, change)
        fast += (towards - fast) * -math.expm1(-FAST_PER_SOC * abs(change))
        slow += (towards - slow) * -math.expm1(-SLOW_PER_SOC * abs(change))
        voltage[number] = FAST_SHARE * fast + (1.0 - FAST_SHARE) * slow
    return height_v * (0.75 + 0.5 * np.sin(math.pi * np.clip(soc, 0.0, 1.0))) * voltage
