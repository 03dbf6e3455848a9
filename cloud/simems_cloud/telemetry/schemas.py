"""Bodies of the telemetry calls. SI base units; times UTC; ``null``: not known."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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
