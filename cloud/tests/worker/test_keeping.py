"""Partitions, retention and exports on a real database."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pyarrow.parquet
import pytest
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.telemetry.months import Months
from simems_cloud.telemetry.retention import enforce
from simems_cloud.worker.exporting import export_next, run_export
from simems_cloud.worker.loops import make_ahead

pytestmark = pytest.mark.integration
GRID, SOC = "grid0/active_power_w", "ess0/soc_pct"
BASE = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
BASE_US = int(BASE.timestamp()) * 1_000_000


async def _send(connect: Any, customer: Any, telemetry: Any, at: datetime = BASE, sequence: int = 1) -> None:
    """Two minutes across midnight; the battery's charge is known now and then."""
    edge = connect(customer)
    await edge.hello(sequence=sequence)
    columns = {GRID: [float(n) for n in range(120)], SOC: [None if n % 60 else 55.5 for n in range(120)]}
    await edge.send(telemetry(sequence, int(at.timestamp()) * 1_000_000, columns))
    await edge.until_ack(0)


async def _counts(pool: Pool, customer: Any) -> tuple[int, ...]:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        tables = ("measurements", "rollup_1min", "rollup_15min")
        return tuple([await connection.fetchval(f"select count(*) from {table}") for table in tables])


async def test_partitions_are_there_before_they_are_needed_and_refuse_what_they_do_not_have(
    worker_pool: Pool, owner_pool: Pool, customer: Any
) -> None:
    await make_ahead(worker_pool, Months())
    async with transaction(owner_pool) as connection:
        parts = {row[0] for row in await connection.fetch("select relname from pg_class where relispartition")}
        default = await connection.fetchval("select count(*) from pg_partitioned_table where partdefid <> 0")
    assert default == 0, "no partition takes what no month is there for"
    for month in (datetime.now(UTC), datetime.now(UTC) + timedelta(days=35)):
        for table in ("measurement_blocks", "rollup_1min", "rollup_15min"):
            assert f"{table}_{month:%Y%m}" in parts
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        async with transaction(worker_pool, tenant=customer.tenant_id) as connection:
            await connection.execute(
                "insert into rollup_1min values ($1, 1, '2021-01-01', 1, 1, 1, 1, 1, 1, now(), 1, now())",
                customer.tenant_id,
            )
    for wrong in ("1970-01-01", "2199-01-01"):
        with pytest.raises(asyncpg.DataError, match="no partitions"):
            async with transaction(worker_pool) as connection:
                await connection.execute(f"select make_partitions('{wrong}', '{wrong}')")


async def test_each_tenant_keeps_what_it_keeps(
    api: Any,
    connect: Any,
    new_customer: Any,
    telemetry: Any,
    worker_pool: Pool,
    app_pool: Pool,
    roll_up: Any,
    pack: Any,
) -> None:
    short, long = await new_customer(), await new_customer()
    now = datetime.now(UTC).replace(minute=5, second=0, microsecond=0)
    for customer in (short, long):
        for sequence, days in ((1, 200), (2, 20), (3, 1)):
            await _send(connect, customer, telemetry, now - timedelta(days=days), sequence)
    await roll_up()
    await pack()
    token = await api.sign_in(short)
    headers = {"Authorization": f"Bearer {token}", "If-Match": '"0"'}
    path = "/api/v1/tenant/retention"
    wrong = {"raw_days": 100, "minute_days": 30, "quarter_days": None}
    assert (await api.client.put(path, headers=headers, json=wrong)).status_code == 422
    body = {"raw_days": 10, "minute_days": 100, "quarter_days": 150}
    assert (await api.client.put(path, headers=headers, json=body)).json() == body | {"version": 1}
    assert (await api.client.put(path, headers=headers, json=body)).status_code == 412
    await enforce(worker_pool)
    assert await _counts(app_pool, short) == (240, 8, 4)
    assert await _counts(app_pool, long) == (480, 12, 6), "raw values for 90 days, unless told otherwise"
    await enforce(worker_pool)
    assert await _counts(app_pool, short) == (240, 8, 4)


async def test_old_frames_are_forgotten_and_still_known(
    connect: Any, customer: Any, telemetry: Any, worker_pool: Pool, app_pool: Pool, roll_up: Any
) -> None:
    edge = connect(customer)
    await edge.hello()
    frames = [telemetry(n, BASE_US + n * 10_000_000, {GRID: [float(n)]}) for n in (1, 2, 3, 5)]
    for frame in frames:
        await edge.send(frame)
    await edge.until_ack(3)
    await roll_up()
    await enforce(worker_pool, datetime.now(UTC) + timedelta(days=8))
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        kept = await connection.fetchval("select array_agg(sequence) from frames")
    assert kept in ([5], None), "what is not acknowledged is never forgotten"
    for frame in frames:
        await edge.send(frame)
    await edge.send(telemetry(4, BASE_US, {GRID: [4.0]}))
    await edge.until_ack(5)
    assert (await _counts(app_pool, customer))[0] == 5


