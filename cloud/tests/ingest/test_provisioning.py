"""A box is taken in: code entered, box presented, approved by its fingerprint; a claim key can do nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import zmq
import zmq.utils.z85
from simems_cloud.kit.database import Pool, transaction
from simems_core import wire
from simems_core.claiming import claim_secret, fingerprint, new_code
from zmq.utils.monitor import parse_monitor_message

pytestmark = pytest.mark.integration
START_US = 1_760_000_400_000_000
SIGNING_KEY = "ab" * 32


async def _event(edge: Any, wanted: zmq.Event) -> None:
    while parse_monitor_message(await edge.monitor.recv_multipart())["event"] != wanted:
        pass


class Box:
    """A box nobody knows: its own keys, and those of its claim code."""

    def __init__(self, connect: Any, customer: Any) -> None:
        self.code = new_code()
        self.public, self.secret = (half.decode() for half in zmq.curve_keypair())
        secret = zmq.utils.z85.encode(claim_secret(self.code))
        self._claim = {"public_key": zmq.curve_public(secret).decode(), "secret_key": secret.decode()}
        self._own = {"public_key": self.public, "secret_key": self.secret}
        self._connect, self._customer = connect, customer

    def by_claim(self) -> Any:
        return self._connect(self._customer, **self._claim)

    def by_own_key(self) -> Any:
        return self._connect(self._customer, **self._own)

    @property
    def claim(self) -> wire.Claim:
        return wire.Claim(public_key=self.public, signing_key=SIGNING_KEY, model="B1", serial_number="7")


class Desk:
    """A person of the tenant."""

    def __init__(self, api: Any, token: str) -> None:
        self.api, self.token = api, token

    async def post(self, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.api.client.post(f"/api/v1/device-claims{path}", headers=headers, json=body)

    async def enter(self, box: Box, **more: Any) -> str:
        answer = await self.post("", {"code": box.code, "name": "box", **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture
async def desk(api: Any, customer: Any) -> Desk:
    return Desk(api, await api.sign_in(customer))


@pytest.fixture
def box(connect: Any, customer: Any) -> Box:
    return Box(connect, customer)


async def _present(box: Box) -> Any:
    edge = box.by_claim()
    await edge.send(box.claim)
    answer = await edge.receive()
    assert isinstance(answer, wire.ClaimState)
    assert answer.state == "waiting"
    return edge


async def test_from_a_code_to_a_device(box: Box, desk: Desk, api: Any, owner_pool: Pool, customer: Any) -> None:
    await _event(box.by_claim(), zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    claim_id = await desk.enter(box)
    assert (await desk.post(f"/{claim_id}/approve", {"fingerprint": fingerprint(box.public)})).status_code == 409
    edge = await _present(box)
    (shown,) = await api.get("/device-claims", desk.token)
    assert (shown["state"], shown["fingerprint"], shown["model"]) == ("presented", fingerprint(box.public), "B1")
    await _event(box.by_own_key(), zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    wrong = await desk.post(f"/{claim_id}/approve", {"fingerprint": fingerprint(box.public[::-1])})
    assert wrong.status_code == 409
    right = await desk.post(f"/{claim_id}/approve", {"fingerprint": fingerprint(box.public).lower()})
    assert right.json()["state"] == "approved"
    await edge.send(box.claim)
    assert await edge.receive() == wire.ClaimState(state="approved")
    own = box.by_own_key()
    assert await own.hello() == wire.Ack(sequence=0)
    devices = await api.get("/devices", desk.token)
    assert {row["name"]: row["health"] for row in devices}["box"] == "ok"
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        key = await connection.fetchval("select signing_key from devices where public_key = $1", box.public)
    assert key == SIGNING_KEY


async def test_a_claim_key_can_only_claim(
    box: Box, desk: Desk, customer: Any, telemetry: Any, owner_pool: Pool, make_hello: Any
) -> None:
    await desk.enter(box)
    edge = await _present(box)
    ack = wire.CommandAck(id=str(customer.device_id), state="done", time_us=1)
    frames = [
        *(make_hello(customer.site), telemetry(1, START_US, {"a/b": [1.0]}), wire.Events(sequence=1, events=[])),
        *(wire.Bye(), wire.Rekey(public_key=box.public), ack, b"\xc1", b""),
    ]
    for frame in frames:
        await edge.send(frame)
        assert await edge.receive() == wire.Bye(reason="this key may only claim"), frame
    await edge.send(wire.Ping(time_us=3))
    pong = await edge.receive()
    assert isinstance(pong, wire.Pong)
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetchval("select count(*) from frames") == 0
        assert await connection.fetchval("select count(*) from sites") == 0
        assert await connection.fetchval("select count(*) from devices where next_public_key is not null") == 0


@pytest.mark.parametrize("fields", [{"public_key": "x" * 40 + "~"}, {"signing_key": "zz"}, {"public_key": ""}])
async def test_a_claim_that_cannot_be_is_said_to_be_wrong(box: Box, desk: Desk, fields: dict[str, str]) -> None:
    import msgspec

    await desk.enter(box)
    edge = box.by_claim()
    await edge.send(msgspec.structs.replace(box.claim, **fields))
    assert isinstance(await edge.receive(), wire.Bye)


async def test_a_refused_box_hears_why_and_a_withdrawn_code_is_cut(box: Box, desk: Desk, api: Any) -> None:
    claim_id = await desk.enter(box)
    edge = await _present(box)
    await desk.post(f"/{claim_id}/refuse", {"reason": "not ours"})
    await edge.send(box.claim)
    assert await edge.receive() == wire.ClaimState(state="refused", reason="not ours")
    gone = asyncio.create_task(_event(edge, zmq.EVENT_DISCONNECTED))
    headers = {"Authorization": f"Bearer {desk.token}"}
    answer = await api.client.delete(f"/api/v1/device-claims/{claim_id}", headers=headers)
    assert answer.status_code == 204
    await asyncio.wait_for(gone, 5.0)


async def test_a_code_belongs_to_one_tenant(box: Box, desk: Desk, api: Any, new_customer: Any) -> None:
    claim_id = await desk.enter(box)
    theirs = Desk(api, await api.sign_in(await new_customer()))
    assert (await theirs.post("", {"code": box.code, "name": "mine"})).status_code == 409
    await _present(box)
    body = {"fingerprint": fingerprint(box.public)}
    assert (await theirs.post(f"/{claim_id}/approve", body)).status_code == 404
    assert (await theirs.post("", {"code": box.code[:-1] + "?", "name": "mine"})).status_code == 422


async def test_a_box_that_replaces_another_goes_on_with_its_site(
    box: Box, desk: Desk, customer: Any, connect: Any, telemetry: Any, owner_pool: Pool
) -> None:
    old = connect(customer)
    await old.hello()
    await old.send(telemetry(1, START_US, {"grid0/active_power_w": [1.0]}))
    await old.until_ack(1)
    claim_id = await desk.enter(box, replaces=str(customer.device_id))
    await _present(box)
    gone = asyncio.create_task(_event(old, zmq.EVENT_DISCONNECTED))
    await desk.post(f"/{claim_id}/approve", {"fingerprint": fingerprint(box.public)})
    await asyncio.wait_for(gone, 5.0)
    new = box.by_own_key()
    assert await new.hello() == wire.Ack(sequence=0)
    await new.send(telemetry(1, START_US + 60_000_000, {"grid0/active_power_w": [2.0]}))
    await new.until_ack(1)
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        rows = await connection.fetch("select value, site_id from measurements order by time")
    assert [(row["value"], row["site_id"]) for row in rows] == [(1.0, customer.site), (2.0, customer.site)]


async def test_a_box_made_new_sends_again_what_it_heard_no_acknowledgement_of_and_nothing_is_doubled(
    box: Box, desk: Desk, customer: Any, connect: Any, telemetry: Any, owner_pool: Pool
) -> None:
    event = wire.Event(id="e1", kind="action", code="x", severity="info", component="ess0", time_us=START_US, text="t")
    known = [
        telemetry(1, START_US, {"grid0/active_power_w": [1.0]}),
        telemetry(2, START_US + 1_000_000, {"grid0/active_power_w": [2.0]}),
        wire.Events(sequence=3, events=[event]),
    ]
    old = connect(customer)
    await old.hello()
    for frame in known:
        await old.send(frame)
    await old.until_ack(3)
    claim_id = await desk.enter(box, replaces=str(customer.device_id))
    await _present(box)
    await desk.post(f"/{claim_id}/approve", {"fingerprint": fingerprint(box.public)})
    new = box.by_own_key()
    await new.hello()
    changed = telemetry(2, START_US + 2_000_000, {"grid0/active_power_w": [9.0]})
    for frame in (known[0], changed, known[2], telemetry(4, START_US + 3_000_000, {"grid0/active_power_w": [4.0]})):
        await new.send(frame)
    await new.until_ack(4)
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        rows = await connection.fetch("select value from measurements order by time")
    assert [row["value"] for row in rows] == [1.0, 2.0, 9.0, 4.0], "what differs by a byte is another frame"


async def test_a_revoked_device_that_says_nothing_is_cut_within_five_seconds_wherever_it_is(
    connect: Any, customer: Any, desk: Desk, running_ingest: Any, cloud_settings: Any, database: Any
) -> None:
    """Two ingest processes, a silent connection to each."""
    async with running_ingest(cloud_settings, database.ingest_url) as second:
        edges = [connect(customer), connect(customer, at=second)]
        for edge in edges:
            await edge.send(wire.Ping(time_us=1))
            await edge.receive()
        gone = [asyncio.create_task(_event(edge, zmq.EVENT_DISCONNECTED)) for edge in edges]
        path = f"/api/v1/devices/{customer.device_id}/revoke"
        headers = {"Authorization": f"Bearer {desk.token}"}
        assert (await desk.api.client.post(path, headers=headers)).status_code == 200
        await asyncio.wait_for(asyncio.gather(*gone), 5.0)
        await _event(connect(customer), zmq.EVENT_HANDSHAKE_FAILED_AUTH)


async def test_a_device_changes_its_key_and_the_old_one_ends(
    connect: Any, customer: Any, telemetry: Any, owner_pool: Pool
) -> None:
    edge = connect(customer)
    await edge.hello()
    public, secret = (half.decode() for half in zmq.curve_keypair())
    await edge.send(wire.Rekey(public_key=public))
    assert await edge.receive() == wire.Rekeyed(public_key=public)
    assert await connect(customer).hello() == wire.Ack(sequence=0), "the old key holds until the new one was used"
    gone = asyncio.create_task(_event(edge, zmq.EVENT_DISCONNECTED))
    new = connect(customer, public_key=public, secret_key=secret)
    assert await new.hello() == wire.Ack(sequence=0)
    await asyncio.wait_for(gone, 5.0)
    await _event(connect(customer), zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    await new.send(telemetry(1, START_US, {"a/b": [1.0]}))
    assert await new.receive() == wire.Ack(sequence=1)
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        entries = await connection.fetchval("select count(*) from audit_log where action = 'device.key_changed'")
    assert entries == 1


async def test_a_revoked_key_does_not_come_back_as_the_new_one_of_another_device(
    connect: Any, new_customer: Any, desk: Desk, customer: Any
) -> None:
    headers = {"Authorization": f"Bearer {desk.token}"}
    path = f"/api/v1/devices/{customer.device_id}/revoke"
    assert (await desk.api.client.post(path, headers=headers)).status_code == 200
    helper = connect(await new_customer())
    await helper.hello()
    await helper.send(wire.Rekey(public_key=customer.public_key))
    await helper.receive()
    await _event(connect(customer), zmq.EVENT_HANDSHAKE_FAILED_AUTH)


async def test_another_ones_key_cannot_be_taken_by_announcing_it(
    connect: Any, new_customer: Any, telemetry: Any, owner_pool: Pool
) -> None:
    victim, thief = await new_customer(), await new_customer()
    edge = connect(thief)
    await edge.hello()
    await edge.send(wire.Rekey(public_key=victim.public_key))
    await edge.receive()
    theirs = connect(victim)
    await theirs.hello()
    await theirs.send(telemetry(1, START_US, {"a/b": [1.0]}))
    assert await theirs.receive() == wire.Ack(sequence=1)
    async with transaction(owner_pool, tenant=thief.tenant_id) as connection:
        assert await connection.fetchval("select count(*) from frames") == 0
