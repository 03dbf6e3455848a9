"""Registers taken out the wrong way: word order, signedness."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simems_edge.commissioning.apparent import apparent_factor, corrected_factor
from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.record import Floats
from simems_edge.commissioning.verdict import Check, Verdict, fault, not_tested, ok

MEASURING: Final = frozenset({"meter", "ess", "pv", "evcs", "load", "hybrid"})
SCALES: Final = (1.0, 0.1, 0.01, 0.001, 10.0, 100.0, 1000.0)
LARGEST_OF_OTHERS: Final = 1e4
_LOOKED_AT: Final = (
    "active_power_w", "voltage_v", "voltage_v_l1", "frequency_hz", "max_discharge_power_w", "max_charge_power_w",
)  # fmt: skip
_TINY_W: Final = 1e-3
"""A float below is what swapped words look like; a real power is 0 or larger."""
CORRECTED: Final = (0.6, 1.2)
"""Times voltage and current: a power that was read right (polled at another moment)."""
SCALED: Final = 0.08
"""So near a power of ten (in log10) a factor is one of scale."""
_MOST: Final = 0.9


def _measuring(evidence: Evidence) -> Iterator[tuple[Device, Floats]]:
    for device in evidence.equipment.devices.values():
        if device.kind in MEASURING and "active_power_w" in device.channels:
            yield device, evidence.record.seen(device.power)


# ---- word order


def _word_order(evidence: Evidence) -> Iterator[Verdict]:
    for device, values in _measuring(evidence):
        found = next((one for name in _LOOKED_AT if (one := _mixed_up(evidence, device, name)) is not None), None)
        if found is not None:
            yield found
        elif len(values):
            yield ok(device.id, f"powers of {values.min():.0f} to {values.max():.0f} W")
        else:
            yield not_tested(device.id, "no active power was read")


def _mixed_up(evidence: Evidence, device: Device, name: str) -> Verdict | None:
    """Impossible as it is read, possible with the words of each number exchanged."""
    values = evidence.record.seen(device.address(name))
    largest = 10.0 * evidence.largest_w(device) if name.endswith("_w") else LARGEST_OF_OTHERS
    if not len(values) or (absurd := float(np.mean(~_possible(values, largest)))) < 0.5:
        return None
    swapped = _swapped_back(values, largest)
    if swapped is None:
        return None
    kind, share, example = swapped
    text = (
        f"{100 * absurd:.0f} % of the values of {name} are impossible (such as {values[0]:.4g}); with the two words of "
        f"each {kind} exchanged {100 * share:.0f} % of them are possible (such as {example:.5g})"
    )
    figures = {"impossible_pct": 100 * absurd, "possible_when_swapped_pct": 100 * share}
    return fault(device.id, text, min(share, 0.99), **figures)


def _possible(values: Floats, largest_w: float) -> np.ndarray:
    size = np.abs(values)
    possible: np.ndarray = (size <= largest_w) & ((size >= _TINY_W) | (size == 0.0))
    return possible


def _swapped_back(values: Floats, largest_w: float) -> tuple[str, float, float] | None:
    """Kind of number, share of possible values and an example when the words are exchanged; None: never possible."""
    tries = [("float", _exchange(values, ">f"))]
    tries += [(f"integer (times {s:g})", s * _exchange(values / s, ">i")) for s in SCALES]
    found = [(name, float(np.mean(_possible(back, largest_w))), back) for name, back in tries if len(back)]
    found = [one for one in found if float(np.median(np.abs(one[2]))) >= 1.0]
    name, share, back = max(found, key=lambda one: one[1], default=("", 0.0, values))
    return (name, share, float(np.median(back))) if share >= _MOST else None


def _exchange(values: Floats, layout: str) -> Floats:
    """Empty when these cannot be such numbers."""
    if layout == ">i" and not (np.abs(values) < 2**31).all():
        return np.empty(0)
    if layout == ">i" and np.abs(values - np.round(values)).max() > 1e-3:
        return np.empty(0)
    if layout == ">f" and np.abs(values).max() > 3.4e38:
        return np.empty(0)
    return np.array([_exchanged(value, layout) for value in values[:: max(len(values) // 500, 1)]])


def _exchanged(value: float, layout: str) -> float:
    data = struct.pack(layout, value if layout == ">f" else round(value))
    found: float = struct.unpack(layout, data[2:] + data[:2])[0]
    return found


# ---- signedness


def _unsigned(evidence: Evidence) -> Iterator[Verdict]:
    for device, values in _measuring(evidence):
        if not len(values):
            yield not_tested(device.id, "no active power was read")
            continue
        turn_w = _turned_round(evidence, device, values) or _against_setpoint(evidence, device)
        if turn_w is not None:
            shown = float(values.max())
            yield fault(
                device.id,
                f"shows {shown:.0f} W where {shown - turn_w:.0f} W would be: a negative number of "
                f"{'16' if turn_w / 2**16 in SCALES else '32'} bits, read as unsigned",
                0.97,
                shown_w=shown,
                would_be_w=shown - turn_w,
            )
        elif (values < 0.0).any():
            yield ok(device.id, f"negative powers are read ({values.min():.0f} W)", least_w=float(values.min()))
        else:
            yield not_tested(device.id, "its power was never negative")


def _turned_round(evidence: Evidence, device: Device, values: Floats) -> float | None:
    """What is impossible by size, unless it is a matter of scale: so many times voltage and current."""
    turn_w = _turn(values, evidence.largest_w(device))
    if turn_w is None:
        return None
    absurd = evidence.record.values[device.power] > evidence.largest_w(device)
    if _asked_to_discharge(evidence, device, absurd) or _scaled(evidence, device, absurd, turn_w):
        return None
    return turn_w


def _scaled(evidence: Evidence, device: Device, absurd: NDArray[np.bool_], turn_w: float) -> bool:
    """So many times voltage and current by a power of ten, and not equal to them when the turn is taken off."""
    right = corrected_factor(evidence, device, absurd, turn_w)
    factor = apparent_factor(evidence, device, absurd)
    if factor is None or not 0.0 < factor < math.inf or (right is not None and CORRECTED[0] < right < CORRECTED[1]):
        return False
    return abs(math.log10(factor) - round(math.log10(factor))) < SCALED


def _asked_to_discharge(evidence: Evidence, device: Device, absurd: NDArray[np.bool_]) -> bool:
    """Whether the impossible powers of a battery came when it was asked to discharge."""
    if device not in evidence.tested():
        return False
    window = evidence.window(device)
    asked_w, inside = evidence.setpoint(device, window), absurd[window]
    discharging = asked_w > 0.5 * float(asked_w.max())
    return bool(inside.any()) and float(np.mean(discharging[inside])) > 0.5


def _turn(values: Floats, largest_w: float) -> float | None:
    """What must be taken from the impossible values; None when they are none, or no such number explains all."""
    absurd = values[values > largest_w]
    for turn_w in (2**bits * scale for bits in (16, 32) for scale in SCALES):
        if len(absurd) and ((absurd - turn_w < 0.0) & (absurd - turn_w >= -largest_w)).all():
            return turn_w
    return None


def _against_setpoint(evidence: Evidence, device: Device) -> float | None:
    """A battery that is asked to charge and shows the turn of its register instead."""
    if device not in evidence.tested():
        return None
    window = evidence.window(device)
    asked_w, shown_w = evidence.setpoint(device, window), evidence.record.values[device.power][window]
    charging = asked_w <= 0.9 * asked_w.min()
    if asked_w.min() >= 0.0 or not np.isfinite(shown_w[charging]).any():
        return None
    apart_w = float(np.nanmedian((shown_w - asked_w)[charging]))
    # Half of what the register holds must be enough for the battery's rating.
    least_w = evidence.rated_w(device)
    turns = [turn for bits in (16, 32) for scale in SCALES if (turn := 2**bits * scale) >= least_w]
    return next((turn for turn in turns if abs(apart_w - turn) < 0.3 * abs(asked_w.min())), None)


_ANY_POWER: Final = frozenset(
    {
        "signed_read_as_unsigned", "kw_taken_for_w", "w_taken_for_kw", "scale_factor_ignored", "frequency_scale_wrong",
        "phase_missing", "ct_ratio_wrong", "grid_ct_reversed", "grid_ct_reversed_one_phase", "phases_swapped",
        "pv_meter_reversed", "battery_sign_inverted", "battery_ignores_setpoints", "meter_late", "own_control_loop",
        "unit_answered_by_another", "meter_frozen", "energy_runs_back", "rating_lower", "soc_as_fraction",
    }
)  # fmt: skip
CHECKS: Final = (
    Check(
        "word_order_wrong",
        "Words of its numbers in the wrong order",
        "Set word_order of the profile's registers to the other one (big: high word first), or take the profile that "
        "is made for this device.",
        _word_order,
        unsafe=True,
        hides=_ANY_POWER,
    ),
    Check(
        "signed_read_as_unsigned",
        "Signed number read as unsigned",
        "Set the type of the register in the profile to int16 or int32, or take the profile that is made for this "
        "device.",
        _unsigned,
        unsafe=True,
        hides=_ANY_POWER - {"signed_read_as_unsigned", "frequency_scale_wrong", "energy_runs_back", "soc_as_fraction"},
    ),
)
