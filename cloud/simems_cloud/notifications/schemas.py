"""Bodies of the notification calls. Times UTC; quiet hours by the clock of their zone."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from simems_cloud.kit.described import example
from simems_cloud.organisation.schemas import TimeZone

Severity = Literal["info", "warning", "alarm"]
State = Literal["waiting", "delivered", "failed", "dropped"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Url = Annotated[str, StringConstraints(min_length=8, max_length=2000, pattern=r"^https?://[!-~]+$")]
SiteId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^/\x00-\x1f]+$")]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,39}$")]
AN_ID = "7f1c3e0e-6f5e-4a43-9d0c-0f6f6c1b0b5e"


class WebhookRequest(BaseModel):
    """Where JSON is posted to. Answer with any 2xx within ten seconds."""

    model_config = example(name="Operations", url="https://hooks.example.com/simems", active=True)
    name: Name
    url: Url
    active: bool = True


class Webhook(WebhookRequest):
    model_config = example(
        id=AN_ID,
        name="Operations",
        url="https://hooks.example.com/simems",
        active=True,
        version=1,
        created_at="2026-03-01T10:00:00Z",
    )
    id: UUID
    version: int
    created_at: datetime


class NewWebhook(Webhook):
    """``secret`` is shown this once: messages are signed with it."""

    model_config = example(
        id=AN_ID,
        name="Operations",
        url="https://hooks.example.com/simems",
        active=True,
        version=1,
        created_at="2026-03-01T10:00:00Z",
        secret="whsec_...",  # noqa: S106 - an example
    )
    secret: str


class SubscriptionRequest(BaseModel):
    """Exactly one of ``user_id``, ``role`` (both by e-mail) and ``webhook_id``."""

    model_config = example(
        user_id=AN_ID,
        role=None,
        webhook_id=None,
        site_id=None,
        minimum_severity="warning",
        escalations_only=False,
        tell_cleared=True,
        quiet_from="22:00:00",
        quiet_to="06:00:00",
        time_zone="Europe/Stockholm",
        alarms_break_quiet=True,
        active=True,
    )
    user_id: UUID | None = None
    role: RoleName | None = Field(default=None, description="Everybody who has it and may see the site's alarms.")
    webhook_id: UUID | None = None
    site_id: SiteId | None = Field(default=None, description="Null: all sites.")
    minimum_severity: Severity = "warning"
    escalations_only: bool = Field(default=False, description="Only what nobody acknowledged in time.")
    tell_cleared: bool = Field(default=True, description="Also when it is over.")
    quiet_from: time | None = Field(default=None, description="Messages wait from here ...")
    quiet_to: time | None = Field(default=None, description="... to here; may reach over midnight.")
    time_zone: TimeZone = "UTC"
    alarms_break_quiet: bool = Field(default=True, description="Severity `alarm` does not wait.")
    active: bool = True

    @model_validator(mode="after")
    def _complete(self) -> SubscriptionRequest:
        if sum(who is not None for who in (self.user_id, self.role, self.webhook_id)) != 1:
            raise ValueError("user_id, role, webhook_id: exactly one of them")
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("quiet_from, quiet_to: both or none")
        if any(t is not None and t.tzinfo is not None for t in (self.quiet_from, self.quiet_to)):
            raise ValueError("quiet_from, quiet_to: without an offset; the zone is time_zone")
        return self


class Subscription(SubscriptionRequest):
    model_config = ConfigDict(json_schema_extra={}, json_schema_serialization_defaults_required=True)
    id: UUID
    version: int


class Delivery(BaseModel):
    """One message and how it goes."""

    model_config = example(
        id=AN_ID,
        method="email",
        recipient="ada@example.com",
        subject="[ALARM] Malmö: Battery too warm: ess0/cell_temperature_max_degc",
        state="delivered",
        attempts=1,
        next_attempt_at="2026-03-01T10:02:00Z",
        created_at="2026-03-01T10:00:00Z",
        delivered_at="2026-03-01T10:00:01Z",
        last_error="",
        subscription_id=AN_ID,
        alarm_id=AN_ID,
    )
    id: UUID
    method: Literal["email", "webhook"]
    recipient: str
    subject: str
    state: State = Field(description="`dropped`: cleared before the quiet hours ended.")
    attempts: int
    next_attempt_at: AwareDatetime
    created_at: AwareDatetime
    delivered_at: AwareDatetime | None
    last_error: str
    subscription_id: UUID | None
    alarm_id: UUID | None = Field(description="Null: a test.")
