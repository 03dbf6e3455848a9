"""What every device of a bridge shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simems_core import Clock, ProcessImage

from simems_edge.bridges.setpoints import SetpointStore

NANOSECONDS = 1e-9


@dataclass(frozen=True, slots=True)
class Surroundings:
    image: ProcessImage
    clock: Clock
    store: SetpointStore
    random: Callable[[], float]
    """Uniform 0..1."""

    def now_s(self) -> float:
        """On the clock's monotonic time."""
        return self.clock.now_ns() * NANOSECONDS
