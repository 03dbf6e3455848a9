"""Whether a foreign controller package can be imported at all, tried in a process of its own.

A package may hang, exit or crash on import, and nothing in the same process could stop it. What ends the trial ends
nothing else; only what passed it is imported here.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint

LONGEST_S = 60.0
"""Time for an import on a slow and busy box."""
OUR_OWN = "simems_edge"
PASSED = 0
RAISED = 3


@lru_cache(maxsize=256)
def fault_on_import(module: str, longest_s: float = LONGEST_S) -> str | None:
    """Why this module cannot be imported; None: it can."""
    command = [sys.executable, "-m", __name__, module]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            command, capture_output=True, text=True, timeout=longest_s, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        return f"its import did not end within {longest_s:g} s"
    if done.returncode == PASSED:
        return None
    said = done.stderr.strip().rpartition("\n")[2] or "it said nothing"
    if done.returncode == RAISED:
        return said
    return f"its import {_end(done.returncode)}: {said}"


def is_foreign(point: EntryPoint) -> bool:
    """Whether this package is none of ours."""
    return point.module.partition(".")[0] != OUR_OWN


def _end(code: int) -> str:
    if code >= 0:
        return f"ended the process with exit code {code}"
    try:
        return f"killed the process with {signal.Signals(-code).name}"
    except ValueError:
        return f"killed the process with signal {-code}"


def _try(module: str) -> int:
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the verdict
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return RAISED
    return PASSED


if __name__ == "__main__":
    sys.exit(_try(sys.argv[1]))
