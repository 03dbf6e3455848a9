"""File descriptors: one for each connection of a device, and hosts give a process 1,024 unless it asks for more."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)


def ask_for_all() -> int:
    """As many as the host allows this process; how many that is. One that refuses leaves what there was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError) as error:
        log.warning("no more file descriptors to be had", extra={"now": soft, "wanted": hard, "error": str(error)})
        return soft
    return hard
