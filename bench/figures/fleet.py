"""The list of 1,000 sites at 50 people at once while 1,000 simulated devices report; all on the same host.

The load tool is this file: asyncio with httpx for the people (each asks again five seconds after its answer, six times
as often as the portal does) and a process of its own with a CURVE connection per device, which sends a frame of ten
seconds of eight channels every ten seconds.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg

from bench.cloud.people import add_person, p95, signed_in
from bench.cloud.rig import Device, Rig, free_port, process, rig
from bench.figure import Figure

SITES, PEOPLE, THINK_S, SPAN_S, PERIOD_S = 1000, 50, 5.0, 40.0, 10.0
PROMISED_S = 0.3


def measure() -> list[Figure]:
    port, endpoint = free_port(), f"tcp://127.0.0.1:{free_port()}"
    with (
        rig() as made,
        process(made, "ingest", SIMEMS_INGEST_ENDPOINT=endpoint),
        process(made, "worker"),
        process(made, "api", SIMEMS_HTTP_PORT=str(port), SIMEMS_STALE_AFTER_S="60"),
    ):
        tenant_id = made.tenant()
        devices = [made.device(tenant_id) for _ in range(SITES)]
        url = f"http://127.0.0.1:{port}"
        headers = signed_in(url, add_person(made, tenant_id))
        with _reporting(devices, endpoint, made.server_key):
            _wait_for(url, headers)
            before = _frames(made)
            times = asyncio.run(_people(url, headers))
            rate = (_frames(made) - before) / SPAN_S
    name = f"list of {SITES} sites, {PEOPLE} people at once, p95"
    enough = Figure("frames stored meanwhile", rate, "frames/s", "sent", SITES / PERIOD_S, 0.95, at_most=False)
    return [Figure(name, p95(times), "s", "promised", PROMISED_S, 1.0), enough]


def _frames(made: Rig) -> int:
    with psycopg.connect(made.access.admin_url) as connection:
        row = connection.execute("select count(*) from frames").fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _reporting(devices: list[Device], endpoint: str, server_key: bytes) -> Iterator[None]:
    """The devices in a process of their own."""
    lines = [f"{d.public_key.decode()} {d.secret_key.decode()}" for d in devices]
    command = [sys.executable, "-m", "bench.cloud.fleet", endpoint, server_key.decode(), str(PERIOD_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write("\n".join(lines))
        process.stdin.close()
        try:
            yield
        finally:
            process.terminate()


def _wait_for(url: str, headers: dict[str, str]) -> None:
    """Until every site is there and online."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        sites = httpx.get(f"{url}/api/v1/sites", headers=headers, timeout=30).raise_for_status().json()
        if sum(site["grid_power_w"] is not None for site in sites) == SITES:
            return
        time.sleep(1.0)
    raise RuntimeError("the devices do not get through")


async def _people(url: str, headers: dict[str, str]) -> list[float]:
    limits = httpx.Limits(max_connections=PEOPLE, max_keepalive_connections=PEOPLE)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, limits=limits) as client:
        found = await asyncio.gather(*(_person(client) for _ in range(PEOPLE)))
    return [took_s for own in found for took_s in own]


async def _person(client: httpx.AsyncClient) -> list[float]:
    await asyncio.sleep(random.uniform(0, THINK_S))
    end, times = time.monotonic() + SPAN_S, []
    while time.monotonic() < end:
        began = time.monotonic()
        answer = await client.get("/api/v1/sites")
        times.append(time.monotonic() - began)
        answer.raise_for_status()
        await asyncio.sleep(THINK_S)
    return times
