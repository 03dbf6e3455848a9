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
from simems_edge.bridges.crew import Crew
from simems_edge.bridges.errors import DeviceError
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.bridges.surroundings import Surroundings
from simems_edge.config import Can, Site
from simems_edge.devices import Profile
from simems_edge.kit.side_by_side import end


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
        self._crew: Crew[CanDevice] = Crew(self._around)
        self._by_bus: dict[str, list[CanDevice]] = {}
        for component in site.components:
            connection = component.connection.can
            if connection is None:
                continue
            link = self._link(connection)
            profile, reporter = profiles[component.id], Reporter(component.id, on_problem, on_clear)
            device = CanDevice(component.id, connection, profile, self._around, reporter, link)
            self._by_bus[link.name].append(device)
            self._crew.add(device, profile)

    def _link(self, connection: Can) -> CanLink:
        name = connection.channel
        if name not in self._links:
            self._by_bus[name] = []
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
        return self._crew.addresses

    async def run(self) -> None:
        """Until cancelled. Then each device is sent its idle values, and the buses are closed."""
        links = [asyncio.create_task(link.run(), name=f"can {name}") for name, link in self._links.items()]
        try:
            await self._crew.run("can", _watch(links))
        finally:
            await end(*links)

    def write(self, address: str, setpoint: float) -> None:
        """As :meth:`Crew.write`."""
        self._crew.write(address, setpoint)

    def _hear(self, bus: str, frame: can.Message) -> None:
        for device in self._by_bus[bus]:
            device.hear((frame.arbitration_id, bool(frame.is_extended_id)), bytes(frame.data))

    def _up(self, bus: str) -> None:
        for device in self._by_bus[bus]:
            device.new_session()

    def _lost(self, bus: str, error: DeviceError, is_open: bool) -> None:
        for device in self._by_bus[bus]:
            device.standing.failed("communication_lost", str(error), tolerated=not is_open)


async def _watch(links: list[asyncio.Task[None]]) -> None:
    """Raises what ends a bus's task by mistake; it is not cancelled with the devices, which still speak."""
    await asyncio.shield(asyncio.gather(*links))
