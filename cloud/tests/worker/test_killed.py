"""kill -9 of the worker while it rolls up and packs: every value is rolled up once, none is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.postgres.access import Access
from simems_cloud.kit.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
ROWS, FRAMES = 30, 1000
"""Five turns of the worker."""
STATE = """select (select count(*) from frame_values where not rolled_up) as waiting,
    (select coalesce(sum(count), 0)::bigint from rollup_1min) as rolled,
    (select coalesce(sum(sum), 0) from rollup_15min) as total,
    (select count(*) from measurements) as values"""


def _start(settings: Settings, access: Access) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SIMEMS_DATA_DIR": str(settings.data_dir),
        "SIMEMS_DATABASE_WORKER_URL": access.worker_url,
        "SIMEMS_ROLL_UP_REST_S": "0",
    }
    return subprocess.Popen([str(Path(sys.executable).parent / "simems-cloud"), "worker"], env=environment)


async def test_killed_again_and_again(
    connect: Any,
    customer: Any,
    telemetry: Any,
    app_pool: Pool,
    cloud_settings: Settings,
    database: Access,
    eventually: Any,
) -> None:
    edge = connect(customer)
    await edge.hello()
    start_us = time.time_ns() // 1000 - 86_400_000_000
    columns = [f"meter{n}/active_power_w" for n in range(2)]
    for number in range(FRAMES):
        values = {name: [float(number % 7)] * ROWS for name in columns}
        await edge.send(telemetry(number + 1, start_us + number * ROWS * 1_000_000, values))
    await edge.until_ack(FRAMES)
    everything = FRAMES * ROWS * len(columns)
    waiting: list[int] = []

    async def state() -> Any:
        async with transaction(app_pool, tenant=customer.tenant_id) as connection:
            return await connection.fetchrow(STATE)

    async def left(what: str) -> int:
        async with transaction(app_pool, tenant=customer.tenant_id) as connection:
            return int(await connection.fetchval(f"select count(*) from frame_values where {what}"))

    async def moved() -> bool:
        return await left("not rolled_up") < waiting[-1]

    for _ in range(2):
        waiting.append(await left("not rolled_up"))
        if not waiting[-1]:
            break
        process = _start(cloud_settings, database)
        await eventually(moved, 90)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = await state()
        assert found["values"] == everything
        assert found["rolled"] == everything - found["waiting"] * ROWS * len(columns)
    process = _start(cloud_settings, database)

    async def done() -> bool:
        return await left("true") == 0

    await eventually(done, 120)
    process.terminate()
    assert process.wait(20) == 0
    found = await state()
    assert (found["values"], found["rolled"], found["waiting"]) == (everything, everything, 0)
    assert found["total"] == sum(n % 7 for n in range(FRAMES)) * ROWS * len(columns)
