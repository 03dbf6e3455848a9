"""Who answers: two components that are one device, a meter that measures another circuit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Final

import numpy as np

from simems_edge.commissioning.checks.registers import MEASURING
from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.record import span
from simems_edge.commissioning.signals import confidence, filled
from simems_edge.commissioning.verdict import Check, Verdict, fault, not_tested, ok

DISTINCT: Final = 8
"""So many different values must be seen before equality says anything."""
ALIKE: Final = 0.15
"""Two readings of one device, polled at different moments, differ by less than this share of how much they move, ..."""
EQUAL: Final = 0.2
"""... and at least this share of them is equal to the last digit."""


def _other_unit(evidence: Evidence) -> Iterator[Verdict]:
    """Same line, another unit number, the same values: a gateway that does not look at the unit."""
    yield from _twins(evidence, same_line=True)
    yield from _other_circuit(evidence)


def _twice(evidence: Evidence) -> Iterator[Verdict]:
    yield from _twins(evidence, same_line=False)


def _twins(evidence: Evidence, *, same_line: bool) -> Iterator[Verdict]:
    devices = [one for one in evidence.equipment.devices.values() if one.kind in MEASURING]
    for one, other in combinations(devices, 2):
        if one.kind != other.kind or (one.line == other.line) != same_line:
            continue
        alike = _alike(evidence, one, other)
        where = f"{one.id} ({one.line} {one.place}) and {other.id} ({other.line} {other.place})"
        if alike is None:
            yield not_tested(other.id, f"{one.id} and {other.id} did not move enough to tell them apart")
        elif alike[0] <= ALIKE:
            text = f"{where} show the same power at all times, through {alike[1]} different values"
            yield replace(fault(other.id, text, confidence(alike[1]), difference_share=alike[0]), also=(one.id,))
        else:
            yield ok(other.id, f"{one.id} and {other.id} differ", difference_share=alike[0])


def _alike(evidence: Evidence, one: Device, other: Device) -> tuple[float, int] | None:
    """Difference over movement, and different values; None when too little moved."""
    record = evidence.record
    if not (record.has(one.power) and record.has(other.power)):
        return None
    first, second = filled(record.values[one.power]), filled(record.values[other.power])
    moving_w = float(max(np.std(first), np.std(second)))
    distinct = min(len(np.unique(first)), len(np.unique(second)))
    if moving_w == 0.0 or max(len(np.unique(first)), len(np.unique(second))) < DISTINCT:
        return None
    if distinct < DISTINCT:
        return 1.0, distinct
    if float(np.mean(first == second)) < EQUAL:
        return 1.0, distinct
    return float(np.sqrt(np.mean((first - second) ** 2))) / moving_w, distinct


def _other_circuit(evidence: Evidence) -> Iterator[Verdict]:
    """A grid meter that lives, but answers no battery."""
    meter = evidence.equipment.meter
    seen = [b for b in evidence.tested() if evidence.moves(b) and evidence.own(b).enough]
    if meter is None or not seen:
        return
    answers = {b.id: evidence.on_grid(b, "active_power_w") for b in seen}
    phases = [g for b in seen for g in evidence.phase_gains(b) or ()]
    deaf = all(abs(r.gain) < 0.1 and not r.moved for r in answers.values()) and all(
        not abs(gain) > 0.15 for gain in phases
    )
    alive = any(span(evidence.record.seen(meter.power, evidence.window(b))) > 0.0 for b in seen)
    if deaf and alive:
        gains = ", ".join(f"{name}: {r.gain:+.2f}" for name, r in answers.items())
        noise = max(r.sigma for r in answers.values())
        text = f"its power moves, but does not answer any battery ({gains} W per W): it measures another circuit"
        yield fault(meter.id, text, confidence(1.0 / max(noise, 1e-3)), gain=max(r.gain for r in answers.values()))


_TWIN_HIDES: Final = frozenset(
    {
        "battery_ignores_setpoints", "battery_follows_another", "battery_sign_inverted", "meter_late", "ct_ratio_wrong",
        "grid_ct_reversed", "grid_ct_reversed_one_phase", "phases_swapped", "phase_missing", "meter_frozen",
        "rating_lower", "soc_frozen", "own_control_loop", "kw_taken_for_w", "w_taken_for_kw", "scale_factor_ignored",
    }
)  # fmt: skip
CHECKS: Final = (
    Check(
        "device_entered_twice",
        "One device entered twice",
        "Remove one of the two components from the site file, or correct the address of the one that should be another "
        "device.",
        _twice,
        unsafe=True,
        hides=_TWIN_HIDES,
    ),
    Check(
        "unit_answered_by_another",
        "Another device answers at its address",
        "Check the unit numbers at the devices and in the gateway (each unit must be there once), and which circuit "
        "the meter stands in; `simems-edge probe` shows what answers at an address.",
        _other_unit,
        unsafe=True,
        hides=_TWIN_HIDES,
    ),
)
