"""Bodies of the calls about the key that signs a tenant's commands."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from simems_cloud.kit.described import example
from simems_cloud.sites.schemas import Model

WEEK_S, LONGEST_OVERLAP_S = 7 * 86_400, 90 * 86_400


class KeyChangeRequest(Model):
    """A new key for the tenant's commands."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_s": WEEK_S}]})
    overlap_s: int = Field(
        default=WEEK_S,
        ge=0,
        le=LONGEST_OVERLAP_S,
        description="For so long what the old key signed is still done. 0 when somebody else may hold the old key.",
    )


class DeviceBehind(Model):
    """A device that has not said that it believes the newest key."""

    device_id: UUID
    name: str
    site_id: str | None
    believes: str = Field(description="The key it believes, as it last said; empty: it has not said yet.")
    reason: str = Field(description="Why it does not believe the newest one; empty: it has not come since.")


class CommandKey(Model):
    """The key that signs a tenant's commands, and how far it has come."""

    model_config = example(key="9f" * 32, number=1, devices_following=41)
    key: str | None = Field(description="Ed25519, hexadecimal; null: the first command makes it.")
    number: int = Field(description="How often it was changed.")
    changed_at: datetime | None
    old_until: datetime | None = Field(description="Until then what the key before it signed is done.")
    devices_following: int
    devices_behind: list[DeviceBehind] = Field(description="At most 500 of them.")
