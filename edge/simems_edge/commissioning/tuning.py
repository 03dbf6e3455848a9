"""What the loops on the grid meter should know of it and of the batteries: measured, with room. Pure.

The loops' settings are the longest times they allow for, so each suggestion is the measured time plus a margin: half of
it and a little more for what one afternoon does not show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.plan import CHIP_S
from simems_edge.commissioning.signals import Dynamics, dynamics, step_noise

MARGIN: Final = 1.5
EXTRA_S: Final = 0.3
DEADBAND_TIMES: Final = 3.0
SETTLED_CONSTANTS: Final = 4.0
"""After so many time constants 98 % of a step is there."""
LEAST_DEADBAND_W: Final = 20.0


@dataclass(frozen=True)
class Actuator:
    """How one battery answers."""

    battery: str
    dynamics: Dynamics
    phases: tuple[int, ...]
    """On which the grid meter sees it; empty when it does not show its phases."""


def actuators(evidence: Evidence) -> list[Actuator]:
    """Of each battery whose pulses were answered."""
    found = []
    for battery in evidence.tested():
        measured = measure(evidence, battery)
        if measured is not None and evidence.own(battery).moved:
            found.append(Actuator(battery.id, measured, _phases(evidence, battery)))
    return found


def measure(evidence: Evidence, battery: Device) -> Dynamics | None:
    """From its small pulses."""
    window = evidence.record.during(evidence.stage(battery))
    power_w = evidence.record.values[battery.power][window]
    return dynamics(evidence.setpoint(battery, window), power_w, evidence.cycle_s, CHIP_S[0])


def _phases(evidence: Evidence, battery: Device) -> tuple[int, ...]:
    gains = evidence.phase_gains(battery) or ()
    return tuple(n for n, gain in enumerate(gains, start=1) if math.isfinite(gain) and abs(gain) > 0.2)


def suggested(evidence: Evidence) -> Mapping[str, float]:
    """Settings of every loop on the grid meter; empty when meter or batteries could not be measured."""
    meter, measured = evidence.equipment.meter, actuators(evidence)
    answers = [r for b in evidence.tested() if (r := evidence.on_grid(b, "active_power_w")).moved]
    if meter is None or not measured or not answers:
        return {}
    lag_s = max(answer.lag_s for answer in answers)
    interval_s = evidence.meter_interval_s
    settle_s = max(a.dynamics.dead_time_s + SETTLED_CONSTANTS * a.dynamics.time_constant_s for a in measured)
    quick = evidence.record.values[meter.power][evidence.reading]
    noise_w = step_noise(quick, evidence.cycle_s, max(interval_s, evidence.cycle_s))
    return {
        "meter_delay_max_s": _up(MARGIN * lag_s + EXTRA_S, 0.1),
        "meter_repeat_max_s": _up(MARGIN * _longest_repeat_s(evidence) + EXTRA_S, 0.1),
        "battery_settle_s": _up(MARGIN * settle_s + EXTRA_S, 0.1),
        "deadband_w": _up(max(DEADBAND_TIMES * noise_w, LEAST_DEADBAND_W), 10.0),
    }


def _longest_repeat_s(evidence: Evidence) -> float:
    """99 of 100 values of the meter stand no longer."""
    meter = evidence.equipment.meter
    if meter is None:
        return 0.0
    values = evidence.record.values[meter.power]
    new = np.flatnonzero(np.diff(values) != 0.0)
    return float(np.percentile(np.diff(new), 99)) * evidence.cycle_s if len(new) > 10 else 0.0


def _up(value: float, step: float) -> float:
    return round(math.ceil(round(value / step, 6)) * step, 3)
