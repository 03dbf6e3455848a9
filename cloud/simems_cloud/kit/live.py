"""What PostgreSQL's NOTIFY carries between the processes: which site has something new, never the values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

CHANNEL = "simems_live"
DEVICES = "simems_devices"
COMMANDS = "simems_commands"
"""Carries the id of a device that has something to do."""
Kind = Literal["latest", "alarms"]


@dataclass(frozen=True)
class LiveNote:
    tenant_id: UUID
    site_id: str
    kind: Kind


def live_payload(tenant_id: UUID, site_id: str, kind: Kind) -> str:
    return json.dumps([str(tenant_id), site_id, kind])


def read_payload(payload: str) -> LiveNote:
    tenant, site_id, kind = json.loads(payload)
    return LiveNote(UUID(tenant), site_id, kind)
