"""Real servers for the tests: an own PostgreSQL, and the host's one when it is there; throw-away databases on both."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import psycopg
import pytest
import uvicorn
import zmq
import zmq.asyncio
from simems_cloud.api.app import create_app
from simems_cloud.identity.passwords import hash_password
from simems_cloud.identity.queries import QUERIES as IDENTITY
from simems_cloud.ingest.server import run_ingest
from simems_cloud.kit.database import Pool, open_pool, transaction
from simems_cloud.kit.postgres.access import Access, access_to
from simems_cloud.kit.postgres.server import Server
from simems_cloud.kit.secret_files import curve_keys
from simems_cloud.kit.settings import Settings
from simems_cloud.migrations.run import upgrade
from simems_cloud.sites.service import QUERIES as SITES
from simems_cloud.telemetry.months import Months
from simems_cloud.telemetry.packing import pack_all
from simems_cloud.telemetry.rolling import roll_up_all
from simems_core import wire

SERVICE = "postgresql://postgres@127.0.0.1:5432/postgres"
PASSWORD = "correct horse battery"
PASSWORD_HASH = hash_password(PASSWORD)
BOUND_S = 20.0


def _service_answers() -> bool:
    try:
        psycopg.connect(SERVICE, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session", params=["embedded", "service"])
def postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(URL of an administrator, data folder with the roles' passwords)."""
    data = tmp_path_factory.mktemp("cloud")
    if request.param == "service":
        if not _service_answers():
            pytest.skip("no PostgreSQL on 127.0.0.1:5432")
        yield SERVICE, data
        return
    server = Server(data)
    assert server.try_own()
    server.start()
    yield server.url, data
    server.stop()
    shutil.rmtree(server.home)


@pytest.fixture(scope="module")
def database(postgres: tuple[str, Path]) -> Iterator[Access]:
    """A fresh database at the newest revision; dropped afterwards."""
    yield from throw_away(*postgres)


def throw_away(admin_url: str, data: Path) -> Iterator[Access]:
    name = f"simems_test_{secrets.token_hex(6)}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"create database {name}".encode())
        try:
            settings = Settings(data_dir=data)
            access = access_to(settings, f"{admin_url.rpartition('/')[0]}/{name}")
            upgrade(access.admin_url, access.passwords)
            yield access
        finally:
            admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def cloud_settings(postgres: tuple[str, Path], tmp_path: Path) -> Settings:
    return Settings(
        data_dir=postgres[1],
        http_port=0,
        ingest_endpoint="tcp://127.0.0.1:*",
        portal_dir=tmp_path,
        roll_up_rest_s=0.0,
    )


