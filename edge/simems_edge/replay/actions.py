"""Reads the ACTIONS of a replay: what persons do, ``time_s,action,target,value,duration_s``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from simems_edge.replay.problems import ReplayError, refusal

COLUMNS = ["time_s", "action", "target", "value", "duration_s"]


@dataclass(frozen=True, slots=True)
class Action:
    """An override, or its end (``clear_override``). ``line``: in the file, for messages."""

    time_s: float
    action: str
    target: str
    value: float
    duration_s: float
    line: int


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
    time_text, action, target, value_text, duration_text = cells
    if action not in ("override", "clear_override"):
        raise refusal(path, line, "action", action, "is not known here", "use override or clear_override")
    needed = action == "override"
    time_s = _number(path, line, "time_s", time_text)
    value = _number(path, line, "value", value_text) if needed else 0.0
    duration_s = _number(path, line, "duration_s", duration_text) if needed else 0.0
    return Action(time_s, action, target, value, duration_s, line)


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise refusal(path, line, name, text, "is no finite number", "write one")
    return value


def action_error(path: Path, action: Action, message: str) -> ReplayError:
    """An action that the runtime refuses."""
    return refusal(path, action.line, "target", action.target, message, "correct target, value or duration")
