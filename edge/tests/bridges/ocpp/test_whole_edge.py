"""Controller, arbitration, guard, bridge and station together: two real stations share a fuse."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from charge_points import Station
from charging_bench import Bench, charging_site, connector, until, unused_port
from simems_core import Clock
from simems_edge.bridges.kinds import bridges_of
from simems_edge.config import Site
from simems_edge.runtime import Runtime

pytestmark = pytest.mark.integration


def shared_site() -> Site:
    evcs = [
        connector("evcs0", "CP1", safe_current_a=0, dwell="1 s"),
        connector("evcs1", "CP2", safe_current_a=0, dwell="1 s"),
    ]
    controller = {"id": "cars0", "type": "smart_charging", "evcs": ["evcs0", "evcs1"], "fuse_a": 20, "raise_every_s": 1}
    clusters = [{"id": "garage", "members": ["evcs0", "evcs1"], "fuse_a": 20}]
    ocpp = {"port": unused_port(), "host": "127.0.0.1"}
    return charging_site(*evcs, ocpp=ocpp, clusters=clusters, controllers=[controller])


class _Connected(Bench):
    """The bench's client, on a bridge that a whole runtime runs."""

    def __init__(self, site: Site) -> None:
        self.site, self.tls = site, None


async def test_two_stations_share_a_fuse(tmp_path: Path) -> None:
    site = shared_site()
    runtime = Runtime(site, clock=Clock.monotonic(), bridges=bridges_of(site, tmp_path), data=tmp_path)
    await asyncio.to_thread(runtime.start)
    one, two = Station("CP1"), Station("CP2")
    bench = _Connected(site)
    try:
        await _charge(bench, one, two, runtime)
    finally:
        await asyncio.to_thread(runtime.stop)


async def _charge(bench: Bench, one: Station, two: Station, runtime: Runtime) -> None:
    await until(lambda: _listens(bench), 10.0)
    async with bench.connected(one, "ocpp1.6") as first, bench.connected(two, "ocpp2.0.1") as second:
        for client in (first, second):
            await client.boot()
        one.outlets[1].plugged = True
        await first.say_status(1, "Preparing")
        await second.say_status(1, "Available")
        await first.start_transaction(1, "TAG")
        await one.until(lambda: one.outlets[1].allowed_a() == 20.0, 30.0)
        await second.say_status(1, "Occupied")
        await second.start_transaction(1, "TAG")
        sums: list[float] = []

        def shared() -> bool:
            sums.append(one.outlets[1].allowed_a() + two.outlets[1].allowed_a())
            return two.outlets[1].allowed_a() == 10.0

        await two.until(shared, 30.0)
        assert one.outlets[1].allowed_a() == 10.0
        assert max(sums) <= 20.0 + 1e-6
    latest: Any = runtime.latest()
    assert latest["values"]["evcs0/communication"]["value"] == 1.0


def _listens(bench: Bench) -> bool:
    assert bench.site.ocpp is not None
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", bench.site.ocpp.port)) == 0
