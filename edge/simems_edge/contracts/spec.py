"""What every controller declares about itself; a test refuses one with a gap."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

from simems_core import AUXILIARY, GRID, MANUAL, OPTIMISATION, SAFETY


class Priority(IntEnum):
    """Strict classes of preferences, highest first; inside a class the site file's order counts."""

    MANUAL = MANUAL
    SAFETY = SAFETY
    GRID = GRID
    OPTIMISATION = OPTIMISATION
    AUXILIARY = AUXILIARY


@dataclass(frozen=True)
class Metric:
    """A number that a controller publishes as the channel ``<controller id>/<name>``."""

    name: str
    unit: str
    text: str
    resolution: float = 1.0
    labels: tuple[str, ...] = ()
    """Of an enumeration: what 0, 1, ... mean."""
    refusals: tuple[int, ...] = ()
    """Values of an enumeration that mean "not armed, and why": each raises the alarm ``controller_not_armed``."""
    retained: bool = False
    """Never stale, and kept over restarts of controller and edge: read it back with :meth:`Binding.own`."""


@dataclass(frozen=True)
class Input:
    """A channel that a controller reads: of the component that a setting names, or of the site."""

    of: str
    """Name of the setting (``grid``), or ``site``."""
    channel: str
    """Name of the channel, e.g. ``active_power_w``."""
    when_missing: str
    """What the controller does while it is stale, bad or not there."""
    optional: bool = False
    """The component need not have it."""


@dataclass(frozen=True)
class Output:
    """An actuator that a controller proposes to."""

    of: str
    """Name of the setting (``ess``)."""
    channel: str
    terms: tuple[str, ...] = ("preferred",)
    """Which of ``preferred``, ``lower``, ``upper``, ``offset``, ``reserve_up``, ``reserve_down``."""


@dataclass(frozen=True)
class Spec:
    """The declaration of a controller type (the governance rules), rendered into the documentation."""

    type: str
    """Name in site files and of the entry point, e.g. ``peak_shaving``."""
    owner: str
    """The room of the repository that answers for it."""
    priority: Priority
    control_mode: str
    """What ``site/control_mode`` shows while it decides, e.g. ``PEAK_SHAVING``."""
    safety_impact: str
    fallback: str
    """What happens without its inputs, and when its process dies."""
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    metrics: tuple[Metric, ...]
    acceptance: tuple[str, ...]
    test_plan: tuple[str, ...]

    def gaps(self) -> list[str]:
        """Names of the declarations that are empty."""
        return [field.name for field in fields(self) if getattr(self, field.name) in ("", ())]
