"""A bridge for stations that really connect, over WebSockets of this host."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from charge_points import CLIENTS, Client, Station
from simems_core import Clock, ProcessImage
from simems_edge.bridges.connection import connection_channels
from simems_edge.bridges.ocpp.bridge import OcppBridge
from simems_edge.config import Site
from simems_edge.devices import load_profile
from simems_edge.runtime.channels import device_channels
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

PASSWORD = "correct-horse-battery"


def connector(name: str, station: str, number: int = 1, **control: Any) -> dict[str, Any]:
    return {
        "id": name,
        "profile": "ocpp_charger",
        "connection": {"ocpp": {"station": station, "connector": number}},
        "control": {"safe_current_a": 6, "maximum_current_a": 32} | control,
    }


def charging_site(*components: dict[str, Any], ocpp: dict[str, Any] | None = None, **more: Any) -> Site:
    stations = sorted({one["connection"]["ocpp"]["station"] for one in components})
    data = {
        "site": {
            "id": "garage-1",
            "time_zone": "Europe/Stockholm",
            "currency": "SEK",
            "grid": {"import_limit_w": 100_000, "export_limit_w": 50_000},
        },
        "components": list(components),
        "ocpp": {"stations": [{"id": one} for one in stations], "security_profile": 0, "id_tags": ["TAG"]}
        | (ocpp or {}),
    }
    return Site.model_validate_json(json.dumps(data | more))


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


def image_of(site: Site) -> ProcessImage:
    rows = [row for component in site.components for row in device_channels(component, load_profile(component.profile))]
    return ProcessImage(rows + connection_channels(site))


class Bench:
    """A bridge and everything it said."""

    def __init__(self, site: Site, folder: Path, clock: Clock | None = None) -> None:
        self.site, self.clock, self.image = site, clock or Clock.monotonic(), image_of(site)
        self.problems: dict[tuple[str, str], str] = {}
        self.told: list[tuple[str, str]] = []
        profiles = {component.id: load_profile(component.profile) for component in site.components}
        self.wanted: dict[str, float] = {}
        self.tls: ssl.SSLContext | None = None
        self.bridge = OcppBridge(
            site, profiles, self.image, self.clock, on_problem=self._problem, on_clear=self._clear, data=folder
        )

    def hurry(self) -> None:
        """Cars of these tests follow at once: no need to wait 5 s for them."""
        for station in self.bridge.stations.values():
            for one in station.connectors.values():
                one.book._timing = replace(one.book._timing, follow_s=0.5)

    def _problem(self, component: str, code: str, text: str) -> None:
        self.problems[component, code] = text
        self.told.append((component, code))

    def _clear(self, component: str, code: str) -> None:
        del self.problems[component, code]

    @property
    def store(self) -> Any:
        return self.bridge.store

    def value(self, address: str) -> float:
        """NaN unless valid."""
        return self.image.latch(self.clock.now_ns()).value(self.image.handle(address))

    def valid(self, address: str) -> bool:
        return not math.isnan(self.value(address))

    def want(self, component: str, current_a: float) -> None:
        self.wanted[f"{component}/current_limit_a"] = current_a
        self.bridge.write(f"{component}/current_limit_a", current_a)

    async def repeat(self) -> None:
        """As the cycle does: a setpoint that is not repeated dies."""
        while True:
            for address, current_a in self.wanted.items():
                self.bridge.write(address, current_a)
            await asyncio.sleep(0.2)

    @contextlib.asynccontextmanager
    async def connected(
        self, station: Station, version: str = "ocpp1.6", password: str | None = None, name: str | None = None
    ) -> AsyncIterator[Client]:
        settings = self.site.ocpp
        assert settings is not None
        for outlet in station.outlets.values():
            outlet.follow_s = 0.3
        scheme = "ws" if settings.security_profile < 2 else "wss"
        headers = {}
        if password is not None:
            both = f"{name or station.identity}:{password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(both).decode()}"
        address = f"{scheme}://127.0.0.1:{settings.port}/ocpp/{station.identity}"
        async with connect(
            address,
            subprotocols=[Subprotocol(version)],
            additional_headers=headers,
            ssl=self.tls,
        ) as opened:
            client = CLIENTS[version](station, opened)
            hearing = asyncio.create_task(_heard(client))
            try:
                yield client
            finally:
                hearing.cancel()


async def _heard(client: Client) -> None:
    with contextlib.suppress(Exception):  # the connection's end, whichever side ends it
        await client.start()


Running = Callable[..., contextlib.AbstractAsyncContextManager[Bench]]


async def listening(bench: Bench) -> None:
    assert bench.site.ocpp is not None
    async with asyncio.timeout(10.0):
        while not await _answers(bench.site.ocpp.port):  # noqa: ASYNC110 - the port opens in a library
            await asyncio.sleep(0.02)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def until(true: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - the image tells nobody
            await asyncio.sleep(0.02)
