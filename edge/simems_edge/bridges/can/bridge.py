"""All CAN devices of a site, one bus each connection."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from functools import partial

import can
from simems_core import Clock, ProcessImage

from simems_edge.bridges.can.bus import CanLink
from simems_edge.bridges.can.device import CanDevice
from simems_edge.bridges.errors import DeviceError
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.bridges.surroundings import Surroundings
from simems_edge.config import Can, Site
from simems_edge.devices import Profile

_HEARTBEAT_S = 1.0


class CanBridge:
    """Publishes what devices say into the image, sends them their setpoints and heartbeats."""

    def __init__(
        self,
        site: Site,
        profiles: Mapping[str, Profile],
        image: ProcessImage,
        clock: Clock,
        *,
        on_problem: OnProblem,
        on_clear: OnClear,
    ) -> None:
        """``profiles``: by component id. ``on_problem`` and ``on_clear`` are called on the bridge's event loop."""
        self._around = Surroundings(image, clock, SetpointStore(), random.SystemRandom().random)
        self._links: dict[str, CanLink] = {}
        self._devices: dict[str, list[CanDevice]] = {}
        settable = set()
        for component in site.components:
            connection = component.connection.can
            if connection is None:
                continue
            link = self._link(connection)
            profile, reporter = profiles[component.id], Reporter(component.id, on_problem, on_clear)
            device = CanDevice(component.id, connection, profile, self._around, reporter, link)
            self._devices[link.name].append(device)
            settable |= {f"{component.id}/{c.name}" for c in profile.channels if c.settable}
        self._settable = frozenset(settable)

    def _link(self, connection: Can) -> CanLink:
        name = connection.channel
        if name not in self._links:
            self._devices[name] = []
            self._links[name] = CanLink(
                connection,
                self._around.random,
                on_frame=partial(self._hear, name),
                on_up=partial(self._up, name),
                on_lost=partial(self._lost, name),
            )
        return self._links[name]

    @property
    def addresses(self) -> frozenset[str]:
        """Channels that :meth:`write` takes."""
        return self._settable

    async def run(self) -> None:
        """Until cancelled. Then each device is sent its idle values, and the buses are closed."""
        links = [asyncio.create_task(link.run(), name=f"can {name}") for name, link in self._links.items()]
        try:
            async with asyncio.TaskGroup() as tasks:
                for device in self._every():
                    tasks.create_task(device.run(), name=f"can {device.id}")
                tasks.create_task(self._heartbeat(), name="can heartbeat")
                tasks.create_task(_watch(links), name="can watch")
        finally:
            for link in links:
                link.cancel()
            await asyncio.gather(*links, return_exceptions=True)

    def write(self, address: str, setpoint: float) -> None:
        """Any thread; the latest wins; KeyError for what no profile lets be set. To be repeated while it holds."""
        if address not in self._settable:
            raise KeyError(address)
        self._around.store.give(address, setpoint, self._around.now_s())

    def _every(self) -> list[CanDevice]:
        return [device for devices in self._devices.values() for device in devices]

    def _hear(self, bus: str, frame: can.Message) -> None:
        for device in self._devices[bus]:
            device.hear((frame.arbitration_id, bool(frame.is_extended_id)), bytes(frame.data))

    def _up(self, bus: str) -> None:
        for device in self._devices[bus]:
            device.new_session()

    def _lost(self, bus: str, error: DeviceError, is_open: bool) -> None:
        for device in self._devices[bus]:
            device.standing.failed("communication_lost", str(error), tolerated=not is_open)

    async def _heartbeat(self) -> None:
        while True:
            for device in self._every():
                device.standing.publish()
            await asyncio.sleep(_HEARTBEAT_S / self._around.clock.speed)


async def _watch(links: list[asyncio.Task[None]]) -> None:
    """Raises what ends a bus's task by mistake; it is not cancelled with the devices, which still speak."""
    await asyncio.shield(asyncio.gather(*links))
