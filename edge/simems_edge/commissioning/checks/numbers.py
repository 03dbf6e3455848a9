"""Values that cannot be: frequency, state of charge, energy counters, readings that stand still."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.record import Floats, span
from simems_edge.commissioning.verdict import Check, Verdict, fault, not_tested, ok

HZ: Final = (45.0, 65.0)
READ_S: Final = 45.0
"""A meter must stand still for so long before it counts as frozen."""
STEPS: Final = 2.5
"""A counter that should have moved by fewer of its steps says nothing."""


def _frequency(evidence: Evidence) -> Iterator[Verdict]:
    for device in evidence.equipment.devices.values():
        if "frequency_hz" not in device.channels:
            continue
        hz = evidence.median(device.address("frequency_hz"))
        powers = [n for n in range(-4, 5) if n and HZ[0] <= hz * 10.0**n <= HZ[1]]
        if HZ[0] <= hz <= HZ[1]:
            yield ok(device.id, f"{hz:.2f} Hz", frequency_hz=hz)
        elif powers:
            real = hz * 10.0 ** powers[0]
            yield fault(
                device.id, f"shows {hz:g} Hz; {real:.2f} Hz would be right", 0.99, frequency_hz=hz, right_hz=real
            )
        else:
            why = "no frequency was read" if math.isnan(hz) else f"{hz:g} Hz is no frequency of a grid in any scale"
            yield not_tested(device.id, why)


def _soc_fraction(evidence: Evidence) -> Iterator[Verdict]:
    for battery in evidence.equipment.batteries:
        values = evidence.record.seen(battery.address("soc_pct"))
        if not len(values):
            yield not_tested(battery.id, "no state of charge was read")
            continue
        soc = float(np.median(values))
        charge, discharge = (evidence.median(battery.address(f"max_{way}_power_w")) for way in ("charge", "discharge"))
        if not 0.0 < values.max() <= 1.0:
            yield ok(battery.id, f"{soc:.1f} %", soc_pct=soc)
        elif discharge >= 0.5 * charge:
            text = f"shows {soc:.3f} %, but offers {discharge:.0f} W of discharge as a battery that is not empty"
            yield fault(battery.id, text, 0.95, soc_pct=soc, max_discharge_power_w=discharge)
        else:
            yield not_tested(battery.id, f"{soc:.2f} %: nearly empty, or a fraction; charge it and test again")


# ---- state of charge that stands still


def _soc_frozen(evidence: Evidence) -> Iterator[Verdict]:
    for battery in evidence.equipment.batteries:
        soc, capacity_wh = battery.address("soc_pct"), evidence.median(battery.address("capacity_wh"))
        stages = [s for s in evidence.record.stages if s.battery == battery.id and s.power_w]
        if not stages or not evidence.record.has(soc) or not capacity_wh > 0.0:
            yield not_tested(battery.id, "it was not asked for power, or tells no capacity or state of charge")
            continue
        window = slice(evidence.record.during(stages[0]).start, evidence.record.during(stages[-1], after_s=5.0).stop)
        expected = 100.0 * _swing_wh(evidence.record.values[battery.power][window], evidence.cycle_s) / capacity_wh
        step = battery.channels.get("soc_pct", 0.1)
        seen = span(evidence.record.seen(soc, window))
        figures = {"expected_pct": expected, "seen_pct": seen}
        if seen > 0.0 and expected > step:
            yield ok(battery.id, f"moved by {seen:.2f} % with the energy ({expected:.2f} % expected)", **figures)
        elif seen == 0.0 and expected >= STEPS * step:
            text = f"stood still at {evidence.median(soc):.1f} % while {expected:.2f} % of its energy moved"
            yield fault(battery.id, text, min(0.5 + 0.1 * expected / step, 0.97), **figures)
        else:
            yield not_tested(battery.id, f"only {expected:.2f} % of its energy moved: too little to see ({step:g} %)")


def _swing_wh(power_w: Floats, cycle_s: float) -> float:
    """Largest difference of its energy between two moments."""
    energy = np.cumsum(np.nan_to_num(power_w)) * cycle_s / 3600.0
    return span(energy) if len(energy) else 0.0


# ---- counters


def _energy(evidence: Evidence) -> Iterator[Verdict]:
    for device in evidence.equipment.devices.values():
        names = [name for name in device.channels if "energy_wh" in name and "session" not in name]
        read = {name: v for name in names if len(v := evidence.record.seen(device.address(name))) > 1}
        if not read:
            continue
        falls = {name: float(np.diff(values).min()) for name, values in read.items()}
        name, fall_wh = min(falls.items(), key=lambda one: one[1])
        total_wh = {name: float(values[-1] - values[0]) for name, values in read.items()}
        if fall_wh < 0.0:
            how = "runs backwards" if (np.diff(read[name]) <= 0.0).all() else "fell back"
            text = f"{name} {how}: from {read[name].max():.0f} Wh to {read[name].min():.0f} Wh"
            yield fault(device.id, text, 0.98, largest_fall_wh=-fall_wh)
        elif any(total_wh.values()):
            moved = ", ".join(f"{name} +{wh:.0f} Wh" for name, wh in total_wh.items() if wh)
            yield ok(device.id, moved, **total_wh)
        else:
            yield not_tested(device.id, "its energy counters did not move")


# ---- a meter that stands still


def _frozen(evidence: Evidence) -> Iterator[Verdict]:
    for meter in evidence.equipment.of_kind("meter"):
        names = [n for n in meter.channels if evidence.record.has(meter.address(n))]
        if not names or evidence.record.duration_s < READ_S:
            yield not_tested(meter.id, "too little was read")
            continue
        still = all(span(evidence.record.seen(meter.address(name))) == 0.0 for name in names)
        power_w = evidence.median(meter.power)
        if not still:
            yield ok(meter.id, f"its values move ({power_w:.0f} W)", power_w=power_w)
            continue
        why = _should_move(evidence, meter, power_w)
        text = f"all its {len(names)} values stood still for {evidence.record.duration_s:.0f} s"
        yield fault(meter.id, f"{text}, although {why[0]}", why[1]) if why else not_tested(meter.id, text)


def _should_move(evidence: Evidence, meter: Device, power_w: float) -> tuple[str, float] | None:
    """What says that its values must have moved, and how sure that is."""
    if meter.id == evidence.equipment.grid and any(evidence.moves(battery) for battery in evidence.tested()):
        return "a battery pulsed behind it", 0.99
    name = "import_energy_wh" if power_w > 0.0 else "export_energy_wh"
    counted_wh = abs(power_w) * evidence.record.duration_s / 3600.0
    if evidence.record.has(meter.address(name)) and counted_wh > STEPS * meter.channels[name]:
        return f"its own {power_w:.0f} W should have moved its counter by {counted_wh:.0f} Wh", 0.97
    return None


CHECKS: Final = (
    Check(
        "meter_frozen",
        "Meter frozen",
        "Restart the meter or the gateway in front of it; look for a gateway that repeats old answers.",
        _frozen,
        unsafe=True,
        hides=frozenset(
            {
                "meter_late", "ct_ratio_wrong", "grid_ct_reversed", "grid_ct_reversed_one_phase", "phases_swapped",
                "phase_missing", "unit_answered_by_another", "energy_runs_back",
            }
        ),
    ),
    Check(
        "frequency_scale_wrong",
        "Frequency in the wrong scale",
        "Correct the scale of frequency_hz in the profile.",
        _frequency,
        unsafe=True,
    ),
    Check(
        "soc_as_fraction",
        "State of charge 0..1 taken for percent",
        "Set the scale of soc_pct in the profile to 100 times what it is.",
        _soc_fraction,
        unsafe=True,
        hides=frozenset({"soc_frozen"}),
    ),
    Check(
        "energy_runs_back",
        "Energy counter resets or runs backwards",
        "Check the counter's registers (a rolling or daily counter instead of the total, word order); update the "
        "meter's firmware when it loses its total.",
        _energy,
    ),
    Check(
        "soc_frozen",
        "State of charge frozen",
        "Restart the battery management system; check that the inverter passes its state of charge on.",
        _soc_frozen,
    ),
)  # fmt: skip
