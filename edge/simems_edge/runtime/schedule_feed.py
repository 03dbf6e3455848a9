"""Writes the slot in force into the image, each cycle; controllers see it one cycle later.

A stored file that is replaced is taken within a second; one that cannot be used leaves the schedule that stood (it has
its own end) and is said in the log. Nothing is followed while the time of day is unknown. When this thread stands
still, the channels go stale and controllers take their fallback.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import isnan, nan
from typing import Final

from simems_core import BAD, GOOD, Channel, ProcessImage, Snapshot

from simems_edge.contracts import Controller
from simems_edge.contracts.context import UTC_OFFSET
from simems_edge.contracts.schedule_channels import BATTERY_NUMBERS, FOLLOWING, MODE, MODES, SITE_NUMBERS, STATE, STATES
from simems_edge.schedule import Schedule, ScheduleStore, Slot, StoredScheduleError

log = logging.getLogger(__name__)
NS: Final = 1_000_000_000
LOOK_EVERY_NS: Final = NS
STALE_CYCLES: Final = 5.0
STALE_S: Final = 5.0


def follows_schedule(controllers: Sequence[Controller]) -> bool:
    """Does any of them read the slot in force?"""
    return any(f"{one.of}/{one.channel}" == STATE for c in controllers for one in c.spec.inputs)


def schedule_channels(batteries: list[str], period_s: float) -> list[Channel]:
    """Rows of the tag table, for a site with these batteries."""
    stale_s = max(STALE_S, STALE_CYCLES * period_s)
    units = [*SITE_NUMBERS.values(), *(unit for _ in batteries for unit in BATTERY_NUMBERS.values())]
    rows = [
        Channel(STATE, kind="enum", labels=dict(enumerate(STATES)), stale_after_s=stale_s),
        Channel(MODE, kind="enum", labels=dict(enumerate(MODES)), stale_after_s=stale_s),
    ]
    for address, unit in zip(schedule_addresses(batteries), units, strict=True):
        rows.append(Channel(address, unit=unit, resolution=0.1 if unit == "%" else 1.0, stale_after_s=stale_s))
    return rows


def schedule_addresses(batteries: list[str]) -> list[str]:
    """Of the numbers, in the order of :class:`Slot`'s fields: the site's, then each battery's."""
    numbers = [f"site/{name}" for name in SITE_NUMBERS]
    return numbers + [f"{battery}/{name}" for battery in batteries for name in BATTERY_NUMBERS]


class ScheduleFeed:
    """``store`` None: only ``schedule`` (replay, simulation)."""

    def __init__(
        self, image: ProcessImage, batteries: list[str], store: ScheduleStore | None, schedule: Schedule | None
    ) -> None:
        self._image = image
        self._batteries = batteries
        self._store = store
        self._schedule = schedule
        self._damaged = False
        self._stamp: object = self
        self._looked_ns: int | None = None
        self._offset = image.handle(UTC_OFFSET)
        self._codes = (image.handle(STATE), image.handle(MODE))
        self._numbers = [image.handle(name) for name in schedule_addresses(batteries)]
        self._slot: Slot | None = None
        self._values: list[float] = self._values_of(None)

    @property
    def schedule(self) -> Schedule | None:
        """The one that is held."""
        return self._schedule

    def update(self, snapshot: Snapshot) -> None:
        """Once per cycle, outside the cycle's thread."""
        time_ns = snapshot.time_ns
        if self._store is not None and (self._looked_ns is None or time_ns - self._looked_ns >= LOOK_EVERY_NS):
            self._looked_ns = time_ns
            self._look(self._store)
        offset_s = snapshot.value(self._offset)
        utc_s = None if isnan(offset_s) else offset_s + time_ns / NS
        state, slot = self._state(utc_s)
        if slot is not self._slot:
            self._slot, self._values = slot, self._values_of(slot)
        self._publish(state, slot, time_ns)

    def _look(self, store: ScheduleStore) -> None:
        stamp = store.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._schedule = store.load()
            self._damaged = False
        except StoredScheduleError as error:
            self._damaged = True
            log.warning("schedule not taken", extra={"error": str(error)})

    def _state(self, utc_s: float | None) -> tuple[str, Slot | None]:
        schedule = self._schedule
        if schedule is None:
            return ("invalid" if self._damaged else "missing"), None
        if utc_s is None:
            return "clock_unknown", None
        slot = schedule.slot_at(utc_s)
        if slot is not None:
            return STATES[FOLLOWING], slot
        if utc_s < schedule.begin_s:
            return "not_begun", None
        return ("ended" if utc_s >= schedule.end_s else "between_slots"), None

    def _values_of(self, slot: Slot | None) -> list[float]:
        """In the order of the handles; NaN: the schedule says nothing."""
        if slot is None:
            return [nan] * (len(SITE_NUMBERS) + len(BATTERY_NUMBERS) * len(self._batteries))
        found = [_number(slot.grid_limit_w), _number(slot.export_limit_w), slot.end.timestamp()]
        for battery in self._batteries:
            own = slot.batteries.get(battery)
            found += [nan, nan, nan] if own is None else [_number(own.power_w), own.soc_min_pct, own.soc_max_pct]
        return found

    def _publish(self, state: str, slot: Slot | None, time_ns: int) -> None:
        codes = (STATES.index(state), 0 if slot is None else MODES.index(slot.mode))
        for handle, code in zip(self._codes, codes, strict=True):
            self._image.publish(handle, float(code), time_ns, GOOD)
        for handle, value in zip(self._numbers, self._values, strict=True):
            self._image.publish(handle, value, time_ns, BAD if isnan(value) else GOOD)


def _number(value: float | None) -> float:
    return nan if value is None else value
