"""Whether a rule's condition holds, from one look at a channel; pure.

A value that is missing, stale, bad or not a number says nothing: a limit that was passed stays passed and one that
was not stays so. Times are the values' own, so that a site whose data come late is judged as if they had come in
time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from simems_cloud.alarms.rules import Rule

GOOD, FORCED = 0, 3
"""Codes of quality that count as valid."""
Move = Literal["raise", "clear", "stay"]


@dataclass(frozen=True)
class Look:
    """One channel as it stands."""

    value: float | None
    value_at: datetime | None
    """Of the last valid value."""
    quality: int | None
    talks: bool
    """The site's device sends data."""
    since: datetime | None
    """Since when the condition has held, as the look before left it."""
    standing: bool
    """Its alarm stands."""


@dataclass(frozen=True)
class Verdict:
    move: Move
    since: datetime | None


def judge(rule: Rule, look: Look, now: datetime) -> Verdict:
    """Of the kinds ``stale``, ``above`` and ``below``."""
    return _stale(rule, look, now) if rule.kind == "stale" else _limit(rule, look)


def _stale(rule: Rule, look: Look, now: datetime) -> Verdict:
    """While the device is silent as a whole, that is one alarm of its own; this one waits."""
    if not look.talks:
        return Verdict("stay", look.since)
    if look.value_at is None or now - look.value_at <= timedelta(seconds=rule.for_s):
        return Verdict("clear" if look.standing and look.value_at is not None else "stay", None)
    return Verdict("stay" if look.standing else "raise", look.value_at)


def _limit(rule: Rule, look: Look) -> Verdict:
    if rule.threshold is None or look.value is None or look.value_at is None or not _valid(look):
        return Verdict("stay", look.since)
    excess = look.value - rule.threshold if rule.kind == "above" else rule.threshold - look.value
    if look.standing:
        back = excess <= -rule.hysteresis
        return Verdict("clear", None) if back else Verdict("stay", look.since)
    if excess <= 0:
        return Verdict("stay", None)
    since = look.since or look.value_at
    held_s = (look.value_at - since).total_seconds()
    return Verdict("raise" if held_s >= rule.for_s else "stay", since)


def _valid(look: Look) -> bool:
    return look.quality in (GOOD, FORCED) and look.value is not None and math.isfinite(look.value)
