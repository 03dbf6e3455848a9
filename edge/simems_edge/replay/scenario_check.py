"""Does a scenario fit the site that it is played on? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from simems_edge.config import Problem, SimulatedDevice, Site
from simems_edge.config.document import Document
from simems_edge.config.explain import explain
from simems_edge.config.problem import Path
from simems_edge.devices import load_profile
from simems_edge.devices.site_check import suggestion
from simems_edge.replay.scenario import Scenario
from simems_edge.replay.scenario_events import OF_ADDRESS, OF_COMPONENT, ScenarioEvent
from simems_edge.sim.addresses import drivable_addresses


def scenario_problems(document: Document, scenario: Scenario, site: Site) -> list[Problem]:
    """With the line of each."""
    kinds = {component.id: load_profile(component.profile).kind for component in site.components}
    problems = list(_devices(document, scenario, kinds))
    drivable = drivable_addresses(kinds)
    for position, event in enumerate(scenario.events):
        problems += _event(document, ("events", position, event.verb), event, kinds, drivable)
    return problems


def _devices(document: Document, scenario: Scenario, kinds: Mapping[str, str]) -> Iterator[Problem]:
    for name, settings in scenario.plant.devices.items():
        path: Path = ("plant", "devices", name)
        if name not in kinds:
            yield document.problem(path, "is no component of this site", suggestion(name, kinds))
            continue
        try:
            SimulatedDevice.model_validate(settings)
        except ValidationError as error:
            yield from explain(document, error, SimulatedDevice, path)


def _event(
    document: Document, path: Path, event: ScenarioEvent, kinds: Mapping[str, str], drivable: frozenset[str]
) -> Iterator[Problem]:
    verb, target = event.verb, event.target
    if verb in OF_COMPONENT and target not in kinds:
        yield document.problem(path, "is no component of this site", suggestion(target, kinds))
    elif verb in {"ev", "ev_leaves"} and kinds[target] != "evcs":
        yield document.problem(path, f"is of kind {kinds[target]}", "name a charging point")
    elif verb in OF_ADDRESS and target not in drivable:
        yield document.problem(path, "cannot be driven", suggestion(target, drivable))
