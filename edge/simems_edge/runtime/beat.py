"""Starts the cycle's thread as the site file asks, and says in one line what the machine granted of it."""

from __future__ import annotations

import logging
import os

from simems_core import Cycle

from simems_edge.config import CycleSettings

log = logging.getLogger(__name__)
REMEDIES = {
    "realtime": "set LimitRTPRIO={priority} in the service's unit, or give it CAP_SYS_NICE",
    "memory": "set LimitMEMLOCK=infinity in the service's unit, or give it CAP_IPC_LOCK",
    "cpu": "name a core that this machine has and the service may use (CPUAffinity= of its unit)",
}
UNASKED = {"realtime": "SCHED_FIFO", "memory": "locked memory", "cpu": "a certain core"}
PARTS = {"realtime": "SCHED_FIFO {priority}", "memory": "locked memory", "cpu": "core {cpu}"}


def start_beat(cycle: Cycle, settings: CycleSettings) -> None:
    """The cycle beats in any case; what was refused makes it later on a busy machine, never wrong."""
    cycle.start(priority=settings.realtime_priority, cpu=settings.cpu, lock_memory=settings.lock_memory)
    grants = cycle.grants()
    refused = any(code for code in grants.values())
    level = logging.WARNING if refused else logging.INFO
    log.log(level, "real-time set-up: %s", grants_text(grants, settings), extra={"grants": grants})


def grants_text(grants: dict[str, int | None], settings: CycleSettings) -> str:
    """What was granted, and for each refusal its cause and remedy."""
    words = {"priority": settings.realtime_priority, "cpu": settings.cpu}
    return "; ".join(_part(name, grants[name]).format(**words) for name in PARTS)


def _part(name: str, code: int | None) -> str:
    if code is None:
        return f"{UNASKED[name]} not asked for"
    if code == 0:
        return f"{PARTS[name]} granted"
    return f"{PARTS[name]} refused ({os.strerror(code)}): {REMEDIES[name]}"
