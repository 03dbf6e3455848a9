"""What the sensors of a battery make of the truth, and what can happen to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.estimation.dfn import Floats, Truth

GAIN_ERROR = 0.01
OFFSET_C_RATE = 0.005
NOISE_V = 0.005
FAULTS = ("none", "gaps", "stuck voltage", "capacity +5 %")


@dataclass(frozen=True)
class Measured:
    """Columns as the estimator takes them; NaN where nothing was measured."""

    time_s: Floats
    current_a: Floats
    voltage_v: Floats
    temperature_degc: Floats


def measure(truth: Truth, temperature_degc: float, seed: int, sign: float = 1.0) -> Measured:
    """Gain error 1 %, offset 0.5 % of 1C (both with this sign), 5 mV of noise."""
    noise = np.random.default_rng(seed).normal(0.0, NOISE_V, truth.voltage_v.size)
    return Measured(
        np.arange(truth.soc.size, dtype=float),
        (1.0 + sign * GAIN_ERROR) * truth.current_a + sign * OFFSET_C_RATE * truth.capacity_ah,
        truth.voltage_v + noise,
        np.full(truth.soc.size, temperature_degc),
    )


def with_fault(measured: Measured, fault: str) -> Measured:
    """``gaps``: 10 minutes without current and voltage every 3 h, and an hour without rows; ``stuck voltage``: the same
    voltage for 30 minutes every 4 h."""
    if fault == "gaps":
        return _without_rows(_blanked(measured), 7 * 3600, 8 * 3600)
    if fault == "stuck voltage":
        voltage = measured.voltage_v.copy()
        for start in range(2 * 3600, voltage.size, 4 * 3600):
            voltage[start : start + 1800] = voltage[start]
        return replace(measured, voltage_v=voltage)
    return measured


def _blanked(measured: Measured) -> Measured:
    current, voltage = measured.current_a.copy(), measured.voltage_v.copy()
    for start in range(3 * 3600, voltage.size, 3 * 3600):
        current[start : start + 600] = voltage[start : start + 600] = np.nan
    return replace(measured, current_a=current, voltage_v=voltage)


def _without_rows(measured: Measured, start: int, end: int) -> Measured:
    keep = np.ones(measured.time_s.size, dtype=bool)
    keep[start:end] = False
    return Measured(
        measured.time_s[keep],
        measured.current_a[keep],
        measured.voltage_v[keep],
        measured.temperature_degc[keep],
    )
