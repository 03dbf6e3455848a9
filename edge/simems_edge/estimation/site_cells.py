"""The cell behind a battery's estimator: read from the site's cell file, scaled as the site says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from simems_core import Cell, CoreError

from simems_edge.config import Estimator, Problem, SiteError, SiteFile
from simems_edge.estimation.cell_file import read_cell


def site_cell(settings: Estimator) -> Cell:
    """Raises :class:`SiteError` for a file that is no cell, CoreError for a capacity that none can have."""
    cell = read_cell(FilePath(settings.cell))
    if settings.capacity_ah is None:
        return cell
    return Cell(**{**cell.as_dict(), "capacity_ah": settings.capacity_ah})


def cell_problems(file: SiteFile) -> Iterator[Problem]:
    """Of every cell file that the site names."""
    for position, component in enumerate(file.site.components if file.site else ()):
        if component.estimator is None:
            continue
        path = ("components", position, "estimator", "cell")
        try:
            site_cell(component.estimator)
        except SiteError as error:
            remedy = "name a file that `simems-edge identify` wrote; its path is relative to the site file"
            yield file.document.problem(path, f"is no usable cell file ({error.problems[0]})", remedy)
        except CoreError as error:
            yield file.document.problem(path, f"cannot be used: {error}", "correct the capacity")
