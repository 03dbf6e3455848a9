"""Bodies of the identity calls."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel

Role = Literal["viewer", "operator", "admin"]


class AccessToken(BaseModel):
    """A bearer token; ``expires_in`` in seconds."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int


class TenantName(BaseModel):
    id: UUID
    name: str


class Me(BaseModel):
    """The signed-in person."""

    email: str
    name: str
    role: Role
    tenant: TenantName
