"""Amperes per phase, as this edge counts, to the unit that a station takes. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

LOWEST_V: Final = 207.0
"""230 V less 10 % (EN 50160): at the lowest voltage a limit in watts still keeps the amperes."""


@dataclass(frozen=True, slots=True)
class LimitUnit:
    name: Literal["A", "W"]

    def limit(self, current_a: float, phases: int | None) -> float:
        """On a grid of 0.1 downwards. In watts an unknown number of phases counts as one: nobody knows whether the
        car spreads the power over three."""
        value = current_a if self.name == "A" else current_a * LOWEST_V * (phases or 1)
        return math.floor(value * 10.0 + 1e-6) / 10.0
