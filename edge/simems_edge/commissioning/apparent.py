"""A device's power against its own voltages and currents. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import PHASES, Evidence
from simems_edge.commissioning.record import Floats

LEAST_VA: Final = 200.0
LEAST: Final = 10
"""Cycles with enough current."""


def apparent_factor(evidence: Evidence, device: Device, only: NDArray[np.bool_] | None = None) -> float | None:
    """Apparent power from P and Q over that from voltage and current; None where it does not read them all. ``only``:
    in these cycles."""
    found = _by_phase(evidence, device) or _as_a_whole(evidence, device)
    return None if found is None else _ratio(*found, only)


def corrected_factor(evidence: Evidence, device: Device, only: NDArray[np.bool_], less_w: float) -> float | None:
    """The same, of its total power less ``less_w``, as if that were what it really gives."""
    found = _as_a_whole(evidence, device)
    if found is None:
        return None
    return _ratio(np.abs(evidence.record.values[device.power] - less_w), found[1], only)


def _ratio(shown: Floats, made: Floats, only: NDArray[np.bool_] | None) -> float | None:
    if only is not None:
        shown, made = shown[only], made[only]
    enough = made > max(LEAST_VA, 0.3 * float(np.nanmax(made, initial=0.0)))
    return float(np.nanmedian(shown[enough] / made[enough])) if int(enough.sum()) >= LEAST else None


def _by_phase(evidence: Evidence, device: Device) -> tuple[Floats, Floats] | None:
    """Apparent power as shown and as made by voltage and current."""
    parts = [_apparent(evidence, device, f"voltage_v_l{n}", f"_l{n}") for n in PHASES]
    known = [part for part in parts if part is not None]
    return None if len(known) < len(PHASES) else (sum(p[0] for p in known), sum(p[1] for p in known))  # type: ignore[return-value]


def _as_a_whole(evidence: Evidence, device: Device) -> tuple[Floats, Floats] | None:
    """With the mean voltage, or that of the first phase; its current is the sum of the phases'."""
    return _apparent(evidence, device, "voltage_v", "") or _apparent(evidence, device, "voltage_v_l1", "")


def _apparent(evidence: Evidence, device: Device, voltage: str, end: str) -> tuple[Floats, Floats] | None:
    record = evidence.record
    names = [
        device.address(n) for n in (f"active_power_w{end}", f"reactive_power_var{end}", voltage, f"current_a{end}")
    ]
    if not all(record.has(name) for name in names):
        return None
    active, reactive, volts, amperes = (record.values[name] for name in names)
    return np.hypot(active, reactive), volts * amperes
