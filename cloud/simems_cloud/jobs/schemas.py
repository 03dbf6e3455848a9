"""Bodies of the job calls. Times UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["waiting", "running", "succeeded", "failed", "cancelled"]


class Job(BaseModel):
    """Something the worker does for the tenant, is doing, or did in the last days."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 812,
                    "task": "make_report",
                    "status": "succeeded",
                    "attempts": 0,
                    "arguments": {"report_id": "7f1c3e0e-6f5e-4a43-9d0c-0f6f6c1b0b5e"},
                    "scheduled_at": None,
                    "created_at": "2026-03-01T05:00:00Z",
                    "started_at": "2026-03-01T05:00:01Z",
                    "ended_at": "2026-03-01T05:00:02Z",
                }
            ]
        }
    )
    id: int
    task: str
    status: Status
    attempts: int = Field(description="That failed before.")
    arguments: dict[str, Any]
    scheduled_at: datetime | None = Field(description="Not before this time; null: as soon as a worker is free.")
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


class Jobs(BaseModel):
    """Newest first. ``next``: pass as ``before`` for the next page; null: this was the last."""

    items: list[Job]
    next: int | None


class Retried(BaseModel):
    """``id`` waits for a worker again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": 812}]})
    id: int
