"""Bodies of the device registry's calls."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from simems_cloud.sites.schemas import Model

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Health = Literal["ok", "degraded", "stale", "lost", "silent", "never", "retired"]


class Device(Model):
    """An edge controller: the device that speaks for a site, with a key of its own."""

    id: UUID
    name: str
    type: str
    vendor: str
    model: str
    serial_number: str
    protocol: str
    software: str = Field(description="Version of the edge software.")
    firmware_version: str = Field(description="Version of the image it runs.")
    config_version: int = Field(description="The newest of its configurations; 0: none was announced.")
    public_key: str
    fingerprint: str = Field(description="Of that key, as the screen of the box shows it.")
    site_id: str | None
    created_at: datetime
    last_seen_at: datetime | None
    last_frame_at: datetime | None
    acked_sequence: int
    revoked_at: datetime | None
    replaced_by: UUID | None
    health: Health = Field(description="`silent`: nothing heard within the stale-after time; `never`: nothing yet.")


class ConfigVersion(Model):
    """One row each time what a device announces has changed."""

    version: int
    hash: str = Field(description="SHA-256 of the content.")
    announced_at: datetime


class Config(ConfigVersion):
    content: dict[str, Any] = Field(description="The announcement: components, channels, controllers, settings.")


class DeviceReplacement(Model):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
    public_key: Annotated[str, Field(min_length=40, max_length=40)] = Field(
        description="The new device's CURVE key, from `simems-edge identity`."
    )


class Equipment(Model):
    """A device behind the edge (meter, inverter, battery) while it stood under a component's name.

    Values belong to the name, so a replacement keeps the history.
    """

    id: UUID
    component: str
    type: str
    vendor: str
    model: str
    serial_number: str
    protocol: str
    profile: str
    firmware_version: str
    first_seen_at: datetime
    last_seen_at: datetime
    gone_at: datetime | None
    gone_because: str
    health: Health = Field(
        description="`lost`: the edge cannot talk to it; `degraded`: some channel is bad; `stale`: some channel is old."
    )
    newest_value_at: datetime | None


class EquipmentReplacement(Model):
    """For a device that does not tell its serial number itself."""

    model_config = ConfigDict(extra="forbid")
    vendor: Text = ""
    model: Text = ""
    serial_number: Text = ""
    reason: Text = "replaced"


class ChannelMetadata(Model):
    """One channel as its device announced it."""

    address: str
    unit: str
    kind: str
    resolution: float
    labels: dict[str, str]
    access: Literal["read", "write", "read_write"]
    minimum: float | None
    maximum: float | None
    scale: float = Field(description="What the device says * scale + offset gave the value; done already.")
    offset: float
    rollover: float = Field(description="Of a register: where it starts again from zero; 0: not known.")
    description: str
    source: str
    announced: bool = Field(description="Part of the device's newest announcement.")
