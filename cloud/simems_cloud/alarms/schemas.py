"""Bodies of the alarm calls."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Alarm(BaseModel):
    """One occurrence, until and after it cleared. ``origin``: who noticed."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: str
    site_id: str
    origin: Literal["edge", "cloud"]
    code: str
    severity: Literal["info", "warning", "alarm"]
    component: str
    text: str
    cause: str = ""
    effect: str = ""
    remedy: str = ""
    raised_at: datetime
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
