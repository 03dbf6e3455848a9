"""The channels in which the slot of a schedule that is in force stands: what `follow_schedule` reads.

The runtime writes them from the stored SCHEDULE.json, each cycle, so that controllers in their own processes and
replays see the same. They go stale when nobody writes them any more, and are BAD where the schedule says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Mode = Literal["PEAK_SHAVING", "SELF_CONSUMPTION", "CHARGE", "DISCHARGE", "IDLE"]
MODE_OF: Final[Mapping[int, Mode]] = {
    1: "PEAK_SHAVING", 2: "SELF_CONSUMPTION", 3: "CHARGE", 4: "DISCHARGE", 5: "IDLE",
}  # fmt: skip
"""By the code in ``site/schedule_mode``."""
MODES: Final = ("NONE", *MODE_OF.values())
"""Labels of ``site/schedule_mode``."""
STATES: Final = ("missing", "following", "not_begun", "between_slots", "ended", "clock_unknown", "invalid")
"""Labels of ``site/schedule_state``: is a slot in force, and if not, why."""
FOLLOWING: Final = STATES.index("following")
STATE: Final = "site/schedule_state"
MODE: Final = "site/schedule_mode"
SITE_NUMBERS: Final = {
    "schedule_grid_limit_w": "W",
    "schedule_export_limit_w": "W",
    "schedule_slot_end_s": "s",
}
"""Name behind ``site/`` -> unit. The limits are of the grid meter, both 0 or more; the end is UTC since 1970."""
BATTERY_NUMBERS: Final = {
    "schedule_power_w": "W",
    "schedule_soc_min_pct": "%",
    "schedule_soc_max_pct": "%",
}
"""Name behind a battery's id -> unit: advised power (discharge > 0) and the corridor of its state of charge."""