async def _export(api: Any, customer: Any, token: str, **wanted: Any) -> Any:
    body = {
        "channels": [GRID, SOC],
        "from": (BASE - timedelta(days=1)).isoformat(),
        "to": (BASE + timedelta(days=1)).isoformat(),
        **wanted,
    }
    path = f"/api/v1/sites/{customer.site}/exports"
    answer = await api.client.post(path, headers={"Authorization": f"Bearer {token}"}, json=body)
    return answer.raise_for_status().json()


async def _file(api: Any, customer: Any, token: str, export: Any) -> Any:
    path = f"/api/v1/sites/{customer.site}/exports/{export['id']}/file"
    return await api.client.get(path, headers={"Authorization": f"Bearer {token}"})


async def test_an_export_is_followed_and_fetched(
    api: Any, connect: Any, new_customer: Any, telemetry: Any, worker_pool: Pool, roll_up: Any, pack: Any
) -> None:
    customer, stranger = await new_customer(), await new_customer()
    await _send(connect, customer, telemetry)
    await roll_up()
    token, theirs = await api.sign_in(customer), await api.sign_in(stranger)
    raw = await _export(api, customer, token, resolution="raw")
    assert (raw["status"], raw["progress"]) == ("queued", 0)
    assert (await _file(api, customer, token, raw)).status_code == 409
    parquet = await _export(api, customer, token, resolution="raw", format="parquet")
    minutes = await _export(api, customer, token, resolution="1min")
    await pack()
    while await export_next(worker_pool):
        pass
    done = await api.get(f"/sites/{customer.site}/exports/{raw['id']}", token)
    assert (done["status"], done["progress"], done["rows"]) == ("done", 1, 240)
    answer = await _file(api, customer, token, raw)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(answer.content) == done["bytes"]
    assert rows[0] == {"time": "2026-03-02T23:59:00Z", "channel": SOC, "value": "55.5", "quality": "good"}
    assert [row["value"] for row in rows if row["channel"] == GRID] == [f"{n}.0" for n in range(120)]
    assert [row["value"] for row in rows if row["channel"] == SOC].count("") == 118
    table = pyarrow.parquet.read_table(io.BytesIO((await _file(api, customer, token, parquet)).content))
    assert table.column("value").to_pylist() == [float(row["value"]) if row["value"] else None for row in rows]
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    rolled = list(csv.DictReader(io.StringIO((await _file(api, customer, token, minutes)).text)))
    assert [(row["time"], row["mean"]) for row in rolled if row["channel"] == GRID] == [
        ("2026-03-02T23:59:00Z", "29.5"),
        ("2026-03-03T00:00:00Z", "89.5"),
    ]
    assert (await _file(api, customer, theirs, raw)).status_code == 404


async def test_a_dead_workers_export_is_begun_anew_and_given_up_in_the_end(
    api: Any, connect: Any, customer: Any, telemetry: Any, worker_pool: Pool, owner_pool: Pool
) -> None:
    await _send(connect, customer, telemetry)
    token = await api.sign_in(customer)
    export = await _export(api, customer, token, resolution="raw")
    held = """update exports set status = 'running', attempts = attempts + 1, progress = 0.5, held_until = now() + $1"""
    late = "update exports set held_until = now() - interval '1 second', status = 'running', finished_at = null"
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute(held, timedelta(minutes=5))
        await connection.execute(
            """insert into export_chunks (tenant_id, export_id, part, data)
            select tenant_id, export_id, 0, 'half' from exports"""
        )
    await run_export(worker_pool, customer.tenant_id, export["id"])
    assert (await api.get(f"/sites/{customer.site}/exports/{export['id']}", token))["status"] == "running"
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute(late)
    await run_export(worker_pool, customer.tenant_id, export["id"])
    assert (await _file(api, customer, token, export)).text.startswith("time,channel,value,quality\r\n2026")
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute(late)
        await connection.execute("update exports set attempts = 3")
    await run_export(worker_pool, customer.tenant_id, export["id"])
    failed = await api.get(f"/sites/{customer.site}/exports/{export['id']}", token)
    assert (failed["status"], "given up" in failed["error"]) == ("failed", True)
