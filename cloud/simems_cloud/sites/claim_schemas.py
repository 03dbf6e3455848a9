"""Bodies of the calls about claims."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from simems_cloud.kit.described import example
from simems_cloud.sites.schemas import Model

State = Literal["open", "presented", "approved", "refused", "expired"]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
SiteId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00/]*$")]
CODE, PRINT = "0H3N-7RKA-4VXQ-92MD-T5E4", "5QZ1-0B9G-XK2W-7JTM"


class ClaimRequest(Model):
    """The claim code that a box shows. With `replaces` the box takes the place of another one; its site goes on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": CODE, "name": "Malmö Harbour, box 1"}]})
    code: Annotated[str, Field(max_length=60, pattern=r"^[^\x00]*$")]
    name: Name
    site_id: SiteId | None = Field(default=None, description="Null: the box says which site it is of.")
    replaces: UUID | None = Field(default=None, description="The device whose place it takes.")
    valid_days: Annotated[int, Field(ge=1, le=365)] = 30


class ApprovalRequest(Model):
    """The fingerprint as the screen of the box shows it: that the box that came is the one that is meant."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"fingerprint": PRINT}]})
    fingerprint: Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]


class RefusalRequest(Model):
    """Why it is not let in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "not our box"}]})
    reason: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""


class Claim(Model):
    """A code that was entered, and the box that came with it."""

    model_config = example(
        id="7f1c3e0e-6f5e-4a43-9d0c-0f6f6c1b0b5e", name="Malmö Harbour, box 1", state="presented", fingerprint=PRINT
    )
    id: UUID
    name: str
    site_id: str | None
    replaces: UUID | None
    state: State = Field(description="`open`: no box came with this code yet; `presented`: one waits for approval.")
    fingerprint: str | None = Field(description="Of the key of the box that came.")
    software: str
    vendor: str
    model: str
    serial_number: str
    presented_at: datetime | None
    device_id: UUID | None = Field(description="What it became when it was approved.")
    created_by: str
    created_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str
