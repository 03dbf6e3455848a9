"""Carries an experiment out on a runtime: what each cycle saw goes in, what it wants goes out as a manual preference
that ends by itself. Arbitration and guards decide; nothing is written while it only reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simems_core import FORCED, GOOD, Decision, Snapshot

from simems_edge.commissioning.equipment import Equipment, equipment
from simems_edge.commissioning.experiment import Experiment
from simems_edge.commissioning.observation import Observation
from simems_edge.commissioning.plan import Permission
from simems_edge.commissioning.record import SETPOINT, Recorder
from simems_edge.config import Site
from simems_edge.controllers.closed_loop import LoopSettings
from simems_edge.controllers.registry import build_controllers
from simems_edge.devices import load_profile
from simems_edge.runtime import RequestRefusedError, Runtime
from simems_edge.runtime.assembly import grid_meter

ACTOR: Final = "doctor"
HOLD_S: Final = 2.0
"""A wish that is not repeated for so long ends."""
RENEW_S: Final = 0.5
STANDS_W: Final = 100.0
LEAST_REST_S: Final = 2.0
LONGEST_REST_S: Final = 15.0
_NS: Final = 1e-9


def site_without_controllers(site: Site) -> Site:
    """The same devices and guards; nobody but the experiment asks for anything. The grid meter stays the same one."""
    grid = grid_meter({one.id: load_profile(one.profile) for one in site.components}, build_controllers(site))
    ordered = sorted(site.components, key=lambda one: one.id != grid)
    return site.model_copy(update={"controllers": (), "components": tuple(ordered)})


def equipment_of(site: Site) -> Equipment:
    """``site``: as it is in its file, with its controllers."""
    profiles = {one.id: load_profile(one.profile) for one in site.components}
    controllers = build_controllers(site)
    return equipment(site, profiles, grid_meter(profiles, controllers), controllers)


def loops_on_meter(site: Site) -> list[str]:
    """Ids of the controllers that close a loop on the grid meter."""
    controllers = build_controllers(site)
    grid = grid_meter({one.id: load_profile(one.profile) for one in site.components}, controllers)
    loops = [c for c in controllers if isinstance(c.settings, LoopSettings)]
    return [c.id for c in loops if c.settings.references().get("grid") == grid]


class Conductor:
    """One experiment on one runtime. Call :meth:`cycle` once a cycle, after its decisions."""

    def __init__(
        self,
        runtime: Runtime,
        plant: Equipment,
        permission: Permission,
        *,
        stamps: frozenset[str] = frozenset(),
        seed: int = 1,
        tell: Callable[[str, float], None] | None = None,
    ) -> None:
        self._runtime = runtime
        channels = [c.address for c in runtime.channels if c.address.split("/")[0] in plant.devices]
        self._addresses = [address for address in channels if not address.endswith((SETPOINT, "_reason"))]
        self._handles = [runtime.image.handle(address) for address in self._addresses]
        self._batteries = [battery.power for battery in plant.batteries]
        self.recorder = Recorder([*self._addresses, *(power + SETPOINT for power in self._batteries)])
        self.experiment = Experiment(plant, self.recorder, permission, seed, stamps)
        if tell is not None:
            self.experiment.tell = tell
        self._begin_ns: int | None = None
        self._ended_s: float | None = None
        self._asked: dict[str, tuple[float, float]] = {}

    @property
    def armed(self) -> bool:
        """Setpoints may go to the devices."""
        return self.experiment.armed

    def cycle(self, snapshot: Snapshot, decisions: list[Decision]) -> bool:
        """True while there is more to do."""
        if self._begin_ns is None:
            self._begin_ns = snapshot.time_ns
        time_s = (snapshot.time_ns - self._begin_ns) * _NS
        self._record(time_s, snapshot, decisions)
        wish = self.experiment.step(self._observation(time_s, snapshot, decisions))
        for address, power_w in wish.items():
            self._ask(address, power_w, time_s)
        if not self.experiment.done:
            if self.experiment.armed and self._runtime.state == "STANDBY":
                self._request("RUN")
            return True
        return self._rests(time_s, snapshot)

    def _rests(self, time_s: float, snapshot: Snapshot) -> bool:
        """STANDBY, which no guard moves a battery in, until all of them stand; True while they do not."""
        if self._ended_s is None:
            self._ended_s = time_s
            self.release()
            if self.experiment.armed:
                self._request("STANDBY")
        powers_w = [snapshot.last_value(self._runtime.image.handle(power)) for power in self._batteries]
        standing = all(abs(power_w) < STANDS_W for power_w in powers_w)
        return self.experiment.armed and time_s < self._ended_s + (LEAST_REST_S if standing else LONGEST_REST_S)

    def release(self) -> None:
        """Nothing is wanted any more."""
        for override in self._runtime.overrides.standing():
            if override.actor == ACTOR:
                self._runtime.overrides.clear(override.target, ACTOR)
        self._asked.clear()

    def _ask(self, address: str, power_w: float, time_s: float) -> None:
        before_w, before_s = self._asked.get(address, (float("nan"), float("-inf")))
        if power_w == before_w and time_s - before_s < RENEW_S:
            return
        self._asked[address] = (power_w, time_s)
        self._runtime.overrides.set(address, power_w, duration_s=HOLD_S, reason="commissioning", actor=ACTOR)

    def _request(self, state: str) -> None:
        try:
            self._runtime.requests.set_mode(state, actor=ACTOR)
        except RequestRefusedError:
            return  # the runtime has told it; the experiment sees that the site is not in RUN, and stops its stage

    def _record(self, time_s: float, snapshot: Snapshot, decisions: list[Decision]) -> None:
        begin_ns = self._begin_ns or 0
        setpoints = {decision.address: decision.setpoint for decision in decisions}
        values = [snapshot.last_value(handle) for handle in self._handles]
        taken = [(snapshot.time_of(handle) - begin_ns) * _NS for handle in self._handles]
        values += [setpoints.get(power, float("nan")) for power in self._batteries]
        self.recorder.add(time_s, values, [*taken, *(time_s for _ in self._batteries)])

    def _observation(self, time_s: float, snapshot: Snapshot, decisions: list[Decision]) -> Observation:
        values, qualities = snapshot.values, snapshot.qualities
        good = {
            address: values[handle]
            for address, handle in zip(self._addresses, self._handles, strict=True)
            if qualities[handle] in _VALID
        }
        state = self._runtime.state
        faults = (
            ", ".join(fault.planned.definition.code for fault in self._runtime.faults.standing())
            if state != "RUN"
            else ""
        )
        return Observation(
            time_s, good, {d.address: d.bound for d in decisions}, state == "RUN", f"{state} {faults}".strip()
        )


_VALID: Final = frozenset((GOOD, FORCED))
