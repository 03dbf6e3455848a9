"""Bodies of the identity calls. Times UTC; secrets appear once, when they are made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from simems_cloud.access.permissions import Permission
from simems_cloud.kit.described import example

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00]*$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,39}$")]


class SignedInTokens(BaseModel):
    """A bearer token; ``expires_in`` in seconds. The refresh token is good for one use at ``/auth/refresh``."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str


class RefreshRequest(BaseModel):
    model_config = example(refresh_token="simems_refresh_...")  # noqa: S106 - an example
    refresh_token: Annotated[str, Field(max_length=200)]


class TenantName(BaseModel):
    id: UUID
    name: str


class Me(BaseModel):
    """The signed-in person."""

    email: str
    name: str
    role: str = Field(description="All roles as one text, for showing.")
    roles: list[str]
    permissions: list[str] = Field(description="Held somewhere in the tenant.")
    second_factor: bool
    must_enrol: bool = Field(description="Nothing but one's own account is open until a second factor is enrolled.")
    tenant: TenantName


class Session(BaseModel):
    id: UUID
    method: Literal["password", "oidc", "invitation"]
    client: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    current: bool


class PasswordCheck(BaseModel):
    model_config = example(password="correct horse battery")  # noqa: S106 - an example
    password: Password


class PasswordChange(BaseModel):
    model_config = example(password="correct horse battery", new_password="staple battery horse")  # noqa: S106 - an example
    password: Password
    new_password: Password


class Code(BaseModel):
    model_config = example(code="492039")
    code: Annotated[str, StringConstraints(min_length=6, max_length=40)]


class SecondFactorSecret(BaseModel):
    """``uri`` as a QR code for an authenticator application."""

    secret: str
    uri: str


class RecoveryCodes(BaseModel):
    """Each good for one sign-in without the second factor."""

    codes: list[str]


class GrantRequest(BaseModel):
    """A role, at a node of the tree and below, or everywhere."""

    model_config = example(role="site_operator", node_id=None)
    role: RoleName
    node_id: UUID | None = None


class Person(BaseModel):
    model_config = example(
        id="1b671a64-40d5-491e-99b0-da01ff1f3341",
        email="ada@example.com",
        name="Ada",
        active=True,
        second_factor=True,
        grants=[{"role": "viewer", "node_id": None}],
        created_at="2026-03-01T10:00:00Z",
        version=1,
    )
    id: UUID
    email: str
    name: str
    active: bool
    second_factor: bool
    grants: list[GrantRequest]
    created_at: datetime
    version: int


class People(BaseModel):
    """``next``: pass as ``after`` for the next page; null: this was the last."""

    items: list[Person]
    next: str | None


class PersonChange(BaseModel):
    model_config = example(name="Ada L.", active=True)
    name: Text
    active: bool


class Grants(BaseModel):
    model_config = example(grants=[{"role": "site_operator", "node_id": None}])
    grants: Annotated[list[GrantRequest], Field(max_length=100)]


class InvitationRequest(BaseModel):
    model_config = example(email="ada@example.com", name="Ada", grants=[{"role": "viewer"}], valid_days=7)
    email: Email
    name: Text = ""
    grants: Annotated[list[GrantRequest], Field(min_length=1, max_length=100)]
    valid_days: Annotated[int, Field(ge=1, le=30)] = 7


class Invitation(BaseModel):
    id: UUID
    email: str
    name: str
    grants: list[GrantRequest]
    invited_by: str
    created_at: datetime
    expires_at: datetime


class NewInvitation(Invitation):
    """``token``: shown once; give it to the person invited."""

    token: str


class Acceptance(BaseModel):
    model_config = example(token="simems_invite_...", name="Ada", password="correct horse battery")  # noqa: S106 - an example
    token: Annotated[str, Field(max_length=200)]
    name: Text = ""
    password: Password


class RoleRequest(BaseModel):
    model_config = example(description="Sees alarms and nothing else", permissions=["alarms:read"])
    description: Text = ""
    permissions: Annotated[list[Permission], Field(min_length=1)]


class NewRole(RoleRequest):
    model_config = example(role="night_watch", description="Sees alarms", permissions=["alarms:read"])
    role: RoleName


class Role(BaseModel):
    """A built-in role has version 0 and cannot be changed."""

    role: str
    description: str
    permissions: list[str]
    built_in: bool
    version: int


class TokenRequest(BaseModel):
    model_config = example(name="grafana", permissions=["telemetry:read"], valid_days=365)
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    permissions: Annotated[list[Permission], Field(min_length=1)]
    valid_days: Annotated[int, Field(ge=1, le=730)] = 90


class ApiToken(BaseModel):
    id: UUID
    name: str
    permissions: list[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class NewApiToken(ApiToken):
    """``token``: shown once; only its hash is kept."""

    token: str


class TenantSettings(BaseModel):
    id: UUID
    name: str
    status: Literal["active", "suspended", "deleting", "deleted"]
    second_factor_required: bool
    created_at: datetime
    version: int


class TenantChange(BaseModel):
    model_config = example(name="Harbour Foods", second_factor_required=True)
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    second_factor_required: bool


class SsoStart(BaseModel):
    model_config = example(
        tenant_id="1b671a64-40d5-491e-99b0-da01ff1f3341", provider="corporate", redirect_uri="https://ems.example/sso"
    )
    tenant_id: UUID
    provider: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    redirect_uri: Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://[^\s\x00]+$")]


class SignInAddress(BaseModel):
    """Where the browser goes next. Keep ``state`` in the browser and compare it with the one that comes back."""

    url: str
    state: str


class SsoFinish(BaseModel):
    model_config = example(state="simems_state_...", code="4/0AX4XfWh...")
    state: Annotated[str, Field(max_length=200)]
    code: Annotated[str, Field(max_length=4000)]
