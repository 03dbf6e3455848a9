"""The scenario file of `simulate`: when, how long, what the plant is like, what happens."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simems_edge.config import SimulatedDevice, SimulatedLoad, SimulatedPv, Simulation, Site
from simems_edge.config.explain import explain
from simems_edge.config.parse import read_document
from simems_edge.config.quantities import NonNegativeSeconds, PositiveSeconds, PowerW
from simems_edge.replay.problems import ReplayError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class LoadStep(_Strict):
    """From ``at`` on the load takes ``power_w``."""

    at_s: NonNegativeSeconds = Field(alias="at")
    power_w: PowerW


class ScenarioLoad(_Strict):
    """Exactly one: a recorded profile, a constant, or steps."""

    profile: str | None = None
    scale: Annotated[float, Field(ge=0, le=1000)] = 1.0
    constant_w: PowerW | None = None
    steps: tuple[LoadStep, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum((self.profile is not None, self.constant_w is not None, bool(self.steps))) != 1:
            raise ValueError("needs exactly one of profile, constant_w or steps")
        return self


class PlantOverrides(_Strict):
    """Laid over the site file's ``simulation`` section."""

    load: ScenarioLoad | None = None
    pv: SimulatedPv | None = None
    no_pv: bool = False
    devices: dict[str, dict[str, Any]] = {}
    """Component -> settings that differ, named as in the site file (``delay``, ``interval``, ``capacity_wh``)."""


class ScenarioEvent(_Strict):
    """At one moment: a device falls silent or answers again, or a person overrides an actuator."""

    at_s: NonNegativeSeconds = Field(alias="at")
    silence: str | None = None
    answer: str | None = None
    override: str | None = None
    value: float | None = None
    duration_s: PositiveSeconds = Field(alias="duration", default=600.0)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.silence, self.answer, self.override)) != 1:
            raise ValueError("needs exactly one of silence, answer or override")
        if (self.override is None) != (self.value is None):
            raise ValueError("override needs a value, and only override takes one")
        return self


class Scenario(_Strict):
    """One simulated stretch of time."""

    start: datetime
    """ISO 8601 with offset."""
    duration_s: PositiveSeconds = Field(alias="duration")
    step_s: Annotated[PositiveSeconds, Field(alias="step", le=60)] = 1.0
    """One cycle per step."""
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    plant: PlantOverrides = PlantOverrides()
    events: tuple[ScenarioEvent, ...] = ()

    @model_validator(mode="after")
    def _start_has_offset(self) -> Self:
        if self.start.tzinfo is None:
            raise ValueError("start needs an offset, e.g. 2026-06-01T00:00:00+02:00")
        return self

    @property
    def steps(self) -> int:
        return max(round(self.duration_s / self.step_s), 1)

    def simulation(self, site: Site) -> Simulation:
        """The site's simulation section with this scenario's overrides."""
        base = site.simulation or Simulation()
        over = self.plant
        devices = dict(base.devices)
        for component, settings in over.devices.items():
            known = base.devices.get(component, SimulatedDevice()).model_dump(by_alias=True)
            devices[component] = SimulatedDevice.model_validate(known | settings)
        changes: dict[str, Any] = {"devices": devices}
        if over.load is not None and over.load.profile is not None:
            changes["load"] = SimulatedLoad(profile=over.load.profile, scale=over.load.scale)
        if over.pv is not None or over.no_pv:
            changes["pv"] = over.pv
        return base.model_copy(update=changes)


def load_scenario(path: Path) -> Scenario:
    """Raises ReplayError with everything that is wrong in the file."""
    document = read_document(path)
    if document.problems:
        raise ReplayError(document.problems)
    if not isinstance(document.data, dict):
        raise ReplayError([document.problem((), "must be keys and values", "see `simems-edge simulate --help`")])
    try:
        return Scenario.model_validate(document.data)
    except ValidationError as error:
        raise ReplayError(explain(document, error, Scenario)) from error
