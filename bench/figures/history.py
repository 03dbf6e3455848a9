"""A year of quarter hours of ten channels over HTTP, beside a bare SELECT of the same rows on the same server."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import psycopg

from bench.cloud.people import add_person, p95, signed_in
from bench.cloud.rig import Rig, free_port, process, rig
from bench.figure import Figure

CHANNELS, ROUNDS = 10, 20
START, DAYS = datetime(2025, 1, 1, tzinfo=UTC), 365
FILL = """
with c as (
    insert into channels (tenant_id, site_id, address)
    select %(tenant)s, 'bench', 'meter' || n || '/active_power_w' from generate_series(1, %(channels)s) n
    returning channel_id)
insert into rollup_15min (tenant_id, channel_id, start_at, count, sum, positive_sum, minimum, maximum, first_value,
    first_at, last_value, last_at, minutes_seen)
select %(tenant)s, channel_id, t, 900, v * 900, v * 900, v - 10, v + 10, v, t, v, t, 32767
from c, generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '15 min', interval '15 min') t,
    lateral (select (extract(epoch from t)::bigint / 900 * 7919 %% 60000)::float8) as n (v)
"""
BARE = """select channel_id, start_at, sum / count as mean, minimum, maximum from rollup_15min
    where tenant_id = $1 order by channel_id, start_at"""


def measure() -> list[Figure]:
    port = free_port()
    with rig() as made, process(made, "api", SIMEMS_HTTP_PORT=str(port)):
        tenant_id = _filled(made)
        headers = signed_in(f"http://127.0.0.1:{port}", add_person(made, tenant_id))
        return [_figure(made, port, headers, tenant_id, points) for points in (1000, 40_000)]


def _filled(made: Rig) -> UUID:
    tenant_id, end = made.tenant(), START + timedelta(days=DAYS)
    with psycopg.connect(made.access.admin_url) as connection:
        connection.execute("select make_partitions(%s, %s)", [START, end])
        row = "insert into sites (tenant_id, site_id, name, time_zone) values (%s, 'bench', 'bench', 'UTC')"
        connection.execute(row, [tenant_id])
        connection.execute(FILL, {"tenant": tenant_id, "channels": CHANNELS, "start": START, "end": end})
    with psycopg.connect(made.access.admin_url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
    return tenant_id


def _figure(made: Rig, port: int, headers: dict[str, str], tenant_id: UUID, points: int) -> Figure:
    ours, bare = [], []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        for _ in range(ROUNDS):
            ours.append(_asked(client, points))
            bare.append(asyncio.run(_bare(made, tenant_id)))
    name = f"history of a year, {CHANNELS} channels, at most {points} points, p95"
    return Figure(name, p95(ours), "s", "bare SELECT of its quarter-hour rows, p95", p95(bare), 5.0)


def _asked(client: httpx.Client, points: int) -> float:
    window = {"from": START.isoformat(), "to": (START + timedelta(days=DAYS)).isoformat(), "max_points": str(points)}
    channels = [f"meter{n}/active_power_w" for n in range(1, CHANNELS + 1)]
    began = time.monotonic()
    answer = client.get("/api/v1/sites/bench/history", params={**window, "channel": channels, "resolution": "15min"})
    took_s = time.monotonic() - began
    shown = answer.raise_for_status().json()["series"]
    assert len(shown) == CHANNELS
    assert all(value is not None for value in shown[channels[0]]["mean"])
    return took_s


async def _bare(made: Rig, tenant_id: UUID) -> float:
    connection = await asyncpg.connect(made.access.admin_url)
    began = time.monotonic()
    rows = await connection.fetch(BARE, tenant_id)
    took_s = time.monotonic() - began
    assert len(rows) == CHANNELS * DAYS * 96
    await connection.close()
    return took_s
