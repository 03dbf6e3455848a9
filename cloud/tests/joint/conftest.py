"""The edge's own uplink against a running ingest and API: both sides as they are, in one process."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from authority import Authority, tls_front
from rotating import Row
from simems_cloud.ingest.server import run_ingest
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.secret_files import curve_keys
from simems_core import wire
from simems_edge.buffer import Buffer, Status
from simems_edge.sync import About, Cloud, Identity, Partners, Provisioning, Timing, Uplink

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
TRANSPORTS = ("zeromq", "https", "websocket", "mqtt")
NOW_US = 1_760_000_400_000_000
QUICK = Timing(ping_s=0.1, silence_s=2.0, first_ack_s=0.3, ack_s=1.0, backoff_s=0.05, backoff_max_s=0.2)


class Box:
    """A box with its data folder, buffer and uplink."""

    def __init__(self, folder: Path, site: str, cloud: Cloud) -> None:
        self.folder, self.site, self.cloud = folder, site, cloud
        self.identity = Identity(folder)
        self.buffer: Buffer
        self.uplink: Uplink

    def hello(self, status: Status, time_us: int) -> wire.Hello:
        return wire.Hello(
            site=self.site,
            time_zone="UTC",
            software="t",
            time_us=time_us,
            sequence=status.last_sequence,
            oldest=status.oldest_sequence,
            components=[],
            channels=[],
            signing_key=self.identity.signing_public,
            features=["welcome", "commands"],
        )

    def make_uplink(self, **more: Any) -> Uplink:
        provisioning = Provisioning(self.identity, About("1.0", model="B1"), ask_s=0.05)
        return Uplink(
            self.buffer,
            self.cloud,
            self.identity.keys,
            self.hello,
            utc_us=lambda: NOW_US,
            on_refused=lambda sequence, reason: None,
            timing=QUICK,
            partners=Partners(provisioning, signing_key=self.identity.signing_key, **more),
        )

    @asynccontextmanager
    async def running(self, **partners: Any) -> AsyncIterator[Box]:
        """Until the block ends; then as after a clean stop."""
        self.buffer = await Buffer.open(self.folder, lambda: NOW_US)
        self.uplink = self.make_uplink(**partners)
        jobs = [self.uplink.run(), *([partners["commands"].run()] if "commands" in partners else [])]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await self.buffer.close()

    async def measure(self, *values: int) -> None:
        for value in values:
            column = wire.Column(channel="a/b", resolution=1.0, values=[value])
            self.buffer.append_telemetry([NOW_US + value], [column])
        assert await self.buffer.flush()

    async def all_acked(self) -> bool:
        return (await self.buffer.status()).queued == 0


class Broker:
    """mosquitto with TLS: whoever comes needs a certificate, and reaches the topics of its common name only."""

    def __init__(self, folder: Path, authority: Authority, server: tuple[str, str] | None = None) -> None:
        self._folder, self._authority = folder, authority
        self.ca, self.certificate = authority.ca, authority.certificate
        self.port = _free_ports(1)[0]
        self.process = self._start(server or self.certificate("localhost"))

    def _start(self, server: tuple[str, str]) -> subprocess.Popen[bytes]:
        rules = self._folder / "acl"
        rules.write_text("user ingest\ntopic readwrite simems/#\npattern readwrite simems/1/%u/#\n")
        rules.chmod(0o600)
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nuser root\nallow_anonymous false\nacl_file {rules}\n"
            f"cafile {self.ca}\ncertfile {server[0]}\nkeyfile {server[1]}\n"
            "require_certificate true\nuse_identity_as_username true\nmax_inflight_messages 100\n"
        )
        return subprocess.Popen([MOSQUITTO or "", "-c", str(config)], stderr=subprocess.DEVNULL)

    async def answers(self) -> bool:
        return await _answers(self.port)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def new_broker(tmp_path: Path, authority: Authority) -> Iterator[Callable[..., Broker]]:
    if MOSQUITTO is None:
        pytest.skip("no mosquitto on this machine")
    made: list[Broker] = []

    def start(server: tuple[str, str] | None = None) -> Broker:
        made.append(Broker(tmp_path, authority, server))
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def broker(new_broker: Callable[..., Broker]) -> Broker:
    return new_broker()


@pytest.fixture
async def doors(
    cloud_settings: Any, database: Any, eventually: Any, request: pytest.FixtureRequest
) -> AsyncIterator[dict[str, str]]:
    """One ingest process, by transport; with a broker only where a test asks for one."""
    over = request.getfixturevalue("transport") if "transport" in request.fixturenames else ""
    wanted = over == "mqtt" or "broker" in request.fixturenames
    broker = request.getfixturevalue("broker") if wanted else None
    loop = asyncio.get_running_loop()
    bound, web, subscribed = loop.create_future(), loop.create_future(), asyncio.Event()
    settings = replace(cloud_settings, ingest_http_port=0)
    if broker is not None:
        certificate, key = broker.certificate("ingest")
        settings = replace(
            settings,
            ingest_mqtt_url=f"mqtts://localhost:{broker.port}",
            ingest_mqtt_ca=str(broker.ca),
            ingest_mqtt_certificate=certificate,
            ingest_mqtt_key=key,
        )
    task = asyncio.create_task(
        run_ingest(settings, database.ingest_url, bound.set_result, web.set_result, subscribed.set)
    )
    if broker is None:
        subscribed.set()
    # What is said at the broker before somebody listens there would be said again only after a time-out.
    await eventually(lambda: (bound.done() and web.done() and subscribed.is_set()) or task.done())
    port = web.result()
    found = {"zeromq": bound.result(), "https": f"http://127.0.0.1:{port}", "websocket": f"ws://127.0.0.1:{port}"}
    yield found | ({"mqtt": f"mqtts://localhost:{broker.port}"} if broker is not None else {})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def endpoint(doors: dict[str, str]) -> str:
    return doors["zeromq"]


@pytest.fixture
def make_box(tmp_path: Path, customer: Any, endpoint: str, cloud_settings: Any) -> Callable[..., Box]:
    def make(name: str = "box", *, at: str | None = None) -> Box:
        cloud = Cloud(at or endpoint, curve_keys(cloud_settings.data_dir).public)
        return Box(tmp_path / name, customer.site, cloud)

    return make


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def tls_doors(doors: dict[str, str], authority: Authority) -> AsyncIterator[dict[str, str]]:
    """Those of the web as boxes reach them: TLS, ended by something that asks for their certificates."""
    behind = urlsplit(doors["https"]).port or 0
    async with tls_front(behind, authority.certificate("front"), authority.ca) as port:
        yield doors | {"https": f"https://localhost:{port}", "websocket": f"wss://localhost:{port}"}


@pytest.fixture
def make_box_over(
    make_box: Callable[..., Box], transport: str, tls_doors: dict[str, str], authority: Authority
) -> Callable[..., Box]:
    """A box that knows one way to the cloud, with a certificate for the name of its key where it needs one."""

    def make(name: str = "box") -> Box:
        made = make_box(name)
        if transport != "zeromq":
            certificate = authority.certificate(made.identity.broker_name)
            made.cloud = Cloud(tls_doors[transport], ca_file=str(authority.ca), certificate=certificate)
        return made

    return make


@pytest.fixture
def register(owner_pool: Pool, customer: Any) -> Any:
    """A device of this identity, let in; its id."""

    async def put(identity: Identity) -> str:
        async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
            return str(
                await connection.fetchval(
                    "insert into devices (tenant_id, name, public_key, signing_key) "
                    "values (app_tenant(), 'box', $1, $2) returning device_id",
                    *(identity.keys.public_key, identity.signing_public),
                )
            )

    return put


@pytest.fixture
def row(owner_pool: Pool, customer: Any) -> Row:
    """Of the device ``box``."""
    return Row(owner_pool, customer)


class Person:
    """Somebody signed in at the cloud's API."""

    def __init__(self, api: Any, token: str) -> None:
        self._api, self.token = api, token

    async def post(self, path: str, body: Any = None, expected: int | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self._api.client.post(f"/api/v1{path}", headers=headers, json=body)
        assert answer.is_success if expected is None else answer.status_code == expected, answer.text
        return answer.json()

    async def get(self, path: str, **params: Any) -> Any:
        return await self._api.get(path, self.token, **params)


@pytest.fixture
async def person(api: Any, customer: Any) -> Person:
    return Person(api, await api.sign_in(customer))


@pytest.fixture
def take_in(person: Person, eventually: Any) -> Callable[[Box], Any]:
    """Code entered, box presented, approved: the device's id."""

    async def take(box: Box, **more: Any) -> str:
        body = {"code": box.identity.claim_code, "name": box.folder.name, **more}
        claim = await person.post("/device-claims", body)

        async def presented() -> bool:
            found = {row["id"]: row for row in await person.get("/device-claims")}
            return bool(found[claim["id"]]["state"] == "presented")

        await eventually(presented)
        shown = {"fingerprint": box.identity.fingerprint}
        approved = await person.post(f"/device-claims/{claim['id']}/approve", shown)

        async def greeted() -> bool:
            found = await person.get(f"/devices/{approved['device_id']}")
            return found["site_id"] is not None and found["software"] == "t"

        await eventually(greeted)
        return str(approved["device_id"])

    return take


class Ingest:
    """A real ingest process."""

    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self.port = port
        self._settings = {"SIMEMS_INGEST_ENDPOINT": f"tcp://127.0.0.1:{port}", **environment}
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "simems_cloud.cli.main", "ingest"],
            env={**os.environ, **self._settings},
            stderr=subprocess.DEVNULL,
        )

    def again(self) -> None:
        """At the same port."""
        self.process = self._start()

    async def answers(self) -> bool:
        return await _answers(self.port)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def ingest_processes(database: Any, cloud_settings: Any) -> Iterator[Callable[[int], list[Ingest]]]:
    """So many of them, on ports of their own; a killed one comes back with :meth:`Ingest.again`."""
    made: list[Ingest] = []
    environment = {
        "SIMEMS_DATABASE_INGEST_URL": database.ingest_url,
        "SIMEMS_DATA_DIR": str(cloud_settings.data_dir),
    }

    def start(count: int) -> list[Ingest]:
        made.extend(Ingest(port, environment) for port in _free_ports(count))
        return made

    yield start
    for one in made:
        one.kill()


async def _answers(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
