"""The manual source of a cycle: what stands by hand as preferences, and the glide after it. Here and in shadows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from simems_core import Cycle, Snapshot

from simems_edge.contracts.context import Row
from simems_edge.runtime.override_glide import Glide

NUMBER: Final = 0
"""Of the manual source among a cycle's sources."""


class ManualSource:
    """One cycle's; ``glide`` None: what ends leaves its value at once."""

    def __init__(self, actuators: Sequence[str], glide: Glide | None) -> None:
        self._numbers = {address: number for number, address in enumerate(actuators)}
        self._glide = glide

    def propose(self, cycle: Cycle, snapshot: Snapshot, standing: Mapping[str, float]) -> None:
        """Once per cycle. ``standing``: target -> value, in its unit."""
        rows: list[Row] = [(self._numbers[target], value, None, None, None) for target, value in standing.items()]
        if self._glide is not None:
            bounds = self._glide.bounds(snapshot, set(standing))
            rows += [(self._numbers[target], None, lower, upper, None) for target, (lower, upper) in bounds.items()]
        cycle.propose(NUMBER, snapshot.cycle, rows)
