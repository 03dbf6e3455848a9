"""All HTTP devices of a site."""

from __future__ import annotations

import random
from collections.abc import Mapping

from simems_core import Clock, ProcessImage

from simems_edge.bridges.crew import Crew
from simems_edge.bridges.http.device import HttpDevice
from simems_edge.bridges.http.link import HttpLink
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.bridges.surroundings import Surroundings
from simems_edge.config import Http, Site
from simems_edge.devices import Profile


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
        around = Surroundings(image, clock, SetpointStore(), random.SystemRandom().random)
        self._crew: Crew[HttpDevice] = Crew(around)
        self._links: dict[Http, HttpLink] = {}
        for component in site.components:
            http = component.connection.http
            if http is None:
                continue
            profile, link = profiles[component.id], self._links.setdefault(http, HttpLink(http))
            reporter = Reporter(component.id, on_problem, on_clear)
            self._crew.add(HttpDevice(component, profile, link, around, reporter), profile)

    @property
    def addresses(self) -> frozenset[str]:
        """Channels that :meth:`write` takes."""
        return self._crew.addresses

    async def run(self) -> None:
        """Until cancelled. Then devices are handed back to themselves and connections closed."""
        try:
            await self._crew.run("http")
        finally:
            for link in self._links.values():
                await link.close()

    def write(self, address: str, setpoint: float) -> None:
        """As :meth:`Crew.write`."""
        self._crew.write(address, setpoint)
