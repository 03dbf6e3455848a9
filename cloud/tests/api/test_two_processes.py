"""Live values through two API processes that share nothing but PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from simems_cloud.kit.postgres.access import Access
from simems_cloud.kit.settings import Settings

pytestmark = pytest.mark.integration
GRID = "grid0/active_power_w"


@pytest.fixture
def ports(cloud_settings: Settings, database: Access) -> Iterator[list[int]]:
    """Of two running processes."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    found = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    environment = {
        **os.environ,
        "SIMEMS_DATA_DIR": str(cloud_settings.data_dir),
        "SIMEMS_DATABASE_APP_URL": database.app_url,
    }
    command = [str(Path(sys.executable).parent / "simems-cloud"), "api"]
    running = [subprocess.Popen(command, env={**environment, "SIMEMS_HTTP_PORT": str(port)}) for port in found]
    yield found
    for process in running:
        process.terminate()
    for process in running:
        process.wait(20)


async def test_news_reach_every_process(
    ports: list[int], connect: Any, customer: Any, telemetry: Any, eventually: Any
) -> None:
    async def ready(port: int) -> bool:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success
        except httpx.HTTPError:
            return False

    client = httpx.AsyncClient()
    edge = connect(customer)
    await edge.hello()
    for port in ports:
        await eventually(lambda port=port: ready(port), 60)
    form = {"username": customer.email, "password": "correct horse battery"}
    answer = await client.post(f"http://127.0.0.1:{ports[0]}/api/v1/auth/token", data=form)
    await client.aclose()
    first = json.dumps({"token": answer.json()["access_token"], "site_id": customer.site})
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(websockets.connect(f"ws://127.0.0.1:{port}/api/v1/live")) for port in ports
        ]
        for live in sockets:
            await live.send(first)
            await live.recv()
        for sequence, value in enumerate((11.0, 22.0, 33.0), start=1):
            await edge.send(telemetry(sequence, time.time_ns() // 1000, {GRID: [value]}))
            await asyncio.gather(*(_until(live, value) for live in sockets))


async def _until(live: Any, value: float) -> None:
    """The value came; told at once, not by the pause after which everything is sent again (5 s) alone."""
    async with asyncio.timeout(30):
        while True:
            message = json.loads(await live.recv())
            if message["type"] == "latest" and message["values"][GRID]["value"] == value:
                return
