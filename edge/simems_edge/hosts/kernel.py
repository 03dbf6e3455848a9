"""What the kernel knows of a process: its name, its parent, and the reason of its death."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
LONGEST_NAME = 15


def name_process(name: str) -> None:
    """What ``ps`` and ``top`` show, at most 15 characters."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:LONGEST_NAME])


def die_with_parent() -> None:
    """The kernel kills this process when its parent ends, however that ends."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def cause_of_death(exit_code: int, known: dict[int, str]) -> str:
    """In words; ``known``: what certain exit codes mean."""
    if exit_code in known:
        return known[exit_code]
    if exit_code < 0:
        return f"its process was killed by {_signal_name(-exit_code)}"
    return f"its process ended with exit code {exit_code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
