"""One fault, one check: its test, what it saw, what to do. A new fault is one more entry in the list of its file."""

from __future__ import annotations

from typing import Final

from simems_edge.commissioning.checks import battery, clocks, identity, meter, numbers, registers, scales
from simems_edge.commissioning.verdict import Check

CHECKS: Final[tuple[Check, ...]] = (
    *clocks.EARLY,
    *registers.CHECKS,
    *identity.CHECKS,
    *numbers.CHECKS,
    *scales.CHECKS,
    *battery.CHECKS,
    *meter.CHECKS,
    *clocks.LATE,
)
"""From causes to what they would be mistaken for."""
