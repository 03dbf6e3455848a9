"""A running bridge for each test that asks for one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from charging_bench import Bench, Running, charging_site, listening, unused_port


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """``async with running(connector(...), ..., ocpp={...}) as bench``; again in the same folder: a restart."""

    @contextlib.asynccontextmanager
    async def started(
        *components: dict[str, Any], ocpp: dict[str, Any] | None = None, **more: Any
    ) -> AsyncIterator[Bench]:
        site = charging_site(*components, ocpp={"port": unused_port(), "host": "127.0.0.1"} | (ocpp or {}), **more)
        bench = Bench(site, tmp_path)
        bench.hurry()
        tasks = [asyncio.create_task(bench.bridge.run()), asyncio.create_task(bench.repeat())]
        try:
            await listening(bench)
            yield bench
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return started
