"""Real Modbus TCP servers for every device of a plant, at the addresses that the site file gives."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pymodbus.server import ModbusTcpServer

from simems_edge.config import Component, Site
from simems_edge.devices import load_profile
from simems_edge.sim.chains import CELLS, MORE_STORAGE, build_chain
from simems_edge.sim.plant import Plant
from simems_edge.sim.register_device import Channels, RegisterDevice

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # it dumps frames
Endpoint = tuple[str, int]


class ServerError(OSError):
    """A port that the site file names cannot be opened."""


class PlantServers:
    """One server per (host, port), one unit per device on it."""

    def __init__(self, site: Site, plant: Plant, channels: Channels) -> None:
        self._plant = plant
        self._devices: dict[Endpoint, dict[int, RegisterDevice]] = {}
        self._servers: dict[Endpoint, ModbusTcpServer] = {}
        self._endpoints: dict[str, Endpoint] = {}
        for component in sorted(site.components, key=lambda c: load_profile(c.profile).kind == "sensor"):
            self._place(component, channels)

    def _place(self, component: Component, channels: Channels) -> None:
        connection = component.connection.modbus_tcp
        if connection is None:
            raise ServerError(
                f"{component.id}: the virtual plant serves modbus_tcp only; connect it so in the site file"
            )
        endpoint = (connection.host, connection.port)
        self._endpoints[component.id] = endpoint
        units = self._devices.setdefault(endpoint, {})
        sensor = component.id not in self._plant.components
        if connection.unit in units and sensor:
            return  # the plant's clock and counter stand in the chain of the device that is there already
        if connection.unit in units:
            raise ServerError(f"{component.id}: unit {connection.unit} at {endpoint[0]}:{endpoint[1]} is taken twice")
        kind = "sensor" if sensor else self._plant.kind(component.id)
        rated_w, capacity_wh = (0.0, 0.0) if sensor else self._plant.ratings(component.id)
        chain = build_chain(kind, component.id, rated_w, capacity_wh, more=self._more(component, kind))
        name = None if sensor else component.id
        units[connection.unit] = RegisterDevice(name, connection.unit, chain, self._plant, channels)

    def _more(self, component: Component, kind: str) -> tuple[int, ...]:
        """Models beside those that every device of this kind has."""
        if kind != "ess":
            return ()
        cells = CELLS if self._plant.has_cells(component.id) else ()
        return (*cells, MORE_STORAGE) if MORE_STORAGE in load_profile(component.profile).models() else cells

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """Component -> (host, port)."""
        return self._endpoints

    async def start(self) -> None:
        """Raises :class:`ServerError` naming the port that is taken."""
        for endpoint in self._devices:
            await self.open(endpoint)

    async def open(self, endpoint: Endpoint) -> None:
        """Listen again after :meth:`refuse`; nothing happens when it listens already."""
        if endpoint in self._servers:
            return
        devices = [device.sim_device() for device in self._devices[endpoint].values()]
        server = ModbusTcpServer(devices, address=endpoint)
        try:
            await server.serve_forever(background=True)
        except (OSError, RuntimeError) as error:
            host, port = endpoint
            raise ServerError(f"{host}:{port} cannot be opened; end what listens there or change the port") from error
        self._servers[endpoint] = server

    async def refuse(self, endpoint: Endpoint) -> None:
        """Close the port and its connections: clients are refused."""
        server = self._servers.pop(endpoint, None)
        if server is not None:
            await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus gives it no types

    async def stop(self) -> None:
        for endpoint in list(self._servers):
            await self.refuse(endpoint)
