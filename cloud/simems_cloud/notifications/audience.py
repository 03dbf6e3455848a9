"""Who hears of a step in an alarm's life: those who asked for it and may see it; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from simems_cloud.access.permissions import BUILT_IN, Permission
from simems_cloud.notifications.quiet import held_until

RANK = {"info": 0, "warning": 1, "alarm": 2}
TOLD = ("raised", "escalated", "cleared")
Method = Literal["email", "webhook"]


@dataclass(frozen=True)
class Recipient:
    """``not_before``: the end of their quiet hours; None: at once."""

    subscription_id: UUID
    webhook_id: UUID | None
    method: Method
    address: str
    not_before: datetime | None


def recipients(change: Mapping[str, Any], subscriptions: Iterable[Mapping[str, Any]], now: datetime) -> list[Recipient]:
    """``change``: a row of ``untold``; ``subscriptions``: rows of ``audience``."""
    return [_recipient(change, row, now) for row in subscriptions if _wants(row, change) and _may(row, change["path"])]


def _wants(row: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
    kind = change["kind"]
    if kind not in TOLD or (row["site_id"] is not None and row["site_id"] != change["site_id"]):
        return False
    if RANK[change["severity"]] < RANK[row["minimum_severity"]]:
        return False
    if kind == "cleared":
        return bool(row["tell_cleared"]) and not row["escalations_only"]
    return kind == "escalated" or not row["escalations_only"]


def _may(row: Mapping[str, Any], path: str | None) -> bool:
    """A webhook is the tenant's; a person sees what their roles let them see now."""
    return row["email"] is None or any(_sees(grant, path) for grant in json.loads(row["grants"]))


def _sees(grant: tuple[str, list[str], str | None, str | None], path: str | None) -> bool:
    """``grant``: role, its own permissions, path of its node, the node."""
    role, own, granted, node = grant
    if Permission.ALARMS_READ not in BUILT_IN.get(role, frozenset(own)):
        return False
    if granted is None:
        return node is None
    return path is not None and (path == granted or path.startswith(granted + "."))


def _recipient(change: Mapping[str, Any], row: Mapping[str, Any], now: datetime) -> Recipient:
    held = held_until(now, row["quiet_from"], row["quiet_to"], row["time_zone"])
    if change["severity"] == "alarm" and row["alarms_break_quiet"]:
        held = None
    if row["email"] is not None:
        return Recipient(row["subscription_id"], None, "email", row["email"], held)
    return Recipient(row["subscription_id"], row["webhook_id"], "webhook", row["url"], held)