@pytest.fixture
async def owner_pool(database: Access) -> AsyncIterator[Pool]:
    pool = await open_pool(database.admin_url, application="test-owner", role="simems_owner", max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def app_pool(database: Access) -> AsyncIterator[Pool]:
    pool = await open_pool(database.app_url, application="test-app", max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def ingest_pool(database: Access) -> AsyncIterator[Pool]:
    pool = await open_pool(database.ingest_url, application="test-ingest", max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def worker_pool(database: Access) -> AsyncIterator[Pool]:
    pool = await open_pool(database.worker_url, application="test-worker", max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
def roll_up(worker_pool: Pool) -> Callable[[], Any]:
    """What the worker does, until nothing waits."""

    async def run() -> None:
        months = Months()
        while await roll_up_all(worker_pool, months):
            pass

    return run


@pytest.fixture
def pack(worker_pool: Pool) -> Callable[[], Any]:
    """As above, for packing; the newest frames as well."""

    async def run() -> None:
        months, later = Months(), datetime.now(UTC) + timedelta(hours=1)
        while await pack_all(worker_pool, months, now=later):
            pass

    return run


@dataclass
class Customer:
    """A tenant with one admin and one registered device."""

    tenant_id: UUID
    user_id: UUID
    email: str
    public_key: str
    secret_key: str
    device_id: UUID
    site: str


@pytest.fixture
def new_customer(owner_pool: Pool) -> Callable[[], Any]:
    async def make(role: str = "tenant_admin") -> Customer:
        tenant_id, email, site = uuid4(), f"{secrets.token_hex(4)}@example.com", f"site-{secrets.token_hex(3)}"
        public, private = (half.decode() for half in zmq.curve_keypair())
        async with transaction(owner_pool, tenant=tenant_id) as connection:
            await connection.execute(IDENTITY["create_tenant"], tenant_id, f"Tenant {tenant_id}")
            user_id = await connection.fetchval(IDENTITY["create_user"], email, "Ada", PASSWORD_HASH)
            await connection.execute(IDENTITY["add_grant"], user_id, role, None)
            device_id = await connection.fetchval(SITES["create_device"], "edge", public, None)
        return Customer(tenant_id, user_id, email, public, private, device_id, site)

    return make


@pytest.fixture
async def customer(new_customer: Callable[[], Any]) -> Customer:
    made: Customer = await new_customer()
    return made


@pytest.fixture
def isolation_rows(database: Access) -> Callable[[UUID], Any]:
    """Gives a tenant one row in every table there is."""
    script = (Path(__file__).parent / "every_table.sql").read_text()

    async def fill(tenant_id: UUID) -> None:
        names = {
            "tenant": str(tenant_id),
            "tag": f"t{secrets.token_hex(5)}",
            "user": str(uuid4()),
            "child": str(uuid4()),
        }
        text = re.sub(r":(tenant|tag|user|child)\b", lambda found: names[found[1]], script)
        superuser = await asyncpg.connect(database.admin_url)
        await superuser.execute("select set_config('app.tenant', $1, false)", str(tenant_id))
        async with superuser.transaction():
            await superuser.execute(text)
            await superuser.execute("select append_audit(now(), 'test', 'test.fill', 'x', '{}')")
        await superuser.close()

    return fill


TENANT_TABLES = """select c.relname from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace order by 1"""


@pytest.fixture
def counts(database: Access) -> Callable[[], Any]:
    """Rows by (table, tenant), as the superuser sees them."""

    async def count() -> dict[tuple[str, UUID], int]:
        superuser = await asyncpg.connect(database.admin_url)
        tables = [row[0] for row in await superuser.fetch(TENANT_TABLES)]
        found = {
            (table, row["tenant_id"]): row["rows"]
            for table in tables
            for row in await superuser.fetch(f"select tenant_id, count(*) as rows from {table} group by 1")
        }
        await superuser.close()
        return found

    return count


@dataclass
class Api:
    """A running API process of ours."""

    url: str
    client: httpx.AsyncClient

    async def sign_in(self, customer: Customer) -> str:
        answer = await self.client.post("/api/v1/auth/token", data={"username": customer.email, "password": PASSWORD})
        return str(answer.raise_for_status().json()["access_token"])

    async def get(self, path: str, token: str, **params: Any) -> Any:
        answer = await self.client.get(f"/api/v1{path}", headers=bearer(token), params=params)
        return answer.raise_for_status().json()

    async def status(self, path: str, token: str, **params: Any) -> int:
        return (await self.client.get(f"/api/v1{path}", headers=bearer(token), params=params)).status_code


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def running_api(settings: Settings, url: str) -> AsyncIterator[Api]:
    config = uvicorn.Config(create_app(settings, url), host="127.0.0.1", port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        try:
            yield Api(f"127.0.0.1:{port}", client)
        finally:
            server.should_exit = True
            server.force_exit = True
            await task


@pytest.fixture
async def api(cloud_settings: Settings, database: Access) -> AsyncIterator[Api]:
    async with running_api(cloud_settings, database.app_url) as running:
        yield running


@pytest.fixture
async def second_api(cloud_settings: Settings, database: Access) -> AsyncIterator[Api]:
    async with running_api(cloud_settings, database.app_url) as running:
        yield running


@asynccontextmanager
async def running_ingest(settings: Settings, url: str) -> AsyncIterator[str]:
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_ingest(settings, url, bound.set_result))
    await eventually(lambda: bound.done() or task.done())
    try:
        yield bound.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def endpoint(cloud_settings: Settings, database: Access) -> AsyncIterator[str]:
    """Of a running ingest."""
    async with running_ingest(cloud_settings, database.ingest_url) as bound:
        yield bound


class Edge:
    """A device as the uplink would be: DEALER with CURVE, and a plain record of what was answered."""

    def __init__(self, context: zmq.asyncio.Context, endpoint: str, server_key: str, customer: Customer) -> None:
        self.customer = customer
        self._socket = context.socket(zmq.DEALER)
        self._socket.curve_serverkey = server_key.encode()
        self._socket.curve_publickey = customer.public_key.encode()
        self._socket.curve_secretkey = customer.secret_key.encode()
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(endpoint)
        self.monitor = self._socket.get_monitor_socket()

    async def send(self, message: wire.FromEdge | bytes, bound_s: float = BOUND_S) -> None:
        """TimeoutError: there is no connection to send it through."""
        data = message if isinstance(message, bytes) else wire.encode(message)
        await asyncio.wait_for(self._socket.send(data), bound_s)

    async def receive(self, bound_s: float = BOUND_S) -> wire.FromCloud:
        return wire.decode_from_cloud(await asyncio.wait_for(self._socket.recv(), bound_s))

    async def hello(self, **fields: Any) -> wire.FromCloud:
        await self.send(hello(**{"site": self.customer.site, **fields}))
        return await self.receive()

    async def until_ack(self, sequence: int) -> list[wire.FromCloud]:
        """Everything received up to the ack of that sequence."""
        seen: list[wire.FromCloud] = []
        while not (seen and isinstance(seen[-1], wire.Ack) and seen[-1].sequence >= sequence):
            seen.append(await self.receive())
        return seen

    def close(self) -> None:
        self._socket.disable_monitor()
        self.monitor.close()
        self._socket.close()


def hello(site: str, **fields: Any) -> wire.Hello:
    base = wire.Hello(
        site=site,
        site_name="Harbour",
        time_zone="Europe/Stockholm",
        currency="SEK",
        software="0.1.0",
        time_us=0,
        sequence=0,
        components=[
            wire.ComponentInfo(id="grid0", kind="meter", name="Grid meter", profile="sunspec_meter"),
            wire.ComponentInfo(id="pv0", kind="pv"),
            wire.ComponentInfo(id="ess0", kind="ess"),
            wire.ComponentInfo(id="peak0", kind="controller", profile="peak_shaving"),
        ],
        channels=[
            wire.ChannelInfo(address="grid0/active_power_w", unit="W", resolution=1.0),
            wire.ChannelInfo(address="pv0/active_power_w", unit="W", resolution=1.0),
            wire.ChannelInfo(address="ess0/active_power_w", unit="W", resolution=1.0),
            wire.ChannelInfo(address="ess0/active_power_w_setpoint", unit="W", resolution=1.0),
            wire.ChannelInfo(address="ess0/active_power_w_reason", kind="enum", labels={0: "fallback", 1: "peak0"}),
            wire.ChannelInfo(address="ess0/soc_pct", unit="percent", resolution=0.1, minimum=0, maximum=100),
            wire.ChannelInfo(address="site/load_power_w", unit="W", resolution=1.0),
            wire.ChannelInfo(address="site/state", kind="enum", labels={2: "RUN"}),
        ],
        settings={"peak0/threshold_w": 60_000.0, "site/import_limit_w": 100_000.0},
    )
    changed: wire.Hello = replace_struct(base, fields)
    return changed


def replace_struct(message: Any, fields: dict[str, Any]) -> Any:
    import msgspec

    return msgspec.structs.replace(message, **fields)


@pytest.fixture
async def connect(endpoint: str, cloud_settings: Settings) -> AsyncIterator[Callable[..., Edge]]:
    context = zmq.asyncio.Context()
    edges: list[Edge] = []

    def make(customer: Customer, *, at: str | None = None, **changes: Any) -> Edge:
        key = curve_keys(cloud_settings.data_dir).public
        edges.append(Edge(context, at or endpoint, key, replace(customer, **changes)))
        return edges[-1]

    yield make
    for edge in edges:
        edge.close()
    context.destroy(linger=0)


async def eventually(condition: Callable[[], Any], bound_s: float = BOUND_S) -> Any:
    """Wait for a condition (plain or awaitable), with a bound."""
    async with asyncio.timeout(bound_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually


@pytest.fixture(name="make_hello")
def _make_hello() -> Callable[..., wire.Hello]:
    return hello


@pytest.fixture(name="throw_away")
def _throw_away() -> Callable[..., Iterator[Access]]:
    return throw_away


@pytest.fixture(name="running_ingest")
def _running_ingest() -> Callable[..., Any]:
    return running_ingest


@pytest.fixture(name="telemetry")
def _telemetry() -> Callable[..., wire.Telemetry]:
    def make(sequence: int, start_us: int, columns: dict[str, list[Any]], step_us: int = 1_000_000, **kw: Any) -> Any:
        count = len(next(iter(columns.values())))
        return wire.Telemetry(
            sequence=sequence,
            times_us=[start_us, *[step_us] * (count - 1)],
            columns=[
                wire.Column(channel=name, resolution=kw.get("resolution", 0), values=v) for name, v in columns.items()
            ],
        )

    return make
