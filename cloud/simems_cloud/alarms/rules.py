"""What is watched: the rules of a tenant, and the built-in ones that hold until a tenant says otherwise.

Kinds, looked at every ten seconds on the newest values: ``stale`` (no valid value for ``for_s`` although the site's
device talks), ``above`` and ``below`` (``threshold`` for at least ``for_s``; ends when ``hysteresis`` has been
passed the other way). ``event``: alarms that devices themselves raise, found by their code: another severity, an
escalation. Looked at every minute on one-minute figures: ``range`` (outside ``low`` .. ``threshold``), ``jump``
(changes by more than ``threshold`` within a minute; a register that counts backwards), ``stuck`` (exactly the same
and not zero for ``for_s``), ``balance`` (grid + PV + battery - charging - load is further from zero than
``threshold`` W, and than a twentieth of the largest of them).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid5

import asyncpg

from simems_cloud.kit.database import Connection
from simems_cloud.kit.sql import load_queries

QUERIES = load_queries("simems_cloud.alarms")
Kind = Literal["stale", "above", "below", "event", "range", "jump", "stuck", "balance"]
Severity = Literal["info", "warning", "alarm"]
SAMPLED: tuple[Kind, ...] = ("stale", "above", "below")
ROLLED_UP: tuple[Kind, ...] = ("range", "jump", "stuck")
_NAMES = UUID("6e2a7c2e-3c0b-5d0e-9d4a-0a6f3b1c9e55")


@dataclass(frozen=True)
class Rule:
    """One row of ``alarm_rules``, or a built-in one (``version`` 0)."""

    rule_id: UUID
    name: str
    kind: Kind
    site_id: str | None = None
    component_kind: str = ""
    channel: str = ""
    low: float | None = None
    threshold: float | None = None
    hysteresis: float = 0.0
    for_s: float = 0.0
    severity: Severity = "warning"
    escalate_after_s: float | None = None
    remedy: str = ""
    active: bool = True
    version: int = 0

    @property
    def pattern(self) -> str:
        """``channel`` for SQL's ``like``."""
        return re.sub(r"([\\%_])", r"\\\1", self.channel).replace("*", "%")


def _built_in(key: str, name: str, kind: Kind, channel: str, remedy: str, **more: float | str | None) -> Rule:
    return Rule(uuid5(_NAMES, key), name, kind, channel=channel, remedy=remedy, **more)  # type: ignore[arg-type] # by name


BUILT_IN: tuple[Rule, ...] = (
    _built_in(
        "stale.power",
        "A power is not measured",
        "stale",
        "*/active_power_w",
        "Look at the component's communication on site.",
        for_s=600.0,
    ),
    _built_in(
        "stale.soc",
        "A state of charge is not measured",
        "stale",
        "*/soc_pct",
        "Look at the battery's communication on site.",
        for_s=600.0,
    ),
    _built_in(
        "range.power",
        "A power that cannot be",
        "range",
        "*/active_power_w",
        "Check the meter's transformer ratio and the scaling of the channel.",
        low=-2e7,
        threshold=2e7,
    ),
    _built_in(
        "range.soc",
        "A state of charge outside 0 to 100",
        "range",
        "*/soc_pct",
        "Check the scaling of the channel.",
        low=0.0,
        threshold=100.0,
    ),
    _built_in(
        "jump.soc",
        "A state of charge that jumps",
        "jump",
        "*/soc_pct",
        "The battery's own estimate has been corrected; let it charge to the end once.",
        threshold=5.0,
    ),
    _built_in(
        "jump.energy",
        "An energy register that jumps or counts backwards",
        "jump",
        "*energy_wh",
        "The device was replaced, reset, or reads another register; check its configuration.",
        threshold=2e5,
    ),
    _built_in(
        "stuck.power",
        "A power that does not move",
        "stuck",
        "*/active_power_w",
        "The device answers but does not measure; restart it.",
        for_s=3600.0,
    ),
    _built_in(
        "balance.power",
        "Powers that do not add up",
        "balance",
        "",
        "A meter is missing, turned round, or has the wrong ratio.",
        threshold=2000.0,
        for_s=600.0,
    ),
    _built_in(
        "event.disk",
        "The disk of a controller",
        "event",
        "buffer.*",
        "Make room or replace the disk.",
        severity="alarm",
    ),
)
_DEFAULTS = {rule.rule_id: rule for rule in BUILT_IN}


def built_in(rule_id: UUID) -> Rule | None:
    return _DEFAULTS.get(rule_id)


async def rules_of(connection: Connection) -> list[Rule]:
    """All of the transaction's tenant, built-in ones first, inactive ones too."""
    said = {row["rule_id"]: rule_from(row) for row in await connection.fetch(QUERIES["rules"])}
    own = [rule for rule_id, rule in said.items() if rule_id not in _DEFAULTS]
    return [said.get(rule.rule_id, rule) for rule in BUILT_IN] + own


def rule_from(row: asyncpg.Record) -> Rule:
    return Rule(**dict(row))


def columns(rules: Iterable[Rule]) -> tuple[list[UUID], list[str], list[str], list[str], list[float]]:
    """What the queries need to find the channels of each rule: one list each."""
    rows = list(rules)
    return (
        [rule.rule_id for rule in rows],
        [rule.pattern for rule in rows],
        [rule.component_kind for rule in rows],
        [rule.site_id or "" for rule in rows],
        [rule.for_s for rule in rows],
    )
