"""Reads the ACTIONS of a replay and does them: what persons do, ``time_s,action,target,value,duration_s``.

action          target                value                         duration_s
override        actuator              power                         seconds
clear_override  actuator
clear_fault     code, code:component
set_mode        mode, or ``site``     mode, when target is site     seconds, or empty: until changed
estop           ``site``, or empty    1 or empty pressed; 0 release seconds, or empty: until released
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

from simems_edge.replay.problems import ReplayError, refusal
from simems_edge.runtime import FaultRefusedError, RequestRefusedError, Runtime

log = logging.getLogger(__name__)
COLUMNS = ["time_s", "action", "target", "value", "duration_s"]
ACTOR: Final = "replay"
SITE_TARGETS: Final = frozenset({"", "site", "site/estop", "site/control_mode"})


@dataclass(frozen=True, slots=True)
class Action:
    """One row. ``value`` as written. ``line``: in the file, for messages."""

    time_s: float
    action: str
    target: str
    value: str
    duration_s: float
    line: int


class _RefusedActionError(ValueError):
    """What the runtime says against an action."""


def read_actions(path: Path) -> list[Action]:
    """Sorted by time. Raises ReplayError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            if next(reader, None) != COLUMNS:
                raise refusal(path, 1, "header", "", f"must be {','.join(COLUMNS)}", "write these columns")
            actions = [_action(path, cells, reader.line_num) for cells in reader]
    except OSError as error:
        raise refusal(path, 1, "(file)", "", error.strerror or "cannot be read", "check the path") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise refusal(path, 1, "(file)", "", str(error), "write plain CSV in UTF-8") from error
    return sorted(actions, key=lambda action: action.time_s)


def _action(path: Path, cells: list[str], line: int) -> Action:
    if len(cells) != len(COLUMNS):
        raise refusal(path, line, "row", "", f"has {len(cells)} cells", f"write {len(COLUMNS)}")
    time_text, action, target, value, duration_text = (cell.strip() for cell in cells)
    if action not in DOERS:
        raise refusal(path, line, "action", action, "is not known here", f"use one of {', '.join(DOERS)}")
    if action == "override" or (action == "estop" and value):
        _number(path, line, "value", value)
    needed = action == "override" or bool(duration_text)
    duration_s = _number(path, line, "duration_s", duration_text) if needed else 0.0
    if needed and duration_s < 0.0:
        raise refusal(path, line, "duration_s", duration_text, "is a negative duration", "write 0 or more")
    return Action(_number(path, line, "time_s", time_text), action, target, value, duration_s, line)


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise refusal(path, line, name, text, "is no finite number", "write one")
    return value


def perform(runtime: Runtime, action: Action, path: Path) -> None:
    """Raises ReplayError for what this site cannot do at all. What is refused at that moment is part of the story."""
    try:
        DOERS[action.action](runtime, action)
    except (FaultRefusedError, RequestRefusedError) as error:
        log.warning("refused", extra={"line": action.line, "action": action.action, "reason": str(error)})
    except (KeyError, ValueError) as error:
        raise _action_error(path, action, str(error.args[0])) from error


def _override(runtime: Runtime, action: Action) -> None:
    value, duration_s = float(action.value), action.duration_s
    runtime.overrides.set(action.target, value, duration_s=duration_s, reason=ACTOR, actor=ACTOR)


def _clear_override(runtime: Runtime, action: Action) -> None:
    runtime.overrides.clear(action.target, ACTOR)


def _clear_fault(runtime: Runtime, action: Action) -> None:
    try:
        runtime.faults.clear(action.target, ACTOR)
    except KeyError as error:
        raise _RefusedActionError("is no fault that this site can have (see docs/faults.md)") from error


def _set_mode(runtime: Runtime, action: Action) -> None:
    name = action.value if action.target in SITE_TARGETS else action.target
    runtime.requests.set_mode(name.upper(), actor=ACTOR, duration_s=action.duration_s)


def _estop(runtime: Runtime, action: Action) -> None:
    if action.target not in SITE_TARGETS:
        raise _RefusedActionError("has no emergency stop of its own; use site")
    pressed = action.value == "" or float(action.value) != 0.0
    runtime.requests.set_estop(pressed=pressed, actor=ACTOR, duration_s=action.duration_s)


DOERS: Final[dict[str, Callable[[Runtime, Action], None]]] = {
    "override": _override,
    "clear_override": _clear_override,
    "clear_fault": _clear_fault,
    "set_mode": _set_mode,
    "estop": _estop,
}


def _action_error(path: Path, action: Action, message: str) -> ReplayError:
    """An action that the runtime refuses."""
    return refusal(path, action.line, "target", action.target, message, "correct target, value or duration")
