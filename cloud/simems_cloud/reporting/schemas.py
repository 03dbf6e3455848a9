"""Bodies of the report calls. Dates are days of the report's zone; ``ends_on`` is not included."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from simems_cloud.kit.described import example
from simems_cloud.organisation.schemas import TimeZone

Period = Literal["day", "week", "month"]
Format = Literal["html", "pdf", "csv"]
AN_ID = "7f1c3e0e-6f5e-4a43-9d0c-0f6f6c1b0b5e"
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2099, 12, 31))]


class ReportRequest(BaseModel):
    """The day, week (from Monday) or month that contains ``day``."""

    model_config = example(node_id=AN_ID, period="month", day="2026-03-01", time_zone=None)
    node_id: UUID = Field(description="A site, or what sites stand below.")
    period: Period
    day: Day
    time_zone: TimeZone | None = Field(
        default=None, description="Null: that of the sites when it is the same for all, else UTC."
    )


class Report(BaseModel):
    """``files``: the sha256 of each, once ``state`` is `ready`."""

    model_config = example(
        id=AN_ID,
        node_id=AN_ID,
        node_name="Malmö",
        period="month",
        starts_on="2026-03-01",
        ends_on="2026-04-01",
        time_zone="Europe/Stockholm",
        state="ready",
        error="",
        engine="1",
        inputs_hash="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        files={"pdf": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
        schedule_id=None,
        created_by="ada@example.com",
        created_at="2026-04-01T04:00:00Z",
        made_at="2026-04-01T04:00:01Z",
    )
    id: UUID
    node_id: UUID
    node_name: str
    period: Period
    starts_on: date
    ends_on: date
    time_zone: str
    state: Literal["waiting", "ready", "failed"]
    error: str
    engine: str
    inputs_hash: str | None
    files: dict[str, str]
    schedule_id: UUID | None
    created_by: str
    created_at: datetime
    made_at: datetime | None


class Verdict(BaseModel):
    """The files made again from the stored inputs, compared byte for byte."""

    model_config = example(identical=True, inputs_intact=True, differing=[])
    identical: bool
    inputs_intact: bool = Field(description="The stored inputs still have their hash.")
    differing: list[Format]


class ScheduleRequest(BaseModel):
    """A report of every complete period from now on."""

    model_config = example(node_id=AN_ID, period="day", time_zone=None, due_hour=6, active=True)
    node_id: UUID
    period: Period
    time_zone: TimeZone | None = None
    due_hour: Annotated[int, Field(ge=0, le=23)] = Field(
        default=6, description="Of the day after the period, by the zone's clock: late data have come by then."
    )
    active: bool = True


class Schedule(ScheduleRequest):
    model_config = example(
        id=AN_ID,
        node_id=AN_ID,
        node_name="Malmö",
        period="day",
        time_zone=None,
        due_hour=6,
        active=True,
        version=1,
        created_by="ada@example.com",
        created_at="2026-03-01T10:00:00Z",
    )
    id: UUID
    node_name: str
    version: int
    created_by: str
    created_at: datetime
