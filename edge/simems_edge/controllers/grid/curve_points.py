"""Points of a characteristic, as a site file or a grid code writes them."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

Point = tuple[float, float]


def _rising(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if any(a[0] >= b[0] for a, b in pairwise(points)):
        raise ValueError("must have points whose first number rises; sort them and leave out doubles")
    return points


CurvePoints = Annotated[tuple[Point, ...], Field(min_length=1, max_length=32), AfterValidator(_rising)]
"""(x, y) with straight lines between; beyond the ends the last y holds."""
