"""All HTTP devices of a site."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from simems_core import Clock, ProcessImage

from simems_edge.bridges.http.device import HttpDevice
from simems_edge.bridges.http.link import HttpLink
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.bridges.surroundings import Surroundings
from simems_edge.config import Http, Site
from simems_edge.devices import Profile

_HEARTBEAT_S = 1.0


class HttpBridge:
    """Reads every HTTP device into the image, sends setpoints to it. One connection per section ``http``."""

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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._settable: dict[str, HttpDevice] = {}
        self._links: dict[Http, HttpLink] = {}
        self._devices: list[HttpDevice] = []
        for component in site.components:
            http = component.connection.http
            if http is None:
                continue
            profile, link = profiles[component.id], self._links.setdefault(http, HttpLink(http))
            device = HttpDevice(component, profile, link, self._around, Reporter(component.id, on_problem, on_clear))
            self._devices.append(device)
            self._settable |= {f"{component.id}/{c.name}": device for c in profile.channels if c.settable}

    @property
    def addresses(self) -> frozenset[str]:
        """Channels that :meth:`write` takes."""
        return frozenset(self._settable)

    async def run(self) -> None:
        """Until cancelled. Then devices are handed back to themselves and connections closed."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as tasks:
                for device in self._devices:
                    tasks.create_task(device.run(), name=f"http {device.id}")
                tasks.create_task(self._heartbeat(), name="http heartbeat")
        finally:
            self._loop = None
            for link in self._links.values():
                await link.close()

    def write(self, address: str, setpoint: float) -> None:
        """Any thread; the latest wins; KeyError for what no profile lets be set. To be repeated while it holds."""
        device = self._settable[address]
        self._around.store.give(address, setpoint, self._around.now_s())
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(device.woken.set)

    async def _heartbeat(self) -> None:
        while True:
            for device in self._devices:
                device.standing.publish()
            await asyncio.sleep(_HEARTBEAT_S / self._around.clock.speed)
