"""The grid meter's current transformers, and PV's sign. By phase: a battery on phases it stands on must lower the
import of exactly these, each by its share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from simems_edge.commissioning.apparent import apparent_factor
from simems_edge.commissioning.checks.scales import DECADE
from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import PHASES, Evidence
from simems_edge.commissioning.signals import Response, confidence
from simems_edge.commissioning.signs import NIGHT, meter_turned
from simems_edge.commissioning.verdict import Check, Verdict, fault, not_tested, ok

Gains = tuple[float, float, float]
UNSEEN: Final = "no pulse of a battery could be seen at the meter"
RATIO: Final = 0.12
"""A factor nearer to 1 is the accuracy of battery and meter."""
MANY, GROSS = 24, 0.5
"""Of fewer steps than this only a factor so far from 1 is believed."""
DEAD: Final = 0.15
SUM: Final = 0.16
"""One reversed transformer of three leaves a third of the total, two swapped ones nothing."""


def _gains(evidence: Evidence) -> Iterator[tuple[Device, Gains]]:
    """Of each battery whose pulses the meter's phases show: answer over the expected one (1: right)."""
    for battery in evidence.tested():
        found = evidence.phase_gains(battery)
        if found is not None and any(abs(gain) > DEAD for gain in found if math.isfinite(gain)):
            yield battery, (-found[0], -found[1], -found[2])


def _shown(gains: Gains) -> str:
    return ", ".join(f"L{n} {gain:+.2f}" for n, gain in zip(PHASES, gains, strict=True))


def _phasewise(evidence: Evidence, found: Verdict | None) -> Iterator[Verdict]:
    meter = evidence.equipment.meter
    if meter is None:
        return
    if found is not None:
        yield found
    elif (seen := next(_gains(evidence), None)) is not None:
        yield ok(meter.id, f"answers {seen[0].id} on its phases: {_shown(seen[1])} of what is expected")
    else:
        yield not_tested(meter.id, UNSEEN if evidence.phase_channels else "it does not show its phases")


def _right(gains: Gains, battery: Device, wrong: tuple[int, ...]) -> bool:
    """All its phases but these answer as they should, perhaps all by one factor."""
    rest = [gains[n - 1] for n in battery.phases if n not in wrong]
    return all(gain > 0.4 for gain in rest)


def _sums_to(evidence: Evidence, battery: Device, expected: float) -> bool:
    """The meter's total is less noisy than its phases: it tells patterns apart that these leave open."""
    return abs(-evidence.on_grid(battery, "active_power_w").gain - expected) < SUM


def _one_reversed(evidence: Evidence) -> Iterator[Verdict]:
    yield from _phasewise(evidence, _find_reversed(evidence))


def _find_reversed(evidence: Evidence) -> Verdict | None:
    meter = evidence.equipment.meter
    for battery, gains in _gains(evidence):
        back = tuple(n for n in battery.phases if gains[n - 1] < -0.6)
        total = 1.0 - 2.0 * len(back) / len(battery.phases)
        if meter is None or not 0 < len(back) < len(battery.phases) or not _sums_to(evidence, battery, total):
            continue
        if _right(gains, battery, back):
            names = " and ".join(f"L{n}" for n in back)
            text = f"{names} answers {battery.id} the wrong way round: {_shown(gains)} of what is expected"
            return fault(meter.id, text, 0.97, **{f"l{n}": gains[n - 1] for n in PHASES})
    return None


def _swapped(evidence: Evidence) -> Iterator[Verdict]:
    yield from _phasewise(evidence, _find_crossed(evidence) or _find_moved(evidence))


