"""One-device sites, an image, and a bridge that runs while a test looks at it."""

from __future__ import annotations

import asyncio
import json
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from simems_core import Channel, Clock, ProcessImage, Snapshot
from simems_edge.bridges.connection import connection_channels
from simems_edge.bridges.kinds import bridges_of
from simems_edge.cli.main import run as run_command
from simems_edge.config import Site
from simems_edge.devices import Profile, load_profile


def bridge_site(*components: dict[str, Any]) -> Site:
    data = {
        "site": {
            "id": "bridge-1",
            "time_zone": "Europe/Stockholm",
            "currency": "SEK",
            "grid": {"import_limit_w": 100_000, "export_limit_w": 50_000},
        },
        "components": list(components),
        "simulation": {"pv": {"peak_w": 60_000}, "devices": {"ess0": {"initial_soc_pct": 60}}},
    }
    return Site.model_validate_json(json.dumps(data))


def modbus_component(name: str, profile: str, port: int, *, unit: int = 1, timeout_s: float = 0.3) -> dict[str, Any]:
    connection = {"host": "127.0.0.1", "port": port, "unit": unit, "timeout": timeout_s}
    return {"id": name, "profile": profile, "connection": {"modbus_tcp": connection}}


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


class Bench:
    """A running bridge and everything it said."""

    def __init__(self, site: Site, clock: Clock, changed: Mapping[str, Profile]) -> None:
        """``changed``: profiles that are not as shipped, by component."""
        profiles = {component.id: load_profile(component.profile) for component in site.components} | dict(changed)
        rows = [
            Channel(f"{component.id}/{channel.name}", unit=channel.unit, stale_after_s=channel.stale_after_s)
            for component in site.components
            for channel in profiles[component.id].channels
            if channel.readable
        ]
        self.clock = clock
        self.image = ProcessImage(rows + connection_channels(site))
        self.problems: dict[tuple[str, str], str] = {}
        self.told: list[tuple[str, str]] = []
        self.bridges = [
            kind(site, profiles, self.image, clock, on_problem=self._problem, on_clear=self._clear)
            for kind in bridges_of(site, Path(gettempdir()))
        ]
        self.bridge = self.bridges[0]
        self.tasks: list[asyncio.Task[None]] = []

    def _problem(self, component: str, code: str, text: str) -> None:
        self.problems[component, code] = text
        self.told.append((component, code))

    def _clear(self, component: str, code: str) -> None:
        del self.problems[component, code]

    def write(self, address: str, setpoint: float) -> None:
        """By the bridge whose device it is."""
        next(bridge for bridge in self.bridges if address in bridge.addresses).write(address, setpoint)

    def latch(self) -> Snapshot:
        return self.image.latch(self.clock.now_ns())

    def value(self, address: str) -> float:
        """NaN unless valid."""
        return self.latch().value(self.image.handle(address))

    def last(self, address: str) -> float:
        return self.latch().last_value(self.image.handle(address))

    def valid(self, address: str) -> bool:
        return not math.isnan(self.value(address))

    def stop(self) -> None:
        """The orderly end of every bridge."""
        for task in self.tasks:
            task.cancel()

    async def until(self, ready: Callable[[], bool], timeout_s: float = 15.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not ready():  # noqa: ASYNC110 - what it waits for lives in the image, which has no event
                await asyncio.sleep(0.01)


@pytest.fixture
def run_bench() -> Any:
    @asynccontextmanager
    async def run(
        site: Site, clock: Clock | None = None, profiles: Mapping[str, Profile] | None = None
    ) -> AsyncIterator[Bench]:
        bench = Bench(site, clock or Clock.monotonic(), profiles or {})
        bench.tasks = [asyncio.create_task(bridge.run()) for bridge in bench.bridges]
        try:
            yield bench
        finally:
            bench.stop()
            await asyncio.gather(*bench.tasks, return_exceptions=True)

    return run


Call = Callable[[list[str]], Awaitable[tuple[int, str, str]]]
"""A command line -> exit code, what it printed, what it printed as errors."""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """In a thread: the peer answers on the test's loop."""

    async def called(arguments: list[str]) -> tuple[int, str, str]:
        code = await asyncio.get_running_loop().run_in_executor(None, run_command, arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return called
