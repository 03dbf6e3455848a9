"""Bodies of the alarm calls."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from simems_cloud.kit.described import example

Severity = Literal["info", "warning", "alarm"]
RuleKind = Literal["stale", "above", "below", "event", "range", "jump", "stuck", "balance"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Pattern = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9_./*-]*$")]
SiteId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^/\x00-\x1f]+$")]
Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


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
    escalated_at: datetime | None = Field(default=None, description="Nobody acknowledged it in time.")
    rule_id: UUID | None = Field(default=None, description="Of the rule that raised it; null: an event of a device.")
    value: float | None = Field(default=None, description="The figure that raised it, in the channel's unit.")
    silenced_until: datetime | None = Field(default=None, description="Nobody is told of it until then.")


class RuleRequest(BaseModel):
    """What is watched. ``threshold`` and ``low`` in the channel's unit; see the guide for what each kind needs."""

    model_config = example(
        name="Battery too warm",
        kind="above",
        site_id=None,
        component_kind="ess",
        channel="*/cell_temperature_max_degc",
        low=None,
        threshold=45.0,
        hysteresis=3.0,
        for_s=120.0,
        severity="alarm",
        escalate_after_s=1800.0,
        remedy="Check the cooling.",
        active=True,
    )
    name: Name
    kind: RuleKind
    site_id: SiteId | None = Field(default=None, description="Null: all sites.")
    component_kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{0,40}$")] = Field(
        default="", description="Only components of this kind, e.g. `ess`; empty: any."
    )
    channel: Pattern = Field(default="", description="An address, `*` for any text. For events: their code.")
    low: Number | None = Field(default=None, description="Of `range`.")
    threshold: Number | None = None
    hysteresis: Annotated[float, Field(ge=0, le=1e12)] = 0.0
    for_s: Seconds = Field(default=0.0, description="The condition holds for at least so long.")
    severity: Severity = "warning"
    escalate_after_s: Annotated[float, Field(ge=60, le=2_592_000)] | None = Field(
        default=None, description="Unacknowledged for so long: severity `alarm`, and told again."
    )
    remedy: Text = ""
    active: bool = True

    @model_validator(mode="after")
    def _complete(self) -> RuleRequest:
        if self.kind in ("above", "below", "jump", "balance") and self.threshold is None:
            raise ValueError(f"threshold: a rule of kind {self.kind} needs one")
        if self.kind == "range" and self.threshold is None and self.low is None:
            raise ValueError("low, threshold: a range needs at least one of them")
        if self.kind != "balance" and not self.channel:
            raise ValueError("channel: which one; `*/soc_pct` is the state of charge of every component")
        if self.kind in ("stale", "stuck") and self.for_s < 60:
            raise ValueError(f"for_s: a rule of kind {self.kind} needs at least 60 s")
        return self


class AlarmRule(RuleRequest):
    """``built_in``: holds for every tenant; ``version`` 0: as delivered."""

    id: UUID
    built_in: bool
    version: int


class CommentRequest(BaseModel):
    model_config = example(text="Fan ordered, comes on Tuesday.")
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]+$")]


class AlarmChange(BaseModel):
    """A step in the life of an alarm."""

    model_config = example(
        id=31, kind="acknowledged", severity="alarm", at="2026-03-01T10:00:00Z", actor="ada@example.com", text=""
    )
    id: int
    kind: Literal["raised", "cleared", "acknowledged", "escalated", "severity", "commented"]
    severity: Severity
    at: datetime
    actor: str
    text: str


class AlarmChanges(BaseModel):
    """In their order. ``next``: pass as ``after`` for the next page; null: this was the last."""

    items: list[AlarmChange]
    next: int | None


class SilenceAlarm(BaseModel):
    model_config = example(until="2026-03-02T06:00:00Z", reason="Maintenance")
    until: AwareDatetime
    reason: Text = ""


class SilenceRequest(SilenceAlarm):
    """Nobody is told of alarms like these until then; they are raised and listed all the same."""

    model_config = example(
        site_id="malmo-1", code="rule.*", component="ess0", until="2026-03-02T06:00:00Z", reason="Maintenance"
    )
    site_id: SiteId | None = Field(default=None, description="Null: all sites.")
    code: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.*-]+$")] = "*"
    component: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.*-]+$")] = "*"


class Silence(BaseModel):
    model_config = example(
        id="7f1c3e0e-6f5e-4a43-9d0c-0f6f6c1b0b5e",
        site_id="malmo-1",
        code="rule.*",
        component="ess0",
        until="2026-03-02T06:00:00Z",
        reason="Maintenance",
        created_by="ada@example.com",
        created_at="2026-03-01T10:00:00Z",
        ended_at=None,
    )
    id: UUID
    site_id: str | None
    code: str
    component: str
    until: datetime
    reason: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None = Field(description="Ended before its time.")
