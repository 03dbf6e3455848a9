"""What an experiment sees in a cycle, what it wants, and how it ends. Pure."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

Wish = Mapping[str, float]
"""Setpoint by address; an empty one leaves everything at rest."""


@dataclass(frozen=True)
class Observation:
    """One cycle. ``valid``: good values by address; ``bounds``: what moved each setpoint, None: nothing."""

    time_s: float
    valid: Mapping[str, float]
    bounds: Mapping[str, str | None]
    running: bool
    """The site is in RUN: setpoints are obeyed."""
    why_not: str = ""
    """State and faults otherwise."""


Steps = Generator[Wish, Observation, Observation]
"""Takes what is seen cycle by cycle, gives wishes, ends with what was seen last."""


class StopStageError(Exception):
    """Ends a stage; the message says why."""


class EndError(Exception):
    """Ends everything: power flows that nobody asked for."""
