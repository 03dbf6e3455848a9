"""The catalogue of faults: what ``faults.yaml`` says, checked. Pure data."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from simems_edge.contracts.interfaces import Kind

Place = Kind | Literal["grid", "site", "edge", "island"]
Direction = Literal["charge", "discharge", "both", "none"]
Check = Literal[
    "below", "at_or_below", "above", "at_or_above", "equal", "differs",
    "implausible", "lost", "tripped", "deviation", "told",
]  # fmt: skip
Reaction = Literal["alarm", "block_charge", "block_discharge", "zero_power", "stop"]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
COMPARISONS: Final = frozenset({"below", "at_or_below", "above", "at_or_above", "equal", "differs"})
DIRECTIONS: Final[dict[str, Direction]] = {
    "alarm": "none", "block_charge": "charge", "block_discharge": "discharge", "zero_power": "both", "stop": "both",
}  # fmt: skip


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limit(_Data):
    """Where the number comes from; in the channel's unit."""

    value: float | None = None
    """The number; beside another source: what holds when the site gives none."""
    guard: Literal["cell_voltage_v", "voltage_v", "cell_temperature_degc", "charge_temperature_degc"] | None = None
    """One end of a pair in the component's ``guards`` in the site file."""
    end: Literal["low", "high"] | None = None
    site: Literal["import_limit_w", "export_limit_w"] | None = None
    clock: Literal["speed"] | None = None
    label: str | None = None
    """Of the channel: its code."""
    factor: float = 1.0

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [name for name in ("guard", "site", "clock", "label") if getattr(self, name) is not None]
        if len(sources) > 1 or (not sources and self.value is None):
            raise ValueError("name one of value, guard, site, clock or label")
        if (self.guard is None) != (self.end is None):
            raise ValueError("guard and end go together")
        return self


class Recovery(_Data):
    """The steps back, in order; a clear by a person stands between them when the fault latches."""

    cause_gone_s: Seconds
    hold_s: Seconds


class Words(_Data):
    """What people read. ``text`` may name {component}."""

    text: Annotated[str, Field(min_length=1)]
    cause: Annotated[str, Field(min_length=1)]
    effect: Annotated[str, Field(min_length=1)]
    remedy: Annotated[str, Field(min_length=1)]


class FaultDefinition(Words):
    """One entry of the catalogue."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    of: Annotated[tuple[Place, ...], Field(min_length=1)]
    channel: tuple[str, ...] = ()
    check: Check
    limit: Limit | None = None
    reference: str | None = None
    at_least: float = 0.0
    share: float = 0.0
    scale: str | None = None
    delay_s: Seconds = 0.0
    severity: Literal["warning", "alarm"]
    direction: Direction
    latch: bool
    reaction: Reaction
    actuators: Literal["own", "all"] = "own"
    recovery: Recovery
    sv: Words
    """The same in Swedish."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.direction != DIRECTIONS[self.reaction]:
            raise ValueError(f"reaction {self.reaction} acts on direction {DIRECTIONS[self.reaction]}")
        if (self.check in COMPARISONS) != (self.limit is not None):
            raise ValueError("a comparison needs a limit, and only a comparison takes one")
        if (self.check == "deviation") != (self.reference is not None):
            raise ValueError("a deviation needs a reference, and only a deviation takes one")
        if (self.check == "told") == bool(self.channel):
            raise ValueError("needs a channel to look at, unless it is told")
        if self.check == "told" and not self.latch:
            raise ValueError("what is told must latch")
        return self


class _Catalogue(_Data):
    faults: tuple[FaultDefinition, ...]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        codes = [fault.code for fault in self.faults]
        if len(set(codes)) != len(codes):
            raise ValueError("a code is used twice")
        return self


@lru_cache(maxsize=1)
def load_faults() -> tuple[FaultDefinition, ...]:
    """Every fault, in the catalogue's order."""
    text = (files("simems_edge.contracts") / "faults.yaml").read_text("utf-8")
    return _Catalogue.model_validate(yaml.safe_load(text)).faults
