"""One row of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured value beside its reference; ``goal`` bounds the ratio (value / reference)."""

    name: str
    value: float
    unit: str
    reference_name: str
    reference: float
    goal: float
    at_most: bool = True

    @property
    def ratio(self) -> float:
        return self.value / self.reference if self.reference else float("inf")

    @property
    def met(self) -> bool:
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


Measure = Callable[[], list[Figure]]


def table(figures: list[Figure]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| figure | value | reference | ratio | goal | |",
        "|---|---|---|---|---|---|",
    ]
    for figure in figures:
        sign = "<=" if figure.at_most else ">="
        lines.append(
            f"| {figure.name} | {figure.value:.4g} {figure.unit} | {figure.reference:.4g} {figure.unit}"
            f" ({figure.reference_name}) | {figure.ratio:.2f} | {sign} {figure.goal:g} |"
            f" {'met' if figure.met else 'missed'} |"
        )
    return "\n".join(lines)
