"""Bodies of the platform calls."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
]


class NewTenant(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Harbour Foods", "admin_email": "ada@example.com"}]}
    )
    name: Name
    admin_email: Email


class Tenant(BaseModel):
    id: UUID
    name: str
    status: Literal["active", "suspended", "deleting", "deleted"]
    created_at: datetime


class CreatedTenant(Tenant):
    """``invitation``: shown once; the first administrator accepts it at ``/auth/accept-invitation``."""

    invitation: str


class Deletion(BaseModel):
    """Send ``confirmation`` back, with the tenant's name, within ten minutes."""

    confirmation: str


class DeletionConfirmed(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Harbour Foods", "confirmation": "eyJ..."}]})
    name: Name
    confirmation: Annotated[str, Field(max_length=2000)]
