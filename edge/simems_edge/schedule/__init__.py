"""Schedules: what the site shall do when, made elsewhere and followed here.

In: SCHEDULE.json (JSON Schema in docs/schemas/schedule.json). Out: the checked schedule, its slot at a moment, its
store in the data folder. Never here: control (``controllers/optimisation/follow_schedule``), planning, a clock.
"""

from simems_edge.schedule.model import BatterySlot, Schedule, Slot
from simems_edge.schedule.reading import read_schedule, schedule_in
from simems_edge.schedule.store import ScheduleStore, StoredScheduleError

__all__ = [
    "BatterySlot",
    "Schedule",
    "ScheduleStore",
    "Slot",
    "StoredScheduleError",
    "read_schedule",
    "schedule_in",
]
