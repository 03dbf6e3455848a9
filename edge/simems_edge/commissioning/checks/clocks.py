"""Time: a device's clock, and how late the grid meter is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.signals import confidence
from simems_edge.commissioning.verdict import Check, Verdict, fault, not_tested, ok

FUTURE_S: Final = 0.5
PAST_S: Final = 5.0
"""More than any poll takes."""
LATE_TOLERANCE_S: Final = 0.5


def _clock(evidence: Evidence) -> Iterator[Verdict]:
    for device in evidence.equipment.devices.values():
        if device.id not in evidence.stamps:
            yield not_tested(device.id, "it tells no time with its values; they are stamped when they arrive")
            continue
        ages = [a for name in device.channels if len(a := _ages(evidence, device.address(name)))]
        if not ages:
            yield not_tested(device.id, "nothing was read")
            continue
        age_s = float(np.median(np.concatenate(ages)))
        if -FUTURE_S <= age_s <= PAST_S:
            yield ok(device.id, f"its values are {age_s:.1f} s old when they arrive", age_s=age_s)
        else:
            where = "behind" if age_s > 0.0 else "ahead of"
            sure = confidence(abs(age_s) / FUTURE_S)
            yield fault(device.id, f"its clock is {abs(age_s):.1f} s {where} ours", sure, clock_error_s=-age_s)


def _ages(evidence: Evidence, address: str) -> np.ndarray:
    """Of new values, when they arrived."""
    taken = evidence.record.taken_s.get(address)
    if taken is None or len(taken) < 2:
        return np.empty(0)
    new = np.flatnonzero(np.diff(taken) > 0.0) + 1
    ages: np.ndarray = evidence.record.time_s[new] - taken[new]
    return ages


def _late(evidence: Evidence) -> Iterator[Verdict]:
    meter, stated_s = evidence.equipment.meter, evidence.equipment.meter_delay_max_s
    if meter is None:
        return
    found = [
        (r, b) for b in evidence.tested() if evidence.moves(b) and (r := evidence.on_grid(b, "active_power_w")).moved
    ]
    if not found:
        yield not_tested(meter.id, "no pulse of a battery could be seen at the meter")
        return
    answer, battery = max(found, key=lambda one: abs(one[0].correlation))
    delay_s = max(answer.lag_s - evidence.meter_interval_s / 2.0, 0.0)
    stated = f"{stated_s:g} s are stated ({evidence.equipment.meter_delay_stated_by})"
    text = (
        f"answers {battery.id} {answer.lag_s:.1f} s late, a new value every {evidence.meter_interval_s:.1f} s; {stated}"
    )
    figures = {"delay_s": delay_s, "lag_s": answer.lag_s, "interval_s": evidence.meter_interval_s, "stated_s": stated_s}
    if delay_s > stated_s + LATE_TOLERANCE_S:
        yield fault(meter.id, text, confidence(4.0 * (delay_s - stated_s)), **figures)
    else:
        yield ok(meter.id, text, **figures)


EARLY: Final = (
    Check(
        "device_clock_off",
        "Clock of the device off",
        "Set the device's clock, or let it take its time from the network (NTP).",
        _clock,
        unsafe=True,
        hides=frozenset({"meter_late"}),
    ),
)
LATE: Final = (
    Check(
        "meter_late",
        "Meter later than stated",
        "State the delay as it is (meter_delay_max_s of the loops on this meter: see the suggested tuning), or make "
        "the meter faster: shorter averaging in the meter, a direct connection instead of a gateway.",
        _late,
    ),
)
