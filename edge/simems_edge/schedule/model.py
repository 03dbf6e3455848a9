"""SCHEDULE.json as frozen types: slots of UTC time with a mode, grid limits and a corridor for each battery.

A slot is half-open, [begin, end). Watts of a battery are advice; what holds between them are the grid limits and the
corridor. Powers in W (import, discharge > 0), limits 0 or more, states of charge in percent.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from simems_edge.contracts.schedule_channels import Mode

MOST_SLOTS: Final = 500
MOST_SLOT_S: Final = 86_400.0
Power = Annotated[float, Field(ge=-1e9, le=1e9)]
Limit = Annotated[float, Field(ge=0, le=1e9)]
Percent = Annotated[float, Field(ge=0, le=100)]
BatteryId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""ISO 8601 with offset; kept as UTC."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class BatterySlot(_Strict):
    """What one battery should do in a slot."""

    power_w: Power | None = None
    """Advice, discharge > 0. The limits of the slot come first."""
    soc_min_pct: Percent = 0.0
    """Not discharged below, but for the grid limit; charged back up to it where the grid limit leaves room."""
    soc_max_pct: Percent = 100.0
    """Not charged above, but for the export limit."""

    @model_validator(mode="after")
    def _corridor_is_open(self) -> Self:
        if self.soc_min_pct > self.soc_max_pct:
            raise ValueError("soc_min_pct is above soc_max_pct; swap them")
        return self


class Slot(_Strict):
    """[begin, end) of UTC time."""

    begin: Moment
    end: Moment
    mode: Mode
    """PEAK_SHAVING: advice inside the limits. SELF_CONSUMPTION: the meter reads 0. CHARGE, DISCHARGE: at the advised
    power, without one as fast as limits and corridor allow. IDLE: 0 W."""
    grid_limit_w: Limit | None = None
    """Grid import is held at or below this, in every mode; None: no limit of the schedule."""
    export_limit_w: Limit | None = None
    """Grid export likewise."""
    batteries: Annotated[dict[BatteryId, BatterySlot], Field(max_length=100)] = {}
    """By component id; one that is not named has no advice and the whole corridor."""
    reason: Annotated[str, Field(max_length=200)] = ""
    """For people: why the planner wants this."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if not 0.0 < (self.end - self.begin).total_seconds() <= MOST_SLOT_S:
            raise ValueError("a slot must end after it begins, a day later at most; correct begin or end")
        return self


class Schedule(_Strict):
    """A whole SCHEDULE.json."""

    version: Literal[1]
    """Of this format."""
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
    """Of the plan that it came from."""
    site: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    """The site's id; another site's schedule is refused."""
    issued_at: Moment
    valid_until: Moment | None = None
    """From then on nothing of it is followed, whatever slots it has; None: until its last slot ends."""
    slots: Annotated[tuple[Slot, ...], Field(max_length=MOST_SLOTS)]
    """In order of time; gaps between them are allowed and not followed."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.slots:
            raise ValueError("has no slots; add at least one")
        for number, (earlier, later) in enumerate(pairwise(self.slots), start=1):
            if later.begin < earlier.end:
                raise ValueError(f"slot {number} begins before slot {number - 1} ends; sort them and cut overlaps")
        return self

    @cached_property
    def begin_s(self) -> float:
        return self.slots[0].begin.timestamp()

    @cached_property
    def end_s(self) -> float:
        """UTC from which nothing is followed."""
        last_s = self.slots[-1].end.timestamp()
        return last_s if self.valid_until is None else min(last_s, self.valid_until.timestamp())

    @cached_property
    def _begins_s(self) -> tuple[float, ...]:
        return tuple(slot.begin.timestamp() for slot in self.slots)

    def slot_at(self, utc_s: float) -> Slot | None:
        """The slot in force; None before, after and between them."""
        number = bisect_right(self._begins_s, utc_s) - 1
        if number < 0 or utc_s >= self.end_s:
            return None
        slot = self.slots[number]
        return slot if utc_s < slot.end.timestamp() else None
