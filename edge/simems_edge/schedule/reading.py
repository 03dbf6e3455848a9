"""A file that somebody gives -> a schedule of this site, or everything that is wrong with it, with lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from simems_edge.config import Problem, Site, SiteError
from simems_edge.config.document import Document
from simems_edge.config.explain import explain
from simems_edge.config.parse import read_document
from simems_edge.devices import load_profile
from simems_edge.schedule.model import Schedule


def read_schedule(path: Path, site: Site) -> Schedule:
    """Raises SiteError with every problem of the file, and of what in it does not fit this site."""
    return schedule_in(read_document(path), site)


def schedule_in(document: Document, site: Site) -> Schedule:
    """As :func:`read_schedule`, of what is parsed already."""
    if document.problems:
        raise SiteError(document.problems)
    if not isinstance(document.data, dict):
        raise SiteError([document.problem((), "must be an object", "see `simems-edge schema schedule`")])
    try:
        schedule = Schedule.model_validate(document.data)
    except ValidationError as error:
        raise SiteError(explain(document, error, Schedule)) from error
    problems = list(_misfits(schedule, document, site))
    if problems:
        raise SiteError(problems)
    return schedule


def _misfits(schedule: Schedule, document: Document, site: Site) -> Iterator[Problem]:
    if schedule.site != site.site.id:
        message = f"is not this site, which is {site.site.id!r}"
        yield document.problem(("site",), message, "load the schedule of this site")
    batteries = [component.id for component in site.components if load_profile(component.profile).kind == "ess"]
    for number, slot in enumerate(schedule.slots):
        for name in slot.batteries:
            if name not in batteries:
                remedy = f"use one of {', '.join(batteries) or '(none)'}"
                yield document.problem(("slots", number, "batteries", name), "is no battery of this site", remedy)
