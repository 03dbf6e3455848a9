"""Bodies of the calls about commands: one model per kind; what stands in it is what the device gets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from simems_cloud.kit.described import example
from simems_cloud.sites.schemas import Model

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
State = Literal["queued", "sent", "accepted", "rejected", "done", "expired"]
VALID_S, LONGEST_VALID_S = 300, 7 * 86_400 - 60
EXAMPLE: dict[str, Any] = {
    "kind": "override",
    "target": "ess0/active_power_w",
    "value": 5000.0,
    "duration_s": 900.0,
    "reason": "test run",
}


class _Strict(Model):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Override(_Strict):
    """Prefer a value by hand for a while; guards still apply. With `clear`, give the target back instead."""

    kind: Literal["override"]
    target: Text = Field(description="A settable channel, e.g. `ess0/active_power_w`.")
    value: float = Field(default=0.0, description="In the target's unit.")
    duration_s: float = Field(default=0.0, ge=0, le=86_400)
    reason: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""
    outlasts_restart: bool = False
    clear: bool = False


class Mode(_Strict):
    """A control mode, RUN, STANDBY, SHUTDOWN or AUTO; with a duration, AUTO again after it."""

    kind: Literal["mode"]
    mode: Text
    duration_s: float = Field(default=0.0, ge=0, le=86_400)


class ClearFault(_Strict):
    """Clear a latched fault; refused while its cause stands."""

    kind: Literal["clear_fault"]
    code: Text = Field(description="`code`, or `code:component`.")


class Schedule(_Strict):
    """The schedule to follow, as in docs/schemas/schedule.json; null: follow none."""

    kind: Literal["schedule"]
    schedule: dict[str, Any] | None


class Configuration(_Strict):
    """A whole site file: checked on the device, put in place at once, taken back when health fails."""

    kind: Literal["configuration"]
    site_yaml: Annotated[str, Field(min_length=1, max_length=400_000, pattern=r"^[^\x00]*$")]


class Restart(_Strict):
    """Stop in an orderly way and start again."""

    kind: Literal["restart"]


class Diagnostics(_Strict):
    """Make a zip file about the state of the device; it is the command's result."""

    kind: Literal["diagnostics"]


class Update(_Strict):
    """Install a bundle, where the device has an updater."""

    kind: Literal["update"]
    url: Annotated[str, Field(max_length=2000, pattern=r"^https://[^\s\x00]+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    version: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._+~-]*$")] = ""


class RotateKey(_Strict):
    """Make new keys, CURVE and signing; the old ones end once the new ones were used."""

    kind: Literal["rotate_key"]


Order = Annotated[
    Override | Mode | ClearFault | Schedule | Configuration | Restart | Diagnostics | Update | RotateKey,
    Field(discriminator="kind"),
]


class CommandRequest(Model):
    """What the site's device shall do."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"order": EXAMPLE, "valid_s": 300}]})
    order: Order
    valid_s: int = Field(
        default=VALID_S, ge=10, le=LONGEST_VALID_S, description="After this long it is not done any more."
    )


class BatchRequest(Model):
    """The same for many sites."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"site_ids": ["malmo-1", "lund-2"], "order": EXAMPLE, "valid_s": 300}]}
    )
    site_ids: Annotated[
        list[Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]], Field(min_length=1, max_length=500)
    ]
    order: Order
    valid_s: int = Field(default=VALID_S, ge=10, le=LONGEST_VALID_S)


class Command(Model):
    """A command and where it stands."""

    model_config = example(
        id="7f1c3e0e-6f5e-4a43-9d0c-0f6f6c1b0b5e",
        kind="override",
        payload=EXAMPLE,
        state="done",
        requested_by="ada@example.com",
    )
    id: UUID
    site_id: str
    device_id: UUID
    batch_id: UUID | None
    counter: int
    kind: str
    payload: dict[str, Any]
    state: State = Field(description="`sent`: no word of the device yet; `accepted`: the device is at it.")
    reason: str = Field(description="Why it was rejected, or what was done.")
    requested_by: str
    created_at: datetime
    not_before: datetime
    expires_at: datetime
    sent_at: datetime | None
    decided_at: datetime | None
    has_result: bool = Field(description="Whether there is something to download.")


class BatchResult(Model):
    """Of one site: its command, or why there is none."""

    site_id: str
    command: Command | None = None
    error: str | None = None


class Batch(Model):
    """A batch and its commands."""

    id: UUID
    results: list[BatchResult]
