"""Channels that follow from others: the load from the balance, and what the members of a cluster do together."""

from __future__ import annotations

from math import isnan

from simems_core import Snapshot

from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.commanded import Commanded


class LoadBalance:
    """load = grid + pv + ess - evcs, each taken at the instant of the grid meter's newest value.

    Publishes nothing while any part is missing: the channel then goes stale, it never shows a partial sum.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._image = assembly.image
        self._target = assembly.image.handle("site/load_power_w")
        self._grid = self._handle(assembly.grid) if assembly.grid is not None else None
        self._sources = [self._handle(c) for kind in ("pv", "ess") for c in assembly.of_kind(kind)]
        self._sinks = [self._handle(c) for c in assembly.of_kind("evcs")]
        self._done_ns: int | None = None

    def _handle(self, component: str) -> int:
        return self._image.handle(f"{component}/active_power_w")

    def update(self, snapshot: Snapshot) -> None:
        """Once per new meter sample."""
        if self._grid is None:
            return
        grid_w, time_ns = snapshot.value(self._grid), snapshot.time_of(self._grid)
        if isnan(grid_w) or time_ns == self._done_ns:
            return
        load_w = self._load_w(snapshot, grid_w, time_ns)
        if not isnan(load_w):
            self._done_ns = time_ns
            self._image.publish(self._target, load_w, time_ns)

    def _load_w(self, snapshot: Snapshot, grid_w: float, time_ns: int) -> float:
        sources_w = sum(snapshot.value_at(handle, time_ns) for handle in self._sources)
        sinks_w = sum(snapshot.value_at(handle, time_ns) for handle in self._sinks)
        return grid_w + sources_w - sinks_w


class GroupTotals:
    """What the members of each cluster do together: the sum of their readings, of their latest timestamp.

    Publishes nothing while a member is missing: the channel then goes stale, it never shows a partial sum.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._image = assembly.image
        self._groups = [
            (assembly.image.handle(group.target), [_reading(assembly, one) for one in group.members])
            for group in assembly.groups
        ]

    def update(self, snapshot: Snapshot) -> None:
        for target, members in self._groups:
            total = sum(snapshot.value(handle) * factor for handle, factor in members)
            time_ns = max(snapshot.time_of(handle) for handle, _ in members)
            if not isnan(total) and time_ns > snapshot.time_of(target):
                self._image.publish(target, total, time_ns)


def _reading(assembly: Assembly, one: Commanded) -> tuple[int, float]:
    """Handle of a member's power, and its factor to the cluster's unit."""
    return assembly.image.handle(one.measured), 1.0 / abs(one.gain)
