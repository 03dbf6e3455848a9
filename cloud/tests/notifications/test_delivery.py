"""A real mail server and a real receiver of webhooks, that fail, hang up and come back: nothing is lost."""

from __future__ import annotations

import asyncio
import email.policy
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from simems_cloud.kit.database import Pool, open_pool, transaction
from simems_cloud.kit.vault import Vault
from simems_cloud.notifications.deliver import Sender, serve

pytestmark = pytest.mark.integration


class Mailbox:
    """Handler of the SMTP server; ``refuses``: answers 451 to so many first."""

    def __init__(self) -> None:
        self.refuses = 0
        self.url = ""
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802 - its name
        if self.refuses > 0:
            self.refuses -= 1
            return "451 try again later"
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"


class Hook:
    """An HTTP server that answers as told and keeps what it got."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head.split("\r\n")[1:])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append((headers, body))
        answer = self.answers.pop(0) if self.answers else b"204 No Content"
        if answer is not None:
            writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made = Hook()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
def mailbox(free_tcp_port: int) -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_tcp_port)
    controller.start()
    box.url = f"smtp://127.0.0.1:{free_tcp_port}"
    yield box
    controller.stop()


@pytest.fixture
def cloud_settings(cloud_settings: Any, mailbox: Any) -> Any:
    return replace(cloud_settings, smtp_url=mailbox.url, webhooks_private=True, public_url="https://ems.example.com")


@pytest.fixture
async def sender(database: Any, cloud_settings: Any) -> AsyncIterator[Sender]:
    pool = await open_pool(database.worker_url, application="test-worker", max_size=6)
    yield Sender(cloud_settings, pool, Vault(cloud_settings.data_dir))
    await pool.close()


async def _alarm(pool: Pool, customer: Any, event: str = "e1", **fields: Any) -> None:
    columns = {"code": "battery.warm", "severity": "alarm", "component": "ess0", "text": "Battery too warm"} | fields
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        await connection.execute(
            """insert into sites (tenant_id, site_id, name, time_zone)
            values (app_tenant(), $1, 'Malmö', 'Europe/Stockholm')
            on conflict do nothing""",
            customer.site,
        )
        await connection.execute(
            """insert into alarms (tenant_id, site_id, device_id, origin, event_id, code, severity, component, text,
                raised_at)
            values (app_tenant(), $1, $2, 'edge', $3, $4, $5, $6, $7, '2026-03-01T10:00:00Z')""",
            *(customer.site, customer.device_id, event, *columns.values()),
        )


async def _due(pool: Pool, customer: Any) -> None:
    """As if the pause were over."""
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update notification_deliveries set next_attempt_at = now() where state = 'waiting'")


async def _post(api: Any, token: str, path: str, body: Any = None) -> Any:
    answer = await api.client.post(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def test_an_alarm_reaches_mailbox_and_webhook_once(
    api: Any, customer: Any, sender: Sender, hook: Hook, mailbox: Mailbox, owner_pool: Pool
) -> None:
    token = await api.sign_in(customer)
    made = await _post(api, token, "/webhooks", {"name": "Operations", "url": hook.url})
    await _post(api, token, "/subscriptions", {"webhook_id": made["id"]})
    await _post(api, token, "/subscriptions", {"role": "tenant_admin"})
    await _post(api, token, "/subscriptions", {"user_id": str(customer.user_id)})
    hook.answers, mailbox.refuses = [b"503 Away", None, b"302 Found"], 2
    await _alarm(owner_pool, customer)
    for _ in range(4):
        await asyncio.gather(*(serve(sender, customer.tenant_id) for _ in range(3)))
        await _due(sender.pool, customer)
    deliveries = await api.get("/deliveries", token)
    assert sorted((d["method"], d["state"], d["attempts"]) for d in deliveries) == [
        ("email", "delivered", 3),
        ("webhook", "delivered", 4),
    ]
    ((recipients, mail),) = mailbox.mails
    assert recipients == [customer.email]
    assert mail["Subject"] == "[ALARM] Malmö: Battery too warm"
    assert "Raised: 2026-03-01 11:00:00 (Europe/Stockholm)" in mail.get_content()
    assert f"https://ems.example.com/sites/{customer.site}" in mail.get_content()
    assert len({headers["idempotency-key"] for headers, _ in hook.got}) == 1, "a repeat is known by its id"
    headers, body = hook.got[-1]
    stamp, _, given = headers["simems-signature"].partition(",v1=")
    signed = f"{stamp.removeprefix('t=')}.".encode() + body
    assert given == hmac.new(made["secret"].encode(), signed, hashlib.sha256).hexdigest()
    said = json.loads(body)
    assert (said["kind"], said["alarm"]["code"], said["site"]["id"]) == ("raised", "battery.warm", customer.site)


async def test_a_receiver_that_is_down_for_long_loses_nothing(
    api: Any, customer: Any, sender: Sender, hook: Hook, owner_pool: Pool
) -> None:
    token = await api.sign_in(customer)
    made = await _post(api, token, "/webhooks", {"name": "Operations", "url": hook.url})
    await _post(api, token, "/subscriptions", {"webhook_id": made["id"], "minimum_severity": "info"})
    hook.answers = [None] * 30
    for number in range(10):
        await _alarm(owner_pool, customer, f"e{number}", severity="info", text=f"n{number}")
    for _ in range(3):
        await serve(sender, customer.tenant_id)
        await _due(sender.pool, customer)
    assert {d["state"] for d in await api.get("/deliveries", token)} == {"waiting"}
    await serve(sender, customer.tenant_id)
    assert {d["state"] for d in await api.get("/deliveries", token)} == {"delivered"}
    told = {json.loads(body)["alarm"]["text"] for _, body in hook.got[30:]}
    assert told == {f"n{number}" for number in range(10)}


async def test_a_sender_that_dies_sends_again_with_the_same_id(
    api: Any, customer: Any, sender: Sender, hook: Hook, owner_pool: Pool, eventually: Any
) -> None:
    token = await api.sign_in(customer)
    made = await _post(api, token, "/webhooks", {"name": "Operations", "url": hook.url})
    await _post(api, token, "/subscriptions", {"webhook_id": made["id"]})
    await _alarm(owner_pool, customer)
    real = hook.serve
    arrived = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await real(reader, writer)
        arrived.set()

    hook.answers = [b"100 Continue"]
    task = asyncio.create_task(serve(sender, customer.tenant_id))
    await eventually(lambda: hook.got)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await serve(sender, customer.tenant_id)
    assert len(hook.got) == 1, "leased: nobody else sends it meanwhile"
    await _due(sender.pool, customer)
    await serve(sender, customer.tenant_id)
    assert len({headers["simems-delivery"] for headers, _ in hook.got}) == 1
    assert (await api.get("/deliveries", token))[0]["state"] == "delivered"


async def test_what_is_silenced_is_told_when_the_silence_ends(
    api: Any, customer: Any, sender: Sender, mailbox: Mailbox, owner_pool: Pool
) -> None:
    token = await api.sign_in(customer)
    await _post(api, token, "/subscriptions", {"user_id": str(customer.user_id)})
    await _alarm(owner_pool, customer, "stays")
    await _alarm(owner_pool, customer, "goes", text="over soon")
    silence = await _post(api, token, "/alarm-silences", {"code": "battery.*", "until": "2026-12-24T00:00:00Z"})
    await serve(sender, customer.tenant_id)
    assert mailbox.mails == []
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update alarms set cleared_at = now() where event_id = 'goes'")
    await serve(sender, customer.tenant_id)
    await _post(api, token, f"/alarm-silences/{silence['id']}/end")
    await serve(sender, customer.tenant_id)
    assert [mail["Subject"] for _, mail in mailbox.mails] == ["[ALARM] Malmö: Battery too warm"]


async def test_without_a_mail_server_the_line_says_so(
    api: Any, customer: Any, sender: Sender, owner_pool: Pool
) -> None:
    token = await api.sign_in(customer)
    tried = await _post(api, token, "/deliveries/test")
    assert tried["state"] == "waiting"
    without = replace(sender, settings=replace(sender.settings, smtp_url=None))
    await serve(without, customer.tenant_id)
    (line,) = await api.get("/deliveries", token)
    assert (line["state"], "SIMEMS_SMTP_URL" in line["last_error"]) == ("waiting", True)
    await _due(sender.pool, customer)
    await serve(sender, customer.tenant_id)
    assert (await api.get("/deliveries", token))[0]["state"] == "delivered"


async def test_a_viewer_subscribes_for_themselves_alone(api: Any, new_customer: Any) -> None:
    viewer = await new_customer(role="viewer")
    token = await api.sign_in(viewer)
    own = await _post(api, token, "/subscriptions", {"user_id": str(viewer.user_id)})
    for body in ({"role": "tenant_admin"}, {"user_id": own["id"]}):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await api.client.post("/api/v1/subscriptions", headers=headers, json=body)
        assert answer.status_code == 403
    assert len(await api.get("/subscriptions", token)) == 1