def _find_crossed(evidence: Evidence) -> Verdict | None:
    """Currents of two phases at each other's voltage: cos 120 degrees = -0.5 of each, and reactive power of +-0.87."""
    meter = evidence.equipment.meter
    for battery, gains in _gains(evidence):
        crossed = tuple(n for n in battery.phases if -1.1 <= gains[n - 1] < -0.2)
        if not _sums_to(evidence, battery, 1.0 - 3.0 / len(battery.phases)):
            continue
        reactive = evidence.phase_gains(battery, "reactive_power_var")
        turned = reactive is None or all(
            not math.isfinite(reactive[n - 1]) or abs(reactive[n - 1]) > 0.5 for n in crossed
        )
        if meter is not None and len(crossed) == 2 and turned and _right(gains, battery, crossed):
            text = (
                f"L{crossed[0]} and L{crossed[1]} answer {battery.id} as currents at the other's voltage do (cos 120 "
                f"degrees): {_shown(gains)} of what is expected"
            )
            return fault(meter.id, text, 0.95, **{f"l{n}": gains[n - 1] for n in PHASES})
    return None


def _find_moved(evidence: Evidence) -> Verdict | None:
    """A battery on one or two phases is answered on others."""
    meter = evidence.equipment.meter
    for battery, gains in _gains(evidence):
        silent = [n for n in battery.phases if abs(gains[n - 1]) < DEAD]
        instead = [n for n in PHASES if n not in battery.phases and abs(gains[n - 1]) > 0.7]
        if meter is not None and silent and instead:
            text = (
                f"{battery.id} stands on L{silent[0]} as the site file says, and the meter shows it on "
                f"L{instead[0]}: {_shown(gains)} of what is expected"
            )
            return fault(meter.id, text, 0.95, **{f"l{n}": gains[n - 1] for n in PHASES})
    return None


# ---- a phase that is not there


def _missing(evidence: Evidence) -> Iterator[Verdict]:
    meter = evidence.equipment.meter
    if meter is None:
        return
    dead = _dead_voltage(evidence, meter)
    if dead is not None:
        yield dead
        return
    yield from _phasewise(evidence, _find_silent(evidence, meter))


def _dead_voltage(evidence: Evidence, meter: Device) -> Verdict | None:
    volts = [evidence.median(meter.address(f"voltage_v_l{n}")) for n in PHASES]
    if not all(math.isfinite(one) for one in volts) or max(volts) < 50.0:
        return None
    gone = [n for n in PHASES if volts[n - 1] < 0.2 * max(volts)]
    if not gone:
        return None
    names = " and ".join(f"L{n}" for n in gone)
    text = f"{names} has {volts[gone[0] - 1]:.0f} V, the others {max(volts):.0f} V"
    return fault(meter.id, text, 0.98, **{f"voltage_v_l{n}": volts[n - 1] for n in PHASES})


def _find_silent(evidence: Evidence, meter: Device) -> Verdict | None:
    for battery, gains in _gains(evidence):
        silent = [n for n in battery.phases if abs(gains[n - 1]) < DEAD]
        if 0 < len(silent) < len(battery.phases) and _right(gains, battery, tuple(silent)):
            n = silent[0]
            current = evidence.median(meter.address(f"current_a_l{n}"))
            text = f"L{n} does not answer {battery.id}: {_shown(gains)} of what is expected"
            text += f"; it shows {current:.1f} A" if math.isfinite(current) else ""
            return fault(meter.id, text, 0.96, **{f"l{n}": gains[n - 1] for n in PHASES})
    return None


# ---- the whole meter


def _reversed(evidence: Evidence) -> Iterator[Verdict]:
    meter = evidence.equipment.meter
    if meter is None:
        return
    found = meter_turned(evidence)
    seen = [b for b in evidence.tested() if evidence.moves(b) and evidence.on_grid(b, "active_power_w").moved]
    if found is not None:
        yield fault(meter.id, *found)
    elif seen:
        answer = evidence.on_grid(seen[0], "active_power_w")
        text = f"shows {answer.gain:+.2f} W for each W that {seen[0].id} discharges (+-{answer.sigma:.2f})"
        yield ok(meter.id, text, gain=answer.gain, sigma=answer.sigma)
    else:
        yield not_tested(meter.id, UNSEEN)


def _whole(evidence: Evidence, battery: Device) -> Response:
    return evidence.on_grid(battery, "active_power_w")


