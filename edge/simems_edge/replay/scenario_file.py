"""Reads a scenario file, and says everything that is wrong in it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from simems_edge.config import Site
from simems_edge.config.explain import explain
from simems_edge.config.parse import read_document
from simems_edge.replay.course import read_course
from simems_edge.replay.problems import ReplayError
from simems_edge.replay.scenario import Scenario, ScenarioSource
from simems_edge.replay.scenario_check import scenario_problems


def load_scenario(path: Path, site: Site | None = None) -> Scenario:
    """Raises ReplayError with everything that is wrong in the file; with ``site`` also what does not fit that site."""
    document = read_document(path)
    if document.problems:
        raise ReplayError(document.problems)
    if not isinstance(document.data, dict):
        raise ReplayError([document.problem((), "must be keys and values", "see `simems-edge simulate --help`")])
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        raise ReplayError(explain(document, error, Scenario)) from error
    if site is not None and (problems := scenario_problems(document, scenario, site)):
        raise ReplayError(problems)
    files = {event.file for event in scenario.events if event.file is not None}
    courses = {file: read_course(path.parent / file) for file in sorted(files)}
    return scenario.of(ScenarioSource(document, courses))
