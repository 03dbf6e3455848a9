"""The worker as it runs: jobs in the transaction that asks, seen by their tenant alone, rescued from a dead worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from simems_cloud.audit.chain import verify_chain
from simems_cloud.jobs.queue import MAKE_REPORT, enqueue
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.worker.queue import make_app
from simems_cloud.worker.run import rescue, run_worker

pytestmark = pytest.mark.integration


@asynccontextmanager
async def running_worker(settings: Any, url: str) -> AsyncIterator[None]:
    ready = asyncio.Event()
    task = asyncio.create_task(run_worker(settings, url, ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    assert ready.is_set()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _post(api: Any, token: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = await api.client.post(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}", **headers}, json=body)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
async def node(api: Any, customer: Any, connect: Any, telemetry: Any, roll_up: Any) -> str:
    """A site with an hour of values on 1 March: 60 Wh a minute by its register, a new meter after half of it."""
    token = await api.sign_in(customer)
    root = await _post(api, token, "/organisation/nodes", {"kind": "enterprise", "name": "Harbour"})
    body = {"kind": "site", "name": "Malmö", "parent_id": root["id"], "site_id": customer.site}
    await _post(api, token, "/organisation/nodes", body)
    edge = connect(customer)
    await edge.hello()
    start_us = int(datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp()) * 1_000_000
    counted = [60.0 * (m - 30 if m >= 30 else m + 5000) for m in range(60)]
    columns = {
        "grid0/import_energy_wh": counted,
        "grid0/export_energy_wh": [7.0] * 60,
        "grid0/active_power_w": [4000.0] * 60,
        "pv0/active_power_w": [0.0] * 60,
        "ess0/active_power_w": [0.0] * 60,
    }
    await edge.send(telemetry(1, start_us, columns, 60_000_000))
    await edge.until_ack(1)
    await roll_up()
    return str(root["id"])


async def test_a_report_from_asking_to_download(
    api: Any,
    customer: Any,
    new_customer: Any,
    node: str,
    cloud_settings: Any,
    database: Any,
    owner_pool: Pool,
    eventually: Any,
) -> None:
    token = await api.sign_in(customer)
    body = {"node_id": node, "period": "day", "day": "2026-03-01"}
    key = {"Idempotency-Key": "one-report"}
    first = await _post(api, token, "/reports", body, **key)
    assert (await _post(api, token, "/reports", body, **key))["id"] == first["id"]
    assert (first["state"], first["time_zone"]) == ("waiting", "Europe/Stockholm")
    (job,) = (await api.get("/jobs", token))["items"]
    assert (job["task"], job["status"], job["arguments"]) == ("make_report", "waiting", {"report_id": first["id"]})

    async with running_worker(cloud_settings, database.worker_url):
        await eventually(lambda: _ready(owner_pool, customer, first["id"]), 100)
    made = await api.get(f"/reports/{first['id']}", token)
    assert (made["state"], sorted(made["files"])) == ("ready", ["csv", "html", "pdf"])
    (job,) = (await api.get("/jobs", token))["items"]
    assert job["status"] in ("running", "succeeded")
    headers = {"Authorization": f"Bearer {token}"}
    rows = await api.client.get(f"/api/v1/reports/{first['id']}/files/csv", headers=headers)
    table = [line.split(",") for line in rows.text.splitlines()[1:]]
    known = [(line[0][11:16], float(line[4]), float(line[9])) for line in table if line[4]]
    assert known == [
        ("11:00", 900.0, 900.0),
        ("11:15", 840.0, 840.0),
        ("11:30", 900.0, 900.0),
        ("11:45", 840.0, 840.0),
    ]
    pdf = await api.client.get(f"/api/v1/reports/{first['id']}/files/pdf", headers=headers)
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["content-disposition"] == 'attachment; filename="energy-day-2026-03-01.pdf"'
    verdict = await _post(api, token, f"/reports/{first['id']}/verify")
    assert verdict == {"identical": True, "inputs_intact": True, "differing": []}
    log = [entry["action"] for entry in (await api.get("/audit", token, action="report"))["items"]]
    assert log == ["report.download", "report.download", "report.create"]
    other = await api.sign_in(await new_customer())
    for path in ("", "/files/pdf"):
        assert await api.status(f"/reports/{first['id']}{path}", other) == 404
    assert (await api.get("/jobs", other))["items"] == []
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update report_files set sha256 = 'x' where format = 'html'")
        assert (await verify_chain(connection, customer.tenant_id)).broken is None
    assert (await _post(api, token, f"/reports/{first['id']}/verify"))["differing"] == ["html"]


async def test_a_schedule_asks_once_a_period(
    api: Any, customer: Any, node: str, database: Any, owner_pool: Pool
) -> None:
    from simems_cloud.kit.database import open_pool
    from simems_cloud.reporting.schedule import ask_for_due

    token = await api.sign_in(customer)
    await _post(api, token, "/report-schedules", {"node_id": node, "period": "day", "due_hour": 6})
    pool = await open_pool(database.worker_url, application="test")
    now = datetime.now(UTC)
    assert await ask_for_due(pool, customer.tenant_id, now) == 0, "what ended before it was asked for is not made"
    later = now + timedelta(days=2)
    counts = await asyncio.gather(*(ask_for_due(pool, customer.tenant_id, later) for _ in range(3)))
    assert sum(counts) == 1
    assert await ask_for_due(pool, customer.tenant_id, later + timedelta(days=1)) == 1
    assert len(await api.get("/reports", token)) == 2
    await pool.close()


async def test_a_job_is_there_with_its_transaction_or_not_at_all(app_pool: Pool, customer: Any, api: Any) -> None:
    async def ask_and_fail() -> None:
        async with transaction(app_pool, tenant=customer.tenant_id) as connection:
            assert await enqueue(connection, MAKE_REPORT, {"report_id": uuid4()}) is not None
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await ask_and_fail()
    token = await api.sign_in(customer)
    assert (await api.get("/jobs", token))["items"] == []
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        first = await enqueue(connection, MAKE_REPORT, {"tenant_id": uuid4()}, only_one="x")
        assert await enqueue(connection, MAKE_REPORT, {}, only_one="x") is None
    (job,) = (await api.get("/jobs", token))["items"]
    assert (job["id"], job["arguments"]) == (first, {}), "the tenant is the transaction's, whatever is said"


@pytest.mark.parametrize(
    "task", ["forget_old_jobs", "watch_values", "builtin:procrastinate.builtin_tasks.remove_old_jobs"]
)
async def test_a_tenant_asks_for_its_own_kind_of_jobs_only(app_pool: Pool, customer: Any, task: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(app_pool, tenant=customer.tenant_id) as connection:
            await enqueue(connection, task, {})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(app_pool) as connection:
            await enqueue(connection, MAKE_REPORT, {})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(app_pool, tenant=customer.tenant_id) as connection:
            await connection.fetch("select * from jobs.procrastinate_jobs")


async def test_what_a_dead_worker_held_is_done_by_another(
    api: Any, customer: Any, node: str, database: Any, owner_pool: Pool, cloud_settings: Any, eventually: Any
) -> None:
    token = await api.sign_in(customer)
    asked = await _post(api, token, "/reports", {"node_id": node, "period": "month", "day": "2026-03-01"})
    superuser = await asyncpg.connect(database.admin_url)
    await superuser.execute(
        """with w as (insert into jobs.procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')
            returning id)
        update jobs.procrastinate_jobs set status = 'doing', worker_id = w.id from w
        where status = 'todo' and args ->> 'tenant_id' = $1""",
        str(customer.tenant_id),
    )
    await superuser.close()
    app = make_app(database.worker_url)
    async with app.open_async():
        assert await rescue(app) >= 1, "and perhaps what another test's killed worker held"
    async with running_worker(cloud_settings, database.worker_url):
        await eventually(lambda: _ready(owner_pool, customer, asked["id"]), 100)


async def _ready(pool: Pool, customer: Any, report_id: str) -> bool:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        state = await connection.fetchval("select state from reports where report_id = $1", UUID(report_id))
    return bool(state == "ready")