def _ratio(evidence: Evidence) -> Iterator[Verdict]:
    meter = evidence.equipment.meter
    if meter is None:
        return
    seen = [(b, r) for b in evidence.tested() if evidence.moves(b) and (r := _whole(evidence, b)).moved and r.enough]
    if not seen:
        yield not_tested(meter.id, UNSEEN)
        return
    battery, answer = min(seen, key=lambda one: one[1].sigma / abs(one[1].gain))
    factor = abs(answer.gain)
    text = f"shows {factor:.2f} W (+-{answer.sigma:.2f}) for each W of {battery.id}"
    decade = (
        0.0 < factor < math.inf
        and abs(math.log10(factor) - round(math.log10(factor))) <= DECADE
        and not 0.5 < factor < 2.0
    )
    clear = abs(factor - 1.0) > (max(RATIO, 3.0 * answer.sigma) if answer.steps >= MANY else GROSS)
    if clear and not (decade and apparent_factor(evidence, meter) is None):
        sure = confidence(abs(factor - 1.0) / max(answer.sigma, RATIO / 3.0))
        yield fault(meter.id, f"{text}; power and current are wrong alike", sure, factor=factor, sigma=answer.sigma)
    else:
        yield ok(meter.id, text, factor=factor, sigma=answer.sigma)


def _pv(evidence: Evidence) -> Iterator[Verdict]:
    for pv in evidence.equipment.of_kind("pv"):
        values = evidence.at_rest(pv.power)
        rated_w = evidence.median(pv.address("max_power_w"))
        least_w = max(0.01 * rated_w if math.isfinite(rated_w) else NIGHT * evidence.equipment.connection_w, 50.0)
        power_w = float(np.median(values)) if len(values) else 0.0
        if not len(values):
            yield not_tested(pv.id, "no active power was read")
        elif power_w < -least_w:
            text = f"shows {power_w:.0f} W: PV never takes so much"
            yield fault(pv.id, text, confidence(-power_w / least_w), power_w=power_w)
        elif power_w > least_w:
            yield ok(pv.id, f"produces {power_w:.0f} W", power_w=power_w)
        else:
            yield not_tested(pv.id, f"no sun ({power_w:.0f} W); test again by day")


_CTS: Final = "At the meter's terminals: "
CHECKS: Final = (
    Check(
        "pv_meter_reversed",
        "PV meter reversed",
        "Turn the current transformers of the PV meter round, or set sign: -1 at active_power_w in its profile.",
        _pv,
        hides=frozenset({"signed_read_as_unsigned"}),
    ),
    Check(
        "grid_ct_reversed_one_phase",
        "One current transformer of the grid meter reversed",
        _CTS + "exchange the two wires (S1 and S2) of the named phase, or turn its transformer round.",
        _one_reversed,
        hides=frozenset({"ct_ratio_wrong", "grid_ct_reversed", "phases_swapped", "phase_missing"}),
    ),
    Check(
        "phases_swapped",
        "Phases of the grid meter swapped",
        _CTS
        + "put each current transformer on the phase whose voltage it is read with; or correct `control.phases` of "
        "the battery.",
        _swapped,
        hides=frozenset({"ct_ratio_wrong", "grid_ct_reversed", "grid_ct_reversed_one_phase", "phase_missing"}),
    ),
    Check(
        "phase_missing",
        "A phase of the grid meter is missing",
        _CTS + "look for an open current transformer (careful: high voltage), a blown fuse or a loose voltage lead.",
        _missing,
        hides=frozenset({"ct_ratio_wrong", "grid_ct_reversed", "phases_swapped"}),
    ),
    Check(
        "grid_ct_reversed",
        "Grid meter reversed",
        "Turn all current transformers of the grid meter round (or exchange S1 and S2), or take the profile that "
        "counts export positive.",
        _reversed,
    ),
    Check(
        "ct_ratio_wrong",
        "Ratio of the current transformers wrong",
        "Set the ratio of the current transformers in the meter to what is printed on them (for example 200/5 A).",
        _ratio,
    ),
)
