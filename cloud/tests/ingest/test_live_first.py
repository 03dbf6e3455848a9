"""Live values come through while a long backlog is stored; counted in frames, never in seconds."""

from __future__ import annotations

from typing import Any

import pytest
from simems_cloud.ingest.lane import BATCH_WEIGHT
from simems_cloud.kit.database import Pool, transaction
from simems_core import wire

pytestmark = pytest.mark.integration
START_US = 1_760_000_400_000_000
MINUTE_US = 60_000_000
ROWS, CHANNELS, BACKLOG = 120, 60, 30
LIVE = 1000
BATCH = BATCH_WEIGHT // (ROWS * CHANNELS)
ORDER = """
select array_agg(sequence order by received_at, sequence) filter (where sequence < $1) as before
from frames where received_at < (select received_at from frames where sequence = $1)
"""


def _backlog(telemetry: Any, sequence: int) -> wire.Telemetry:
    columns = {f"meter{c}/active_power_w": [c * ROWS + row for row in range(ROWS)] for c in range(CHANNELS)}
    start_us = START_US + sequence * ROWS * MINUTE_US
    made: wire.Telemetry = telemetry(sequence, start_us, columns, MINUTE_US, resolution=1.0)
    return made


def _live(telemetry: Any, sequence: int = LIVE) -> wire.Telemetry:
    columns = {f"meter{channel}/active_power_w": [channel] for channel in range(CHANNELS)}
    made: wire.Telemetry = telemetry(sequence, START_US + 2 * sequence * ROWS * MINUTE_US, columns, resolution=1.0)
    return made


async def _arrived(edge: Any) -> None:
    """A ping is answered in the order of arrival, before anything is stored: all sent so far is in the inbox."""
    await edge.send(wire.Ping(time_us=1))
    while not isinstance(await edge.receive(), wire.Pong):
        pass


async def test_a_live_frame_is_committed_after_one_batch_of_the_backlog_at_most(
    connect: Any, customer: Any, telemetry: Any, app_pool: Pool, owner_pool: Pool, roll_up: Any
) -> None:
    edge = connect(customer)
    await edge.hello(sequence=LIVE)
    async with transaction(owner_pool, tenant=customer.tenant_id) as holding:
        await holding.execute("select 1 from devices where device_id = $1 for update", customer.device_id)
        for sequence in range(1, BACKLOG + 1):
            await edge.send(_backlog(telemetry, sequence))
        await _arrived(edge)
        await edge.send(_live(telemetry))
        await _arrived(edge)
    assert await edge.until_ack(BACKLOG)
    await roll_up()
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        before = await connection.fetchval(ORDER, LIVE) or []
        latest = await connection.fetchval("select max(at) from latest")
        count = await connection.fetchval("select count(*) from measurements")
        rolled = await connection.fetchval("select sum(count)::bigint from rollup_15min")
        longest = await connection.fetchval("select max(n) from (select count(*) n from frames group by received_at) f")
    assert len(before) <= BATCH + 1
    assert latest.timestamp() * 1e6 == pytest.approx(_live(telemetry).times_us[0])
    assert count == rolled == (BACKLOG * ROWS + 1) * CHANNELS
    assert longest <= BATCH + 1


async def test_every_ack_moves_on_while_newer_frames_keep_coming(connect: Any, customer: Any, telemetry: Any) -> None:
    edge = connect(customer)
    await edge.hello(sequence=LIVE)
    for sequence in range(1, 11):
        await edge.send(_backlog(telemetry, sequence))
        await edge.send(_live(telemetry, LIVE + sequence))
    acks = [answer.sequence for answer in await edge.until_ack(10) if isinstance(answer, wire.Ack)]
    assert acks == sorted(acks)
    assert acks[-1] == 10
