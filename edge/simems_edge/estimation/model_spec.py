"""What every model declares about itself (the governance rules); a test refuses one with a gap or an untrue range.

A model says a quantity that no sensor says, so it can be wrong about the world: it has an error against a truth. A
block that only computes what it is told (a ramp, a curve, a PID) is no model;
:mod:`simems_edge.estimation.model_page` lists each with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf


@dataclass(frozen=True)
class ModelInput:
    """Something that is measured."""

    name: str
    unit: str
    when_missing: str
    """What the model does while it is missing, stale, bad or no number."""


@dataclass(frozen=True)
class ModelOutput:
    """What the model says."""

    name: str
    unit: str
    text: str


@dataclass(frozen=True)
class ModelSetting:
    """What can be set. Numbers outside the range are refused where they are given, with the name of the setting."""

    name: str
    unit: str
    text: str
    low: float = -inf
    high: float = inf
    above: bool = False
    """The lower end itself is refused."""
    default: str = "must be given"
    choice: str = ""
    """In words, for what is no number."""

    @property
    def values(self) -> str:
        """``0 .. 3600``, ``> 0``, ``>= 1``."""
        if self.choice:
            return self.choice
        if self.low == -inf and self.high == inf:
            return "any number"
        if self.high == inf:
            return f"{'>' if self.above else '>='} {self.low:g}"
        return f"{'> ' if self.above else ''}{self.low:g} .. {self.high:g}"


@dataclass(frozen=True)
class ModelSpec:
    """The declaration of one model."""

    type: str
    kind: str
    """By which method it knows."""
    owner: str
    """The room that answers for it, a folder from the root of the repository."""
    classes: tuple[str, ...]
    """Names in the code that are (part of) this model."""
    used_by: str
    safety_impact: str
    inputs: tuple[ModelInput, ...]
    outputs: tuple[ModelOutput, ...]
    settings: tuple[ModelSetting, ...]
    valid: str
    """When what it says may be relied on, and how that is told."""
    fallback: str
    """What happens when it is not valid, and when its process dies."""
    acceptance: tuple[str, ...]
    test_plan: tuple[str, ...]
    """Test files, from the root of the repository."""
    figures: str
    """Where its error or cost is measured."""
    metrics: tuple[str, ...]
    """Channels, alarms and events that tell how it is."""
    picture: str
    """Of its behaviour, from ``docs``."""
    caption: str
    without_settings: str = ""
    """Why there is nothing to set."""

    def gaps(self) -> list[str]:
        """Names of the declarations that are empty."""
        optional = {"without_settings"} if self.settings else {"settings"}
        return [field.name for field in fields(self) if field.name not in optional and not getattr(self, field.name)]
