"""SITE.yaml -> Site, or every problem in it."""

from dataclasses import dataclass
from pathlib import Path as FilePath

from pydantic import ValidationError

from simems_edge.config.consistency import consistency_problems
from simems_edge.config.document import Document
from simems_edge.config.explain import explain
from simems_edge.config.model import Component, Site
from simems_edge.config.parse import read_document
from simems_edge.config.problem import Problem, SiteError


@dataclass(frozen=True)
class SiteFile:
    """A site with the document it came from, so that later checks can name lines. ``site`` is None when it has
    problems that leave nothing to check further."""

    document: Document
    site: Site | None
    problems: tuple[Problem, ...]


def load_site(path: str | FilePath) -> Site:
    """The site in this file. Raises :class:`SiteError` with everything that is wrong in the file itself.

    Profiles and controllers' settings are checked by those who know them (``devices.checked_site``).
    """
    file = read_site(path)
    if file.problems or file.site is None:
        raise SiteError(file.problems)
    return file.site


def read_site(path: str | FilePath) -> SiteFile:
    """As :func:`load_site`, but collects the problems instead of raising."""
    return site_of(read_document(FilePath(path)))


def site_of(document: Document) -> SiteFile:
    """Check a parsed document."""
    problems = list(document.problems)
    if document.data is None and problems:
        return SiteFile(document, None, tuple(problems))
    if not isinstance(document.data, dict):
        return SiteFile(document, None, (*problems, _not_a_site(document)))
    try:
        site = Site.model_validate(document.data)
    except ValidationError as error:
        return SiteFile(document, None, (*problems, *explain(document, error, Site)))
    site = _placed(site, FilePath(document.file).parent)
    return SiteFile(document, site, (*problems, *consistency_problems(site, document)))


def _placed(site: Site, folder: FilePath) -> Site:
    """Paths in a site file are relative to it; from here on they are whole."""
    components = tuple(_component_placed(component, folder) for component in site.components)
    return site.model_copy(update={"components": components})


def _component_placed(component: Component, folder: FilePath) -> Component:
    if component.estimator is None:
        return component
    cell = str((folder / component.estimator.cell).resolve())
    return component.model_copy(update={"estimator": component.estimator.model_copy(update={"cell": cell})})


def _not_a_site(document: Document) -> Problem:
    remedy = "write a site file, or let `simems-edge init` write one"
    if document.data is None:
        return document.problem((), "is empty", remedy, value="(empty)")
    return document.problem((), "must be sections of keys and values", remedy)
