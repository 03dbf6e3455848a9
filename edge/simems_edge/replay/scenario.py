"""The scenario file of `simulate`: when, how long, what the plant is like, what happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, model_validator

from simems_edge.config import SimulatedDevice, SimulatedGrid, SimulatedLoad, SimulatedPv, Simulation, Site
from simems_edge.config.document import Document
from simems_edge.config.quantities import NonNegativeSeconds, PositiveSeconds, PowerW
from simems_edge.replay.course import Course
from simems_edge.replay.scenario_events import OF_RUNTIME, OVERRIDE_S, ScenarioEvent, Strict

__all__ = ["LoadStep", "PlantOverrides", "Scenario", "ScenarioEvent", "ScenarioLoad", "ScenarioSource"]


class LoadStep(Strict):
    """From ``at`` on the load takes ``power_w``."""

    at_s: NonNegativeSeconds = Field(alias="at")
    power_w: PowerW


class ScenarioLoad(Strict):
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


class PlantOverrides(Strict):
    """Laid over the site file's ``simulation`` section."""

    grid: dict[str, Any] | None = None
    """Settings of the grid that differ, named as in the site file."""
    load: ScenarioLoad | None = None
    pv: SimulatedPv | None = None
    no_pv: bool = False
    devices: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Component -> settings that differ, named as in the site file (``delay``, ``interval``, ``capacity_wh``)."""


@dataclass(frozen=True)
class ScenarioSource:
    """Where a scenario came from: its lines, and the courses of the files that it names."""

    document: Document
    courses: Mapping[str, Course]


class Scenario(Strict):
    """One simulated stretch of time."""

    start: datetime
    """ISO 8601 with offset."""
    duration_s: PositiveSeconds = Field(alias="duration")
    step_s: Annotated[PositiveSeconds, Field(alias="step", le=60)] = 1.0
    """One cycle per step."""
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    plant: PlantOverrides = PlantOverrides()
    events: tuple[ScenarioEvent, ...] = ()
    schedule: str | None = None
    """SCHEDULE.json to follow; its path is relative to the scenario's file."""
    _source: ScenarioSource = PrivateAttr(default_factory=lambda: ScenarioSource(Document("(scenario)"), {}))

    @model_validator(mode="after")
    def _start_has_offset(self) -> Self:
        if self.start.tzinfo is None:
            raise ValueError("start needs an offset, e.g. 2026-06-01T00:00:00+02:00")
        return self

    @property
    def source(self) -> ScenarioSource:
        return self._source

    def of(self, source: ScenarioSource) -> Self:
        """The same, from this file."""
        copy = self.model_copy()
        copy._source = source  # noqa: SLF001 - its own class
        return copy

    @property
    def steps(self) -> int:
        return max(round(self.duration_s / self.step_s), 1)

    def actions(self) -> list[tuple[float, str, str, str, str]]:
        """What persons do, as rows of ACTIONS.csv."""
        done = [event for event in self.events if event.verb in OF_RUNTIME and event.verb != "input"]
        return [_action(event) for event in sorted(done, key=lambda event: event.at_s)]

    def simulation(self, site: Site) -> Simulation:
        """The site's simulation section with this scenario's overrides."""
        base = site.simulation or Simulation()
        over = self.plant
        devices = dict(base.devices)
        for component, settings in over.devices.items():
            devices[component] = SimulatedDevice.model_validate(_given(base.devices.get(component)) | settings)
        changes: dict[str, Any] = {"devices": devices}
        if over.grid is not None:
            changes["grid"] = SimulatedGrid.model_validate(_given(base.grid) | over.grid)
        if over.load is not None and over.load.profile is not None:
            changes["load"] = base.load.model_copy(update={"profile": over.load.profile, "scale": over.load.scale})
        if over.pv is not None or over.no_pv:
            changes["pv"] = over.pv
        return base.model_copy(update=changes)


def _action(event: ScenarioEvent) -> tuple[float, str, str, str, str]:
    duration_s = event.duration_s or (OVERRIDE_S if event.verb == "override" else None)
    target = "site" if event.verb == "estop" else event.target
    value = (
        str(int(bool(event.estop))) if event.verb == "estop" else repr(event.number) if event.value is not None else ""
    )
    return event.at_s, event.verb, target, value, "" if duration_s is None else repr(duration_s)


def _given(settings: SimulatedDevice | SimulatedGrid | SimulatedLoad | None) -> dict[str, Any]:
    """What was written, by the file's names: a scenario changes it key by key."""
    return {} if settings is None else settings.model_dump(by_alias=True, exclude_unset=True)
