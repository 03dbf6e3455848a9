"""Bodies of the audit calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class AuditEntry(BaseModel):
    """One thing somebody did."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "serial": 41,
                    "at": "2026-03-01T10:00:00Z",
                    "actor": "ada@example.com",
                    "action": "alarm.acknowledge",
                    "object": "7f1c3e0e-6f5e-4a43-9d0c-0f6f6c1b0b5e",
                    "details": {"site_id": "malmo-1"},
                    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                }
            ]
        }
    )
    serial: int
    at: datetime
    actor: str
    action: str
    object: str
    details: dict[str, Any]
    hash: str = Field(description="sha256 in hex, over this entry and the hash before it.")


class AuditPage(BaseModel):
    """Newest first. ``next``: pass as ``before`` for the next page; null: this was the last."""

    items: list[AuditEntry]
    next: int | None
