"""Bodies of the calls about what was done and asked."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from simems_edge.hmi.schemas import Model, Severity


class Action(Model):
    """One thing that somebody did: at the screen, over the cloud, over MQTT, or the box by itself (`system`)."""

    id: str
    time: datetime
    code: str = Field(description="What was done, e.g. `override.set`, `command.done`, `command.rejected`.")
    component: str
    text: str
    actor: str
    severity: Severity


class LimitEvent(Model):
    """One event of the signed record of limits; `simems-edge proof` exports it whole, with the power around it."""

    number: int = Field(description="Of its line in the record.")
    code: str = Field(description="Which kind of limit; of a reserve `reserve_call:<controller>`.")
    what: Literal["received", "obeyed", "not_obeyed", "released"]
    time: datetime
    limit_w: float | None
    state: str = Field(description="Who or what asked for it.")
    power_w: float | None = Field(description="Measured then.")
    intact: bool = Field(description="The signature of this box fits what stands there.")
