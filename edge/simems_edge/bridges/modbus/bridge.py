"""All Modbus devices of a site."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Final

from simems_core import Clock, ProcessImage

from simems_edge.bridges.crew import Crew
from simems_edge.bridges.modbus.device import ModbusDevice
from simems_edge.bridges.modbus.link import ModbusLink
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.bridges.surroundings import Surroundings
from simems_edge.config import Site
from simems_edge.devices import Profile

SETTLE_S: Final = 1.0
SETTLE_CYCLES: Final = 3.0
"""After a device was read for the first time, until the setpoints are of cycles that have seen it."""


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
        around = Surroundings(image, clock, SetpointStore(), random.SystemRandom().random)
        self._crew: Crew[ModbusDevice] = Crew(around)
        self._links: dict[str, ModbusLink] = {}
        components = [one for one in site.components if one.connection.protocol == "modbus"]
        users = Counter(component.connection.line for component in components)
        for component in components:
            profile = profiles[component.id] if component.id in profiles else profiles[component.profile]
            line = component.connection.line
            if line not in self._links:
                self._links[line] = ModbusLink(component.connection)
            reporter = Reporter(component.id, on_problem, on_clear)
            settle_s = max(SETTLE_S, SETTLE_CYCLES * site.cycle.period_s)
            device = ModbusDevice(
                component, profile, self._links[line], around, reporter, shared=users[line] > 1, settle_s=settle_s
            )
            self._crew.add(device, profile)

    @property
    def addresses(self) -> frozenset[str]:
        """Channels that :meth:`write` takes."""
        return self._crew.addresses

    async def run(self) -> None:
        """Until cancelled. Then devices are handed back to themselves and connections closed."""
        try:
            await self._crew.run("modbus")
        finally:
            for link in self._links.values():
                await link.close()

    def write(self, address: str, setpoint: float) -> None:
        """As :meth:`Crew.write`."""
        self._crew.write(address, setpoint)
