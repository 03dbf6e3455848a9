"""Bodies of the edge's HTTP interface. Values are SI base units; times are UTC, ISO 8601; ``null``: not known."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Quality = Literal["good", "stale", "bad", "forced"]
ChannelKind = Literal["float", "int", "bool", "enum"]
Severity = Literal["info", "warning", "alarm"]
Role = Literal["operator"]
LinkState = Literal["unconfigured", "connecting", "up", "down", "refused"]


class Model(BaseModel):
    """Base: unknown fields are refused, and fields with a default are always present in an answer."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class ChannelDescription(Model):
    """One row of the tag table."""

    address: str
    unit: str = ""
    kind: ChannelKind = "float"
    resolution: float = 0.0
    labels: dict[str, str] = Field(default_factory=dict, description="Text per code of an enum.")


class ComponentDescription(Model):
    """A device, or a virtual thing on site."""

    id: str
    kind: str
    name: str = ""
    profile: str = ""
    channels: list[ChannelDescription]


class ControllerDescription(Model):
    """One configured controller."""

    id: str
    type: str


class SiteDescription(Model):
    """What stands on this site and what it is called."""

    id: str
    name: str
    time_zone: str
    currency: str
    import_limit_w: float | None = None
    export_limit_w: float | None = None
    components: list[ComponentDescription]
    controllers: list[ControllerDescription]
    channels: list[ChannelDescription] = Field(description="Channels that belong to no component.")
    settings: dict[str, float] = Field(default_factory=dict, description="Numbers screens draw: `peak0/threshold_w`.")


class Why(Model):
    """What the battery does and why; screens translate by `code` and `params`."""

    code: str
    params: dict[str, float | str] = Field(default_factory=dict)
    text: str
    source: str = ""
    bound: str | None = None


class ChannelValue(Model):
    """The last value of a channel with its quality and age."""

    value: float | None
    quality: Quality
    time: datetime | None


class Latest(Model):
    """What the last cycle saw and decided."""

    time: datetime
    cycle: int
    state: str
    control_mode: str
    why: Why
    values: dict[str, ChannelValue]


class Series(Model):
    """Per interval; `null` where there is no valid value."""

    mean: list[float | None]
    minimum: list[float | None]
    maximum: list[float | None]


class History(Model):
    """Columns over common interval starts."""

    resolution_s: float
    times: list[datetime]
    series: dict[str, Series]


class Alarm(Model):
    """One occurrence of an alarm, until and after it cleared."""

    id: str
    code: str
    severity: Severity
    component: str
    text: str
    cause: str = ""
    effect: str = ""
    remedy: str = ""
    raised_at: datetime
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    latched: bool = Field(default=False, description="Stays until a person clears the fault of the same code.")


class FaultWords(Model):
    """What a person reads of a fault."""

    text: str
    cause: str
    effect: str
    remedy: str


class Fault(Model):
    """A fault that stands now. It is also an alarm of the same code and component."""

    id: str = Field(description="`code:component`; what a clear takes, as the code alone does.")
    code: str
    component: str
    severity: Severity
    text: str
    cause: str
    effect: str
    remedy: str
    direction: Literal["charge", "discharge", "both", "none"] = Field(description="What it blocks.")
    reaction: str
    latched: bool
    clearable: bool = Field(description="Its cause is gone and it waits for a clear.")
    raised_at: datetime
    translations: dict[str, FaultWords] = Field(description="By language (`sv`); English stands in the fields above.")


class FaultsCleared(Model):
    """Ids of what was cleared."""

    cleared: list[str]


class PinLogin(Model):
    """Body of the sign-in."""

    pin: Annotated[str, Field(min_length=1, max_length=64)]


class AccessToken(Model):
    """A bearer token; `expires_in` in seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the scheme's name
    expires_in: int
    role: Role


class OverrideRequest(Model):
    """A manual preference; guards still apply."""

    target: Annotated[str, Field(min_length=3, max_length=128, examples=["ess0/active_power_w"])]
    value: Annotated[float, Field(allow_inf_nan=False)]
    duration_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    outlasts_restart: bool = False
    """It goes on after a restart, until its time is over; else a restart ends it."""


class Override(Model):
    """A manual preference that stands now."""

    target: str
    value: float
    reason: str
    actor: str
    role: str
    outlasts_restart: bool
    set_at: datetime
    expires_at: datetime


class Quantiles(Model):
    """Of the time that one phase of the cycle took."""

    us_p50: float
    us_p99: float


class CycleHealth(Model):
    """Statistics of the control cycle since its start; those named ``1min`` are of the last minute."""

    running: bool
    period_s: float
    cycles: int
    skipped: int
    overruns: int
    late_proposals: int
    refused_proposals: int
    """Sets that a controller's process wrote and arbitration could not take."""
    unfinished_splits: int
    """Shared limits that were kept, but not weighed by class to the end."""
    work_us_p50: float
    work_us_p99: float
    work_us_max: float
    lateness_us_p50: float
    lateness_us_p99: float
    lateness_us_p999: float
    lateness_us_max: float
    lateness_1min_us_p50: float
    lateness_1min_us_p99: float
    lateness_1min_us_p999: float
    lateness_1min_us_max: float
    phases: dict[str, Quantiles]
    """In the order of the cycle: latch, estimate, propose_wait, arbitrate, guard, publish."""
    input_age_s_p50: float | None
    """Median age of the mandatory inputs at the latch; null when unknown."""
    input_age_s_max: float | None
    """Largest age in the last second; null while one of them was never read."""
    realtime: bool
    """SCHED_FIFO was granted."""
    memory_locked: bool


class SyncStatus(Model):
    """The link to the cloud and what waits for it."""

    link: LinkState
    error: str = ""
    """Why the link is not up."""
    queue_frames: int
    oldest_unsent_at: datetime | None = None
    last_ack_at: datetime | None = None
    last_sequence: int
    acked_sequence: int
    connections: int = 0
    """Since the start of the process."""
    resends: int = 0
    dropped_frames: int = 0
    """Frames of telemetry that had to go unsent because the disk was full."""
    dropped_events: int = 0
    """The same of alarms and actions, which go last."""
    thinned_rows: int = 0
    """Rows of the oldest unsent telemetry given up before any of it went; those between them are kept."""
    refused_frames: int = 0
    """Set aside because the cloud can never store them."""
    lost_in_memory: int = 0
    """Records since the start that the disk refused for too long."""
    clock_offset_s: float | None = None
    """The cloud's time minus this box's; null: not known."""


class DeviceIdentity(Model):
    """Who this box is to the cloud; nothing here is secret."""

    public_key: str
    """CURVE, 40 characters of Z85."""
    fingerprint: str
    """Of that key, to compare with what the cloud shows."""
    signing_key: str
    """Ed25519, hexadecimal: signs the box's own records."""
    admitted: bool
    """The cloud takes this box now."""
    waits_for: str
    """What a person must do before it does; empty when nothing."""


class ClaimCode(Model):
    """Whoever enters it in the cloud may take this box in; shown to signed-in people only."""

    code: str
    fingerprint: str
    qr_svg: str
    """Both of them for a camera, as an SVG image."""


class FieldError(Model):
    """One wrong field of a request."""

    path: str
    message: str


class Problem(Model):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = Field(default_factory=list)


class Liveness(Model):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(Model):
    """Each check by name; ready when all are true."""

    ready: bool
    checks: dict[str, bool]
