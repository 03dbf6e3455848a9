"""Powers a thousand or ten times too large or small.

First by the device itself: its power against its own voltage times current. Then by pulses: a battery's power against
its setpoint, the grid meter against the battery. A factor that is a power of ten is a matter of units; every other
factor, and one that voltage and current share, is the current transformers' (``ct_ratio_wrong``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from simems_edge.commissioning.apparent import apparent_factor
from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.verdict import Check, Run, Verdict, fault, not_tested, ok

DECADE: Final = 0.08
"""So near a power of ten (in log10) a factor counts as one: 17 %."""
MOST_DECADES: Final = 300
"""More is no number any more."""
KILO: Final = 3


def factor_of(evidence: Evidence, device: Device) -> tuple[float, str] | None:
    """Shown over true power, and how that is known; None: it is not."""
    own = apparent_factor(evidence, device)
    if own is not None:
        return own, f"its power is {own:.3g} times what its voltages and currents make"
    if device.kind == "ess" and device in evidence.tested() and evidence.own(device).moved:
        gain = abs(evidence.own(device).gain)
        return gain, f"its power moves by {gain:.3g} W for each W of its setpoint"
    if device.id == evidence.equipment.grid:
        return _by_pulses(evidence) or _by_size(evidence, device)
    return _by_size(evidence, device)


def _by_pulses(evidence: Evidence) -> tuple[float, str] | None:
    for battery in evidence.tested():
        answer = evidence.on_grid(battery, "active_power_w")
        if evidence.moves(battery) and answer.moved:
            return abs(answer.gain), f"it shows {abs(answer.gain):.3g} W for each W of {battery.id}"
    return None


def _by_size(evidence: Evidence, device: Device) -> tuple[float, str] | None:
    """Powers that the connection could never carry."""
    size_w = float(np.median(np.abs(evidence.at_rest(device.power)))) if len(evidence.at_rest(device.power)) else 0.0
    most_w = evidence.largest_w(device)
    if size_w <= 10.0 * most_w:
        return None
    decades = math.log10(min(size_w, 10.0**MOST_DECADES)) - math.log10(max(most_w, 1.0))
    factor = 10.0 ** max(math.ceil(decades), KILO)
    return factor, f"it shows {size_w:.3g} W, more than {most_w:.3g} W cannot be there"


def _decade(factor: float) -> int | None:
    """Power of ten; None when it is none (0 for a factor of about 1)."""
    if not 0.0 < factor < math.inf:
        return None
    exponent = math.log10(factor)
    return round(exponent) if abs(exponent - round(exponent)) <= DECADE else None


def _scaled(wanted: frozenset[int]) -> Run:
    def run(evidence: Evidence) -> Iterator[Verdict]:
        for device in evidence.equipment.devices.values():
            if "active_power_w" not in device.channels or device.kind not in {"meter", "ess", "pv", "evcs"}:
                continue
            found = factor_of(evidence, device)
            decade = None if found is None else _decade(found[0])
            if found is None:
                yield not_tested(device.id, "it shows no voltage and current with enough power, and was not pulsed")
            elif decade in wanted and decade is not None:
                off = abs(math.log10(found[0]) - decade)
                text = f"{found[1]}: a factor of {10.0**decade:g}"
                yield fault(device.id, text, 0.99 - off, factor=found[0])
            elif decade is not None:
                yield ok(device.id, found[1], factor=found[0])
            else:
                yield ok(device.id, f"{found[1]}: no matter of units", factor=found[0])

    return run


_HIDES: Final = frozenset(
    {
        "ct_ratio_wrong", "rating_lower", "battery_ignores_setpoints", "own_control_loop", "grid_ct_reversed_one_phase",
        "phases_swapped", "phase_missing", "pv_meter_reversed",
    }
)  # fmt: skip
_REMEDY: Final = "Correct the scale of its power in the profile, or take the profile that is made for this device."
CHECKS: Final = (
    Check("kw_taken_for_w", "kW taken for W", _REMEDY, _scaled(frozenset({-KILO})), unsafe=True, hides=_HIDES),
    Check("w_taken_for_kw", "W taken for kW", _REMEDY, _scaled(frozenset({KILO})), unsafe=True, hides=_HIDES),
    Check(
        "scale_factor_ignored",
        "Scale factor ignored",
        "Read the scale factor of the device with its power (SunSpec: the point that ends in _SF), or set the scale in "
        "the profile to what the device's document says.",
        _scaled(frozenset({-6, -5, -4, -2, -1, 1, 2, 4, 5, 6})),
        unsafe=True,
        hides=_HIDES,
    ),
)
