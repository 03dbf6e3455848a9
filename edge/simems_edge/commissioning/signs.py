"""Who is turned round: the battery or the grid meter? Pure.

A pulse alone cannot say: a meter that shows more import when a battery discharges may be turned round itself, or the
battery's sign is. So the others are heard: the battery's own counters of charge and discharge, other batteries, the
site's consumption (never negative), and PV, which must lower the import.
"""

from __future__ import annotations

import math

import numpy as np

from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.record import span
from simems_edge.commissioning.signals import confidence, filled, high_passed

LEAST_WH = 5.0
"""Counters must have moved by this."""
NIGHT = 0.005
"""Of the connection: PV below it does not count."""


def direction(evidence: Evidence, battery: Device) -> float | None:
    """Wh that its counters say were discharged for each Wh that its power says: about 1, or -1 when they contradict;
    None when there are no counters or they hardly moved."""
    names = [battery.address(f"{way}_energy_wh") for way in ("discharge", "charge")]
    if battery not in evidence.tested() or not all(evidence.record.has(name) for name in names):
        return None
    window = evidence.window(battery)
    discharged, charged = (filled(evidence.record.values[name][window]) for name in names)
    counted = discharged - charged
    shown = np.cumsum(filled(evidence.record.values[battery.power][window])) * evidence.cycle_s / 3600.0
    if span(shown) < LEAST_WH or span(counted) < LEAST_WH:
        return None
    shown = shown - shown.mean()
    return float(shown @ (counted - counted.mean()) / (shown @ shown))


def turned_batteries(evidence: Evidence) -> dict[str, tuple[str, float]]:
    """Evidence and confidence by battery whose sign is inverted."""
    found: dict[str, tuple[str, float]] = {}
    against = [b for b in evidence.tested() if _against(evidence, b)]
    agreeing = [b for b in evidence.tested() if b not in against and _seen(evidence, b)]
    for battery in evidence.tested():
        own = evidence.own(battery)
        if own.moved and own.gain < -0.3:
            text = f"shows {own.gain:+.2f} W for each W of discharge that is asked"
            found[battery.id] = (text, confidence(-own.gain / max(own.sigma, 0.05)))
        elif battery in against and (why := _turned(evidence, battery, agreeing)) is not None:
            found[battery.id] = why
    return found


def _turned(evidence: Evidence, battery: Device, agreeing: list[Device]) -> tuple[str, float] | None:
    gain = evidence.on_grid(battery, "active_power_w").gain
    base = f"the grid meter shows {gain:+.2f} W for each W of discharge"
    counted = direction(evidence, battery)
    if counted is not None and counted < -0.3:
        return f"{base}, and its own counters say that it charged ({counted:+.2f} Wh per Wh)", 0.97
    if counted is None and agreeing:
        return f"{base}, but {', '.join(b.id for b in agreeing)} shows that the meter is right", 0.95
    return None


def _seen(evidence: Evidence, battery: Device) -> bool:
    return evidence.moves(battery) and evidence.on_grid(battery, "active_power_w").moved


def _against(evidence: Evidence, battery: Device) -> bool:
    """It does what is asked, and the meter shows the opposite."""
    own, answer = evidence.own(battery), evidence.on_grid(battery, "active_power_w")
    return own.moved and own.gain > 0.3 and _seen(evidence, battery) and answer.gain > 0.3


def meter_turned(evidence: Evidence) -> tuple[str, float] | None:
    """Evidence and confidence that the grid meter as a whole is turned round; None: it is not."""
    turned = turned_batteries(evidence)
    against = [b for b in evidence.tested() if _against(evidence, b) and b.id not in turned]
    if not against:
        return None
    gains = ", ".join(f"{b.id} {evidence.on_grid(b, 'active_power_w').gain:+.2f}" for b in against)
    text = f"it shows more import when a battery discharges ({gains} W per W, -1 would be right)"
    counted = [d for b in against if (d := direction(evidence, b)) is not None and d > 0.3]
    consumption_w = _consumption_w(evidence)
    sun = _sun(evidence)
    said = [
        *(["the battery's own counters agree with the battery"] if counted else []),
        *([f"the site would consume {consumption_w:.0f} W"] if consumption_w is not None else []),
        *([f"import rises with the sun (correlation {sun:+.2f})"] if sun is not None and sun > 0.5 else []),
    ]
    sure = 0.97 if counted or len(against) > 1 else 0.93 if said else 0.6
    return "; ".join([text, *said]), sure


def _consumption_w(evidence: Evidence) -> float | None:
    """What the site would take if the meter were right, when that is negative: nothing else makes power."""
    meter = evidence.equipment.meter
    if meter is None:
        return None
    made = [evidence.median(one.power) for one in (*evidence.equipment.of_kind("pv"), *evidence.equipment.batteries)]
    consumption_w = evidence.median(meter.power) + sum(one for one in made if math.isfinite(one))
    return consumption_w if consumption_w < -NIGHT * evidence.equipment.connection_w else None


def _sun(evidence: Evidence) -> float | None:
    """Correlation of PV and grid power at rest; None by night."""
    meter, pvs = evidence.equipment.meter, evidence.equipment.of_kind("pv")
    if meter is None or not pvs or not evidence.record.has(meter.power):
        return None
    window = evidence.reading
    made = sum(filled(evidence.record.values[pv.power][window]) for pv in pvs)
    assert isinstance(made, np.ndarray)  # noqa: S101 - there is at least one
    if len(made) < 10 or float(np.abs(made).max()) < NIGHT * evidence.equipment.connection_w:
        return None
    width = min(max(round(20.0 / evidence.cycle_s), 3), len(made))
    one, other = high_passed(made, width), high_passed(filled(evidence.record.values[meter.power][window]), width)
    scale = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / scale if scale > 0.0 else None
