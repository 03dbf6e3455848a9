"""Gathers what the alarm rules look at."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from math import isnan

from simems_core import CycleStatistics, Decision, Snapshot

from simems_edge.contracts.interfaces import INTERFACES
from simems_edge.runtime.alarm_rules import Facts, Lateness
from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.fault_book import FaultBook
from simems_edge.runtime.outside import EXPORT_LIMIT, IMPORT_LIMIT
from simems_edge.runtime.soc_check import SocCheck

OVERRUN_MEMORY_NS = 60_000_000_000
OVER_LIMIT_HOLD_NS = 5_000_000_000
FALLBACK_SOURCE = "fallback"
MICROSECOND_S = 1e-6


class FactFinder:
    """Bound once to the handles of all mandatory inputs."""

    def __init__(self, assembly: Assembly) -> None:
        self._inputs = {component: _mandatory(assembly, component) for component in assembly.profiles}
        self._users = _components_by_actuator(assembly)
        self._limits = assembly.site.site.grid
        self._lateness_limit_s = assembly.site.cycle.lateness_limit_s
        self._grid = None if assembly.grid is None else assembly.image.handle(f"{assembly.grid}/active_power_w")
        self._outside = [assembly.image.handle(address) for address in (IMPORT_LIMIT, EXPORT_LIMIT)]
        self._soc = SocCheck(assembly)
        self._refusals = _refusals(assembly)
        self._overruns: deque[tuple[int, int]] = deque()
        self._over_since_ns: int | None = None

    def inputs(self) -> list[int]:
        """Handles of all mandatory inputs: what control is as old as."""
        return [handle for inputs in self._inputs.values() for _, handle in inputs]

    def stale(self, snapshot: Snapshot) -> dict[str, list[str]]:
        """Component -> mandatory channels without a valid value."""
        found = {}
        for component, inputs in self._inputs.items():
            missing = [name for name, handle in inputs if isnan(snapshot.value(handle))]
            if missing:
                found[component] = missing
        return found

    def facts(
        self,
        snapshot: Snapshot,
        decisions: Sequence[Decision],
        statistics: CycleStatistics,
        *,
        stale: Mapping[str, Sequence[str]],
        lost: Mapping[str, str],
        problems: Mapping[tuple[str, str], str],
        failing: Mapping[str, str],
        faults: FaultBook,
    ) -> Facts:
        self._soc.update(snapshot)
        return Facts(
            stale={component: names for component, names in stale.items() if component not in lost},
            lost=lost,
            problems=problems,
            failing=failing,
            not_armed=self._not_armed(snapshot),
            fallback=[d.address for d in decisions if self._fell_back(d, stale)],
            over_limit_w=self._over_limit_w(snapshot),
            new_overruns=self._new_overruns(snapshot.time_ns, statistics),
            lateness=self._lateness(statistics),
            faults=faults.standing(),
            fault_store_error=faults.store_error,
            fault_store_damage=faults.damage,
            relief=faults.relief,
            soc_apart=self._soc.apart,
            soc_jumps=self._soc.jumps,
        )

    def _not_armed(self, snapshot: Snapshot) -> dict[str, str]:
        values = ((controller, labels, snapshot.value(handle)) for controller, handle, labels in self._refusals)
        return {controller: labels[value] for controller, labels, value in values if value in labels}

    def _fell_back(self, decision: Decision, stale: Mapping[str, Sequence[str]]) -> bool:
        needed = self._users.get(decision.address, frozenset())
        return decision.source == FALLBACK_SOURCE and not needed.isdisjoint(stale)

    def _over_limit_w(self, snapshot: Snapshot) -> float | None:
        """How far outside, once it lasts longer than the guard needs to act."""
        grid_w = float("nan") if self._grid is None else snapshot.value(self._grid)
        if isnan(grid_w):
            self._over_since_ns = None
            return None
        import_w, export_w = self._tightest_w(snapshot)
        over_w = max(grid_w - import_w, -grid_w - export_w, 0.0)
        if over_w == 0.0:
            self._over_since_ns = None
        elif self._over_since_ns is None:
            self._over_since_ns = snapshot.time_ns
        lasting = self._over_since_ns is not None and snapshot.time_ns - self._over_since_ns >= OVER_LIMIT_HOLD_NS
        return over_w if lasting else 0.0

    def _tightest_w(self, snapshot: Snapshot) -> tuple[float, float]:
        """Import and export: the connection's own limits, or tighter ones from outside."""
        told_import_w, told_export_w = (snapshot.last_value(handle) for handle in self._outside)
        return tighter(self._limits.import_limit_w, told_import_w), tighter(self._limits.export_limit_w, told_export_w)

    def _lateness(self, statistics: CycleStatistics) -> Lateness:
        """Of the last minute, in time of the host."""
        return Lateness(statistics.lateness_1min_us_max * MICROSECOND_S, self._lateness_limit_s, statistics.realtime)

    def _new_overruns(self, now_ns: int, statistics: CycleStatistics) -> int:
        count = statistics.overruns + statistics.skipped
        if not self._overruns or self._overruns[-1][1] != count:
            self._overruns.append((now_ns, count))
        while len(self._overruns) > 1 and self._overruns[1][0] <= now_ns - OVERRUN_MEMORY_NS:
            self._overruns.popleft()
        return count - self._overruns[0][1]


def tighter(own_w: float, told_w: float) -> float:
    """A limit from outside counts while it is known; below 0 it counts as 0."""
    return own_w if isnan(told_w) else min(own_w, max(told_w, 0.0))


def _refusals(assembly: Assembly) -> list[tuple[str, int, dict[float, str]]]:
    """(controller, handle, value -> why) of the metrics that say that a controller is not armed."""
    return [
        (c.id, assembly.image.handle(f"{c.id}/{m.name}"), {float(code): m.labels[code] for code in m.refusals})
        for c in assembly.controllers
        for m in c.spec.metrics
        if m.refusals
    ]


def _mandatory(assembly: Assembly, component: str) -> list[tuple[str, int]]:
    interface = INTERFACES[assembly.profiles[component].kind]
    names = [spec.name for spec in interface.channels if spec.mandatory]
    return [(name, assembly.image.handle(f"{component}/{name}")) for name in names]


def _components_by_actuator(assembly: Assembly) -> dict[str, frozenset[str]]:
    """Actuator -> the components that its controllers read."""
    users: dict[str, frozenset[str]] = {}
    for controller in assembly.controllers:
        references = frozenset(map(str, controller.settings.references().values()))
        for address in assembly.actuators:
            if address.partition("/")[0] in references:
                users[address] = users.get(address, frozenset()) | references
    return users
