"""A site file for a command: fully checked against profiles and installed controllers, or :class:`SiteError`."""

from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel

from simems_edge.config import Problem, Site, SiteError, read_site
from simems_edge.controllers.registry import installed, load_type
from simems_edge.devices.site_check import site_problems, suggestion
from simems_edge.estimation import cell_problems


def checked_site(path: str | Path) -> Site:
    """The site in this file. Raises :class:`SiteError` with every problem."""
    site, problems = check_site(path)
    if problems or site is None:
        raise SiteError(problems)
    return site


def check_site(path: str | Path) -> tuple[Site | None, list[Problem]]:
    """The site, as far as it could be read, and every problem, in the file's order."""
    file = read_site(path)
    problems = [*site_problems(file, settings_class), *cell_problems(file)]
    return file.site, SiteError(problems).problems


@lru_cache(maxsize=256)
def settings_class(controller_type: str) -> type[BaseModel]:
    """The settings class of an installed controller type. Raises ValueError: what is wrong; what to do."""
    if controller_type not in installed():
        raise ValueError(f"is no installed controller type; {suggestion(controller_type, installed())}")
    return load_type(controller_type).Settings
