"""Bodies of the telemetry calls. SI base units; times UTC; ``null``: not known."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

Quality = Literal["good", "stale", "bad", "forced"]
QUALITIES: tuple[Quality, ...] = ("good", "stale", "bad", "forced")
Resolution = Literal["raw", "1min", "15min", "auto"]


class Model(BaseModel):
    """Base: fields with a default are always present in an answer."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Why(Model):
    """What the battery does and why; screens translate by `code` and `params`."""

    code: str
    params: dict[str, float | str] = Field(default_factory=dict)
    text: str
    source: str = ""
    bound: str | None = None


class ChannelValue(Model):
    """The last value of a channel with its quality and time."""

    value: float | None
    quality: Quality
    time: datetime | None


class Latest(Model):
    """The newest values of a site; all stale when its device is silent."""

    time: datetime | None
    cycle: int | None
    state: str | None
    control_mode: str | None
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


class MeasuredValue(Model):
    """One raw value."""

    time: datetime
    channel: str
    value: float | None
    quality: Quality

    @field_validator("value", mode="before")
    @classmethod
    def _none(cls, value: float | None) -> float | None:
        return None if value is None or math.isnan(value) else value


class ValuesPage(Model):
    """Raw values in order of time. ``next``: the ``from`` of the next page; null: that was all."""

    items: list[MeasuredValue]
    next: datetime | None


class ComponentEnergy(Model):
    """Energy of one component in one direction over one interval."""

    component: str
    direction: Literal["import", "export", "production", "consumption", "charge", "discharge", "charging"]
    energy_wh: float
    source: Literal["register", "power", "mixed"] = Field(
        description="`register`: counted by the device; `power`: integrated, where the device has no register."
    )
    coverage_pct: float = Field(description="Share of the interval's minutes that values cover.")
    gap_wh: float = Field(description="Part of it that flowed at some time in a gap before; when is not known.")
    resets: int = Field(description="How often the register began anew; what it lost is not in the figure.")


class EnergyInterval(Model):
    """Half-open, with the site's own offset: a day may have 23 or 25 hours."""

    start: datetime
    end: datetime
    components: list[ComponentEnergy]


class SiteEnergy(Model):
    time_zone: str
    intervals: list[EnergyInterval]


Days = Annotated[int | None, Field(ge=1, le=36_500, description="null: for ever")]


class RetentionRequest(Model):
    """Days each kind of value is kept; finer ones no longer than coarser ones."""

    model_config = ConfigDict(extra="forbid")
    raw_days: Days = 90
    minute_days: Days = 730
    quarter_days: Days = None


class Retention(RetentionRequest):
    version: int


class ExportRequest(Model):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    channels: list[Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]] = Field(
        min_length=1, max_length=200, examples=[["grid0/active_power_w"]]
    )
    start: AwareDatetime = Field(alias="from", description="Included.")
    end: AwareDatetime = Field(alias="to", description="Not included.")
    resolution: Literal["raw", "1min", "15min"] = "15min"
    format: Literal["csv", "parquet"] = "csv"


class Export(Model):
    """A job; its file can be fetched when ``status`` is done."""

    id: UUID
    site_id: str
    channels: list[str]
    start: datetime
    end: datetime
    resolution: Literal["raw", "1min", "15min"]
    format: Literal["csv", "parquet"]
    status: Literal["queued", "running", "done", "failed"]
    progress: float = Field(description="0..1")
    rows: int
    bytes: int
    error: str | None
    requested_by: str
    created_at: datetime
    finished_at: datetime | None


class Summary(Model):
    """Energy between two times, from the quarter-hour rollup; `null` when there is no value."""

    import_wh: float | None
    export_wh: float | None
    pv_wh: float | None
    load_wh: float | None
    charge_wh: float | None
    discharge_wh: float | None
    self_sufficiency_pct: float | None = Field(description="Share of the load not covered by grid import.")
    peak_import_w: float | None = Field(description="Highest clock-aligned quarter-hour mean of grid import.")
    peak_import_at: datetime | None = Field(description="Start of that quarter hour.")
    sources: dict[str, Literal["register", "power", "mixed"]] = Field(
        default_factory=dict, description="Where each energy comes from: counted by the device, or integrated power."
    )
