"""All Modbus devices of a site."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping

from simems_core import Clock, ProcessImage

from simems_edge.bridges.modbus.device import ModbusDevice
from simems_edge.bridges.modbus.link import ModbusLink
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.bridges.surroundings import NANOSECONDS, Surroundings
from simems_edge.config import Site
from simems_edge.devices import Profile

_HEARTBEAT_S = 1.0


class ModbusBridge:
    """Reads every device into the image, writes setpoints to it. One connection per host and port, or serial line."""

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
        """``profiles``: by component id or by profile name. ``on_problem(component, code, text)`` and
        ``on_clear(component, code)`` are called on the bridge's event loop."""
        self._clock = clock
        self._store = SetpointStore()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._settable: dict[str, ModbusDevice] = {}
        self._links: dict[str, ModbusLink] = {}
        self._devices: list[ModbusDevice] = []
        around = Surroundings(image, clock, self._store, random.SystemRandom().random)
        components = [one for one in site.components if one.connection.protocol == "modbus"]
        users = Counter(component.connection.line for component in components)
        for component in components:
            profile = profiles[component.id] if component.id in profiles else profiles[component.profile]
            line = component.connection.line
            if line not in self._links:
                self._links[line] = ModbusLink(component.connection)
            reporter = Reporter(component.id, on_problem, on_clear)
            device = ModbusDevice(component, profile, self._links[line], around, reporter, shared=users[line] > 1)
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
                    tasks.create_task(device.run(), name=f"modbus {device.id}")
                tasks.create_task(self._heartbeat(), name="modbus heartbeat")
        finally:
            self._loop = None
            for link in self._links.values():
                await link.close()

    def write(self, address: str, setpoint: float) -> None:
        """Any thread; the latest wins. Only channels that a profile lets be written: others raise KeyError.

        Call it again at least every second while the setpoint holds (each cycle will do): one that is not repeated
        for 5 s is no longer refreshed, so that the device's watchdog ends it when the cycle died.
        """
        device = self._settable[address]
        self._store.give(address, setpoint, self._clock.now_ns() * NANOSECONDS)
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(device.woken.set)

    async def _heartbeat(self) -> None:
        while True:
            for device in self._devices:
                device.publish_communication()
            await asyncio.sleep(_HEARTBEAT_S / self._clock.speed)
