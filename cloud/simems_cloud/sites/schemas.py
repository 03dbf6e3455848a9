"""Bodies of the site calls. Powers in W, sources positive; times UTC; ``null``: not known."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Base: fields with a default are always present in an answer."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class SiteSummary(Model):
    """One line of the fleet overview."""

    id: str
    name: str
    time_zone: str
    currency: str
    online: bool = Field(description="The site's device was heard of within the stale-after time.")
    last_seen_at: datetime | None
    state: str | None
    control_mode: str | None
    active_alarms: int
    grid_power_w: float | None = Field(description="Import > 0.")
    pv_power_w: float | None
    ess_power_w: float | None = Field(description="Discharge > 0.")
    load_power_w: float | None
    soc_pct: float | None


class ChannelDescription(Model):
    """One row of the site's tag table."""

    address: str
    unit: str = ""
    kind: str = "float"
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


class DeviceDescription(Model):
    """The edge device that speaks for the site."""

    id: UUID
    name: str
    software: str


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
    online: bool
    last_seen_at: datetime | None
    device: DeviceDescription | None
