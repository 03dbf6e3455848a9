"""The cell behind pulse tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simems_core import Cell, FitReport, identify

from simems_edge.estimation.samples import Ocv, Samples


@dataclass(frozen=True)
class Identified:
    """``tests`` and ``reports`` belong together, coldest first."""

    cell: Cell
    tests: tuple[Samples, ...]
    reports: tuple[FitReport, ...]


def identify_cell(tests: Sequence[Samples], ocv: Ocv, capacity_ah: float) -> Identified:
    """Raises :class:`simems_core.CoreError` when the tests do not show a cell."""
    ordered = sorted(tests, key=_mean_degc)
    cell, reports = identify([test.columns for test in ordered], ocv.as_dict(), capacity_ah)
    return Identified(cell, tuple(ordered), tuple(reports))


def _mean_degc(test: Samples) -> float:
    return sum(test.temperature_degc) / len(test.temperature_degc)
