"""Batteries: do they do what they are asked, all of it, and nothing else?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.record import Floats, span
from simems_edge.commissioning.signals import confidence, filled
from simems_edge.commissioning.signs import direction, turned_batteries
from simems_edge.commissioning.verdict import Check, Verdict, fault, not_tested, ok

UNTESTED: Final = "no power was asked of it"
PLATEAU_S, SETTLE_S = 6.0, 8.0
"""What it gives counts when it was asked for it without a break for both together, the first to get there."""
SHORT: Final = 0.92
"""Of what was asked at full power, it must give this."""
LONG_S: Final = 30.0
"""A correlation over less says nothing."""
ZERO: Final = 0.03
"""Of the connection: so near 0 the grid is held by somebody."""


def _follows_another(evidence: Evidence) -> Iterator[Verdict]:
    tested = evidence.tested()
    for battery in tested:
        own = evidence.own(battery)
        others = {one.id: evidence.answer(one, battery.power) for one in tested if one is not battery}
        led = {name: r for name, r in others.items() if r.moved and 0.5 < r.gain < 1.5}
        if led and abs(own.gain) < 0.3:
            name, answer = max(led.items(), key=lambda one: abs(one[1].correlation))
            text = f"does {answer.gain:.2f} W for each W asked of {name}, and {own.gain:.2f} W for each asked of itself"
            yield fault(battery.id, text, confidence(answer.gain / max(answer.sigma, 0.05)), gain=answer.gain)
        elif others:
            yield ok(battery.id, f"does not follow {', '.join(others)}")
        else:
            yield not_tested(battery.id, "there is no other battery that was asked for power")


def _ignores(evidence: Evidence) -> Iterator[Verdict]:
    for battery in evidence.equipment.batteries:
        if battery not in evidence.tested():
            yield not_tested(battery.id, UNTESTED)
            continue
        own, meter = evidence.own(battery), evidence.equipment.meter
        at_grid = evidence.answer(battery, meter.power) if meter is not None else None
        figures = {"gain": own.gain, "pulses": float(own.steps)}
        if own.moved and abs(own.gain) > 0.2:
            yield ok(battery.id, f"does {own.gain:.2f} W for each W that is asked", **figures)
        elif at_grid is not None and at_grid.moved and abs(at_grid.gain) > 0.3:
            yield not_tested(
                battery.id, f"its own power does not show the pulses, but the grid meter does ({at_grid.gain:+.2f})"
            )
        elif not own.enough:
            stopped = evidence.stage(battery).stopped or "the pulses were too few"
            yield not_tested(battery.id, stopped)
        else:
            asked_w = evidence.stage(battery).power_w
            text = f"does {own.gain:.2f} W for each W that is asked, in pulses of {asked_w:.0f} W"
            yield fault(battery.id, text, confidence(1.0 / max(own.sigma, 0.1)), **figures)


# ---- its own loop


def _own_loop(evidence: Evidence) -> Iterator[Verdict]:
    meter = evidence.equipment.meter
    for battery in evidence.equipment.batteries:
        if battery not in evidence.tested() or meter is None:
            yield not_tested(battery.id, UNTESTED if meter is not None else "there is no grid meter")
            continue
        held = _held_grid(evidence, battery) or _holds_back(evidence, battery)
        if held is not None:
            yield fault(battery.id, *held)
        else:
            own = evidence.own(battery)
            yield ok(battery.id, "keeps to its setpoint whatever the site does", correlation=own.correlation)


def _held_grid(evidence: Evidence, battery: Device) -> tuple[str, float] | None:
    """It moves with the site instead of with its setpoint."""
    window, meter = evidence.window(battery), evidence.equipment.meter
    assert meter is not None  # noqa: S101 - asked for by the caller
    power_w, asked_w = filled(evidence.record.values[battery.power][window]), evidence.setpoint(battery, window)
    grid_w = filled(evidence.record.values[meter.power][window])
    apart_w, site_w = power_w - asked_w, grid_w + power_w
    strange_w, moved_w = float(np.median(np.abs(apart_w))), span(asked_w)
    if evidence.own(battery).moved and abs(evidence.own(battery).gain) > 0.7:
        return None
    site_size_w = float(np.median(np.abs(site_w)))
    if strange_w < 0.25 * moved_w or site_size_w == 0.0:
        return None
    kept = float(np.median(np.abs(power_w - site_w))) / site_size_w
    along = evidence.record.time_s[window][-1] - evidence.record.time_s[window][0] > LONG_S
    if kept > 0.25 and not (along and _correlation(power_w, site_w) > 0.8):
        return None
    text = (
        f"gives {np.median(power_w):.0f} W where {np.median(asked_w):.0f} W is asked, and holds the grid at "
        f"{np.median(grid_w):.0f} W: it follows the site's {np.median(site_w):.0f} W"
    )
    return text, confidence(strange_w / max(0.1 * moved_w, 1.0))


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 0.0 else 0.0


def _holds_back(evidence: Evidence, battery: Device) -> tuple[str, float] | None:
    """It stops discharging where the grid reaches 0 (zero export)."""
    meter = evidence.equipment.meter
    for name in ("full", "limited"):
        charge = _plateau(evidence, battery, name, -1.0)
        if charge is not None and charge[1] < SHORT * charge[0]:
            return None
        plateau = _plateau(evidence, battery, name, 1.0)
        if plateau is None or meter is None or plateau[1] >= SHORT * plateau[0]:
            continue
        grid_w = float(np.median(evidence.record.values[meter.power][plateau[2]]))
        if abs(grid_w) < ZERO * evidence.equipment.connection_w:
            text = (
                f"gives {plateau[1]:.0f} W of {plateau[0]:.0f} W asked and stops where the grid reaches {grid_w:.0f} W"
            )
            return text, 0.9
    return None


# ---- what it can give


def _plateau(evidence: Evidence, battery: Device, name: str, sign: float) -> tuple[float, float, slice] | None:
    """Asked and given power at the end of the longest stretch of one setpoint, and where that is."""
    stage = evidence.record.stage(name, battery.id)
    if stage is None or not stage.power_w:
        return None
    window = evidence.record.during(stage)
    asked_w = sign * evidence.setpoint(battery, window)
    most_w = float(asked_w.max(initial=0.0))
    at = np.flatnonzero(asked_w >= 0.98 * most_w)
    length, before = round(PLATEAU_S / evidence.cycle_s), round(SETTLE_S / evidence.cycle_s)
    if most_w <= 0.0 or len(at) < length + before or at[-1] - at[-length - before] >= length + before:
        return None
    end = window.start + int(at[-1]) + 1
    given = slice(end - length, end)
    return most_w, sign * float(np.nanmedian(evidence.record.values[battery.power][given])), given


def _rating(evidence: Evidence) -> Iterator[Verdict]:
    for battery in evidence.equipment.batteries:
        found = {
            way: plateau
            for way, sign in (("discharge", 1.0), ("charge", -1.0))
            if (plateau := _plateau(evidence, battery, "full", sign)) is not None
        }
        short = {way: p for way, p in found.items() if p[1] < SHORT * p[0]}
        if not found:
            yield not_tested(battery.id, "full power was not asked of it")
        elif short:
            said = "; ".join(f"{way}: {given:.0f} W of {asked:.0f} W" for way, (asked, given, _) in short.items())
            least = min(given / asked for asked, given, _ in short.values())
            yield fault(
                battery.id, f"gives less than it says it can: {said}", confidence((1.0 - least) / 0.03), share=least
            )
        else:
            said = "; ".join(f"{way} {given:.0f} W" for way, (_, given, _) in found.items())
            yield ok(battery.id, f"gives what it says: {said}", **{f"{way}_w": p[1] for way, p in found.items()})


def _sign(evidence: Evidence) -> Iterator[Verdict]:
    turned = turned_batteries(evidence)
    for battery in evidence.equipment.batteries:
        if battery not in evidence.tested():
            yield not_tested(battery.id, UNTESTED)
        elif battery.id in turned:
            yield fault(battery.id, *turned[battery.id])
        elif evidence.own(battery).moved:
            counted = direction(evidence, battery)
            more = "" if counted is None else f"; its counters agree ({counted:+.2f} Wh per Wh)"
            yield ok(battery.id, f"discharges when that is asked{more}", gain=evidence.own(battery).gain)
        else:
            yield not_tested(battery.id, "it does not answer")


_AT_GRID: Final = frozenset(
    {
        "ct_ratio_wrong", "grid_ct_reversed", "grid_ct_reversed_one_phase", "phases_swapped", "phase_missing",
        "meter_late", "unit_answered_by_another",
    }
)  # fmt: skip
CHECKS: Final = (
    Check(
        "own_control_loop",
        "A control loop of its own is on",
        "Switch the battery's own self-consumption, zero-export or time-of-use mode off (external or remote control "
        "on); two loops on one meter fight.",
        _own_loop,
        hides=_AT_GRID | {"battery_ignores_setpoints", "rating_lower", "battery_sign_inverted", "soc_frozen"},
    ),
    Check(
        "battery_follows_another",
        "Follows the setpoints of another battery",
        "Exchange the addresses (host, port, unit) of the two batteries in the site file, or set their unit numbers "
        "apart.",
        _follows_another,
        hides=_AT_GRID | {"battery_ignores_setpoints", "battery_sign_inverted", "rating_lower"},
    ),
    Check(
        "battery_ignores_setpoints",
        "Ignores its setpoints",
        "Allow external control at the battery (remote or EMS mode), check that its profile writes what arms the "
        "setpoint, and that no other master writes to it.",
        _ignores,
        hides=frozenset({"battery_sign_inverted", "rating_lower", "soc_frozen"}),
    ),
    Check(
        "battery_sign_inverted",
        "Sign of its power inverted",
        "Set sign: -1 at active_power_w in the profile, where it is read and where it is written (discharge is "
        "positive).",
        _sign,
        hides=_AT_GRID | {"rating_lower"},
    ),
    Check(
        "rating_lower",
        "Gives less than its rating or limit",
        "Look for a lower limit that is set at the battery or inverter, a derating (temperature, a failed module), and "
        "enter what it can really give.",
        _rating,
    ),
)
