"""A scenario table: per cycle inputs, actions and what must come out. YAML, one site file beside it.

``inputs`` hold from the first cycle on, what a cycle gives holds until another changes it; ``null``: nothing new comes
(it goes stale), ``.nan``: the device says that it has no value. See docs/simulation.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from simems_edge.config.document import Document
from simems_edge.config.explain import explain
from simems_edge.config.parse import read_document
from simems_edge.config.quantities import NonNegativeSeconds, PositiveSeconds, dimension_of, parse_quantity
from simems_edge.replay.problems import ReplayError

Given = float | str | None
TEXTS: Final = frozenset({"state", "control_mode"})
FAULTS: Final = "faults"
REASON: Final = "_reason"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def number_of(address: str, value: Given) -> float | None:
    """In the unit that the end of the address promises; None stays None. Raises ValueError."""
    if value is None or isinstance(value, bool):
        return value if value is None else float(value)
    if not isinstance(value, str):
        return float(value)
    dimension = dimension_of(address.rpartition("/")[2])
    if dimension is None:
        raise ValueError(f"{address} takes a bare number; remove the unit")
    return parse_quantity(value, dimension)


class Expected(_Strict):
    """What a number must be: ``value`` (within ``within``), or between ``minimum`` and ``maximum``."""

    value: Given = None
    within: Given = None
    minimum: Given = None
    maximum: Given = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.value is None and self.minimum is None and self.maximum is None:
            raise ValueError("says nothing; give value, minimum or maximum (null alone: not valid)")
        return self


class TableAction(_Strict):
    """As a row of ACTIONS.csv."""

    action: str
    target: str = ""
    value: str | float | bool | None = None
    duration_s: NonNegativeSeconds | None = Field(alias="duration", default=None)


class TableCycle(_Strict):
    """One cycle, or ``repeat`` alike ones."""

    repeat: Annotated[int, Field(ge=1, le=100_000)] = 1
    step_s: PositiveSeconds | None = Field(alias="step", default=None)
    """Time since the cycle before; None: the table's."""
    inputs: dict[str, Given] = Field(alias="in", default_factory=dict)
    actions: tuple[TableAction, ...] = Field(alias="do", default=())
    """Before the first of them."""
    restart: bool = False
    """The edge is killed and started again before the first of them; what it keeps on disk is there."""
    expect: dict[str, Any] = Field(default_factory=dict)
    """After each of them. Keys: an actuator (its setpoint), ``<actuator>_reason`` (text that it holds), a channel,
    ``state``, ``control_mode``, ``faults`` (all codes that stand)."""
    then: dict[str, Any] = Field(default_factory=dict)
    """After the last of them."""

    @field_validator("expect", "then")
    @classmethod
    def _checked(cls, value: dict[str, Any]) -> dict[str, Any]:
        return {key: _expectation(key, wanted) for key, wanted in value.items()}


def _expectation(key: str, wanted: object) -> object:
    if key == FAULTS:
        codes = (wanted,) if isinstance(wanted, str) else wanted
        if not isinstance(codes, list | tuple) or not all(isinstance(code, str) for code in codes):
            raise ValueError("faults must be a list of codes; write [] for none")
        return tuple(codes)
    if key in TEXTS or key.endswith(REASON):
        if not isinstance(wanted, str):
            raise ValueError(f"{key} must be text; put it in quotes")
        return wanted
    if wanted is None:
        return None
    return Expected.model_validate(wanted if isinstance(wanted, Mapping) else {"value": wanted})


class ScenarioTable(_Strict):
    """The whole file."""

    site: str
    """Path of the site file, relative to this one."""
    text: str = ""
    """What it shows."""
    start: datetime | None = None
    """UTC of the first cycle, ISO 8601 with offset."""
    step_s: Annotated[PositiveSeconds, Field(alias="step", le=3600)] = 1.0
    tolerance: float = 1e-6
    """Of numbers without ``within``, in their unit."""
    inputs: dict[str, Given] = Field(default_factory=dict)
    cycles: Annotated[tuple[TableCycle, ...], Field(min_length=1)]


@dataclass(frozen=True)
class TableFile:
    """A table with its lines."""

    path: Path
    document: Document
    table: ScenarioTable

    @property
    def site_path(self) -> Path:
        return self.path.parent / self.table.site

    def line(self, cycle: int, part: str) -> int:
        """Of a cycle's part."""
        return self.document.line(("cycles", cycle, part))


def load_table(path: Path) -> TableFile:
    """Raises ReplayError with everything that is wrong in the file."""
    document = read_document(path)
    if document.problems:
        raise ReplayError(document.problems)
    if not isinstance(document.data, dict):
        raise ReplayError([document.problem((), "must be keys and values", "see `simems-edge scenario --help`")])
    try:
        return TableFile(path, document, ScenarioTable.model_validate(document.data))
    except ValidationError as error:
        raise ReplayError(explain(document, error, ScenarioTable)) from error
