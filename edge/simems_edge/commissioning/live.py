"""The experiment on a real site: the runtime with its bridges, without controllers. While it only reads, nothing that
the cycle decides reaches a device; afterwards everything goes through arbitration and guards."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from simems_core import Clock, ProcessImage, Snapshot

from simems_edge.bridges.kinds import bridges_of
from simems_edge.commissioning.conductor import Conductor, equipment_of, site_without_controllers
from simems_edge.commissioning.equipment import Equipment
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.judge import judge
from simems_edge.commissioning.plan import Permission
from simems_edge.commissioning.record import Record
from simems_edge.commissioning.verdict import Verdict
from simems_edge.config import Site
from simems_edge.devices import Profile
from simems_edge.runtime import Runtime
from simems_edge.runtime.outputs import Bridge, BridgeFactory

ANSWER_S: Final = 20.0
"""Every device must have answered by then."""
LEAST_CYCLE_NS: Final = 90_000_000
"""Faster cycles are looked at this often."""
WAIT_S: Final = 2.0


class SilentDevicesError(ConnectionError):
    """Devices that do not answer; the message names them."""


@dataclass
class Gate:
    """Between the cycle and the devices. Closed: setpoints are dropped, nothing is written."""

    open: bool = False


class GatedBridge:
    """A bridge behind a gate."""

    def __init__(self, bridge: Bridge, gate: Gate) -> None:
        self._bridge, self._gate = bridge, gate

    @property
    def addresses(self) -> frozenset[str]:
        """As the bridge itself."""
        return self._bridge.addresses

    async def run(self) -> None:
        """As the bridge itself."""
        await self._bridge.run()

    def write(self, address: str, setpoint: float) -> None:
        """Any thread."""
        if self._gate.open:
            self._bridge.write(address, setpoint)


class GatedBridges:
    """Makes them, for every protocol that the site speaks. ``problems``: what they told last, by component."""

    def __init__(self, site: Site, data: Path) -> None:
        self.gate = Gate()
        self.problems: dict[str, str] = {}
        self.factories = [partial(self._gated, make) for make in bridges_of(site, data)]

    def _gated(
        self,
        make: BridgeFactory,
        site: Site,
        profiles: Mapping[str, Profile],
        image: ProcessImage,
        clock: Clock,
        *,
        on_problem: Callable[[str, str, str], None],
        on_clear: Callable[[str, str], None],
    ) -> GatedBridge:
        def problem(component: str, code: str, text: str) -> None:
            self.problems[component] = text
            on_problem(component, code, text)

        return GatedBridge(make(site, profiles, image, clock, on_problem=problem, on_clear=on_clear), self.gate)


@dataclass(frozen=True)
class LiveOutcome:
    """What one commissioning found."""

    equipment: Equipment
    record: Record
    verdicts: list[Verdict]
    skipped: list[str]
    interrupted: bool


def commission_live(
    site: Site,
    permission: Permission,
    clock: Clock,
    data: Path,
    *,
    tell: Callable[[str, float], None],
    tick: Callable[[float], None] = lambda _time_s: None,
) -> LiveOutcome:
    """Until the experiment is done or KeyboardInterrupt (batteries go to 0 W first; a second one ends at once).
    ``data``: folder of what a bridge must not forget. ``tick``: called each cycle with the time. Raises
    SilentDevicesError."""
    bridges, equipment = GatedBridges(site, data), equipment_of(site)
    runtime = Runtime(site_without_controllers(site), clock=clock, bridges=bridges.factories)
    runtime.start()
    try:
        _wait_for_devices(runtime, equipment, bridges, clock)
        conductor = Conductor(runtime, equipment, permission, tell=tell)
        interrupted = _conduct(runtime, conductor, bridges.gate, tick)
    finally:
        runtime.stop()
    record = conductor.recorder.record()
    verdicts = judge(Evidence(record, equipment))
    return LiveOutcome(equipment, record, verdicts, conductor.experiment.skipped, interrupted)


def _wait_for_devices(runtime: Runtime, equipment: Equipment, bridges: GatedBridges, clock: Clock) -> None:
    end_s = time.monotonic() + ANSWER_S / min(clock.speed, 4.0)
    missing = list(equipment.devices)
    after = runtime.cycle.number
    while missing and time.monotonic() < end_s:
        snapshot = runtime.cycle.wait(after, WAIT_S)
        if snapshot is not None:
            after = snapshot.cycle
            missing = [one for one in missing if not _talks(runtime, snapshot, one)]
    if missing:
        said = "; ".join(f"{one}: {bridges.problems.get(one, 'does not answer')}" for one in missing)
        raise SilentDevicesError(f"{said}; check power, wiring and address (simems-edge probe)")


def _talks(runtime: Runtime, snapshot: Snapshot, component: str) -> bool:
    return snapshot.value(runtime.image.handle(f"{component}/communication")) == 1.0


def _conduct(runtime: Runtime, conductor: Conductor, gate: Gate, tick: Callable[[float], None]) -> bool:
    """True when a person ended it."""
    after, looked_ns, going, interrupted = runtime.cycle.number, 0, True, False
    while going:
        try:
            snapshot = runtime.cycle.wait(after, WAIT_S)
            if snapshot is None:
                continue
            after = snapshot.cycle
            if snapshot.time_ns - looked_ns < LEAST_CYCLE_NS:
                continue
            looked_ns = snapshot.time_ns
            going = conductor.cycle(snapshot, runtime.cycle.decisions())
            gate.open = conductor.armed
            tick(conductor.recorder.last_s)
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            conductor.experiment.abandon()
    return interrupted
