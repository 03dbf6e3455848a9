"""Frames that version 1 sent, one of each message, stored as bytes: read and acted on by both sides for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest
from client import Client
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hand import Hand
from simems_cloud.kit.curve import claim_key, claim_signing_key
from simems_cloud.kit.database import Pool, transaction
from simems_core import wire
from simems_core.claiming import claim_signing_seed, new_code
from simems_core.web_proof import JSON, MSGPACK
from simems_edge.buffer import Buffer, Status
from simems_edge.sync import About, Cloud, Identity, Partners, Provisioning, Uplink
from simems_edge.sync.identity import NEXT_FILE
from simems_edge.sync.key_files import NextKeys, write_keys
from simems_edge.sync.link import LinkError
from stored_frames import DEVICE_KEY, FOLDER, NEXT_KEY, NEXT_SECRET, NEXT_SIGNING, NOW_US, SIGNING, TENANT_KEY, public

NAMES = sorted(path.stem for path in FOLDER.glob("v1-*.msgpack"))
FROM_CLOUD = [name for name in NAMES if name.startswith("v1-cloud")]
FROM_EDGE = [name for name in NAMES if name not in FROM_CLOUD]


def _bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.msgpack").read_bytes()


def _plain(name: str, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgpack.unpackb(_bytes(name), strict_map_key=False)
    return found | changes


def _decoded(name: str, frame: bytes) -> wire.FromEdge | wire.FromCloud:
    return wire.decode_from_cloud(frame) if name in FROM_CLOUD else wire.decode_from_edge(frame)


# ---- read


def test_every_message_has_its_frame() -> None:
    edge = {_plain(name)["type"] for name in FROM_EDGE}
    cloud = {_plain(name)["type"] for name in FROM_CLOUD}
    assert edge == {kind.__struct_config__.tag for kind in wire.FromEdge.__args__}
    assert cloud == {kind.__struct_config__.tag for kind in wire.FromCloud.__args__}


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_in_a_frame_is_read(name: str) -> None:
    plain = _plain(name)
    read = msgspec.to_builtins(_decoded(name, _bytes(name)), builtin_types=(bytes,))
    assert _within(plain, read), read


def _within(old: Any, read: Any) -> bool:
    """Nothing of the old is lost; a field that came later has its default beside it."""
    if isinstance(old, dict):
        return all(key in read and _within(value, read[key]) for key, value in old.items())
    if isinstance(old, list):
        return len(old) == len(read) and all(map(_within, old, read))
    return bool(old == read)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_nobody_knows_is_ignored(name: str) -> None:
    more = _plain(name, later={"a": [1]}, another=None)
    assert _decoded(name, msgpack.packb(more)) == _decoded(name, _bytes(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_version_from_the_future_is_refused(name: str) -> None:
    with pytest.raises(wire.WireError, match="version 2"):
        _decoded(name, msgpack.packb(_plain(name, version=2)))


# ---- acted on by the cloud


async def _registered(pool: Pool, customer: Any, client: Client, signing_key: str) -> None:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        await connection.execute(
            "insert into devices (tenant_id, name, public_key, signing_key) values (app_tenant(), 'box', $1, $2)",
            *(client.public_key, signing_key),
        )


async def _answers(client: Client, *frames: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post(msgpack.packb(list(frames)), MSGPACK)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = msgpack.unpackb(answer.content)
    return found


async def _row(pool: Pool, customer: Any) -> Any:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        return await connection.fetchrow("select * from devices where name = 'box'")


@pytest.mark.integration
async def test_the_cloud_does_what_each_frame_says(
    doors: dict[str, str], person: Any, customer: Any, owner_pool: Pool
) -> None:
    client = Client(DEVICE_KEY, SIGNING, doors["https"])
    await _registered(owner_pool, customer, client, public(SIGNING))
    assert [one["type"] for one in await _answers(client, _plain("v1-1-hello", site=customer.site))] == ["ack"]
    (ack,) = await _answers(client, _plain("v1-2-telemetry"), _plain("v1-3-events"))
    assert (ack["type"], ack["sequence"]) == ("ack", 2)
    (pong,) = await _answers(client, _plain("v1-edge-ping"))
    assert (pong["type"], pong["time_us"]) == ("pong", NOW_US)
    await _answers(client, _plain("v1-edge-keytaken"))
    assert (await _row(owner_pool, customer))["command_key"] == public(TENANT_KEY)
    body = {"order": {"kind": "clear_fault", "code": "x"}}
    sent = await person.post(f"/sites/{customer.site}/commands", body)
    await _answers(client, _plain("v1-edge-commandack", id=sent["id"]))
    found = await person.get(f"/commands/{sent['id']}")
    assert (found["state"], found["reason"]) == ("done", "so be it")
    assert await _answers(client, _plain("v1-edge-bye")) == []
    (rekeyed,) = await _answers(client, _plain("v1-edge-rekey"))
    assert (rekeyed["type"], rekeyed["public_key"], rekeyed["reason"]) == ("rekeyed", NEXT_KEY, "")
    row = await _row(owner_pool, customer)
    assert (row["next_public_key"], row["next_signing_key"]) == (NEXT_KEY, "")
    (both,) = await _answers(client, _plain("v1-edge-rekey-both"))
    assert (both["signing_key"], both["reason"]) == (public(NEXT_SIGNING), "")
    row = await _row(owner_pool, customer)
    assert (row["next_public_key"], row["next_signing_key"]) == (NEXT_KEY, public(NEXT_SIGNING))


@pytest.mark.integration
async def test_the_cloud_hears_a_stored_claim(
    doors: dict[str, str], person: Any, customer: Any, owner_pool: Pool
) -> None:
    code = new_code()
    await person.post("/device-claims", {"code": code, "name": "box"})
    signing = Ed25519PrivateKey.from_private_bytes(claim_signing_seed(code))
    assert public(signing) == claim_signing_key(code)
    client = Client(claim_key(code), signing, doors["https"])
    (state,) = await _answers(client, _plain("v1-edge-claim"))
    assert (state["type"], state["state"]) == ("claimstate", "waiting")
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        row = await connection.fetchrow("select * from device_claims")
    assert row is not None
    said = _plain("v1-edge-claim")
    names = ("public_key", "signing_key", "software", "vendor", "model", "serial_number")
    assert [row[name] for name in names] == [said[name] for name in names]


@pytest.mark.integration
async def test_the_cloud_does_nothing_of_what_a_future_version_says(
    doors: dict[str, str], customer: Any, owner_pool: Pool, tmp_path: Path
) -> None:
    own = Identity(tmp_path)
    client = Client(own.keys.public_key, own.signing_key, doors["https"])
    await _registered(owner_pool, customer, client, own.signing_public)
    await _answers(client, _plain("v1-1-hello", site=customer.site))
    before = await _row(owner_pool, customer)
    for name in FROM_EDGE:
        future = _plain(name, version=2, **({"site": customer.site, "software": "9"} if "hello" in name else {}))
        refused, *_ = await _answers(client, future)
        assert refused["type"] == "refused", name
        assert "version 2" in refused["reason"], name
        answer = await client.post(msgspec.json.encode([future]), JSON)
        assert answer.status_code == 422 or answer.json()[0]["type"] == "refused", name
    after = await _row(owner_pool, customer)
    keys = ("public_key", "next_public_key", "signing_key", "software", "command_key")
    assert [after[key] for key in keys] == [before[key] for key in keys]
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetchval("select count(*) from frame_values") == 0


# ---- acted on by the edge


class Said:
    """A connection over which the cloud says these frames, and then nothing more."""

    def __init__(self, *frames: bytes) -> None:
        self._frames = list(frames)
        self.sent: list[wire.FromEdge] = []

    async def receive(self) -> bytes:
        if not self._frames:
            raise LinkError("said all")
        return self._frames.pop(0)

    async def send(self, frame: bytes) -> None:
        self.sent.append(wire.decode_from_edge(frame))


class Edge:
    """An uplink with all that belongs to it, and no cloud."""

    def __init__(self, folder: Path, buffer: Buffer) -> None:
        self.identity, self.buffer = Identity(folder), buffer
        self.hand = Hand(folder, self.identity)
        self.refused: list[int] = []
        self.provisioning = Provisioning(self.identity, About("1"))
        partners = self.hand.partners()
        self.clock, self.desk = partners["clock"], partners["commands"]
        self.uplink = Uplink(
            buffer,
            Cloud("https://cloud.example.com"),
            self.identity.keys,
            self._hello,
            utc_us=lambda: NOW_US,
            on_refused=lambda sequence, reason: self.refused.append(sequence),
            partners=Partners(self.provisioning, self.desk, self.clock, self.identity.signing_key),
        )

    def _hello(self, status: Status, time_us: int) -> wire.Hello:
        raise AssertionError("nobody is greeted here")

    async def hears(self, *names: str, **changes: Any) -> str:
        """Why the connection ended."""
        frames = [msgpack.packb(_plain(name, **changes)) for name in names]
        with pytest.raises(LinkError) as ended:
            await self.uplink._receive(Said(*frames))  # type: ignore[arg-type] # all that is used of a connection
        return str(ended.value)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    buffer = await Buffer.open(tmp_path, lambda: NOW_US)
    for value in range(3):
        buffer.append_telemetry([NOW_US + value], [wire.Column(channel="a/b", resolution=1.0, values=[value])])
        assert await buffer.flush()
    yield Edge(tmp_path, buffer)
    await buffer.close()


async def test_the_edge_does_what_each_frame_says(edge: Edge) -> None:
    edge.clock.asked(NOW_US)
    assert await edge.hears("v1-cloud-pong", "v1-cloud-welcome", "v1-cloud-command") == "said all"
    moment = edge.clock.moment()
    assert moment is not None
    assert abs(moment.earliest_us - NOW_US) < 5_000_000
    assert edge.desk.answers.get_nowait() == wire.KeyTaken(key=public(TENANT_KEY), number=1)
    ack = await edge.desk.handle(edge.desk._waiting.get_nowait())
    assert (ack.state, [one.id for one in edge.hand.notes.done]) == ("done", [_plain("v1-cloud-command")["id"]])
    await edge.hears("v1-cloud-ack")
    assert (await edge.buffer.status()).acked_sequence == 2
    await edge.hears("v1-cloud-refused")
    assert (edge.refused, (await edge.buffer.status()).refused) == ([3], 1)
    assert "say hello first" in await edge.hears("v1-cloud-bye")
    state = await edge.provisioning._ask(Said(_bytes("v1-cloud-claimstate")))  # type: ignore[arg-type] # as above
    assert state.state == "approved"


@pytest.mark.parametrize(("name", "signing_key"), [("rekeyed", None), ("rekeyed-both", public(NEXT_SIGNING))])
async def test_the_edge_comes_again_with_the_keys_that_were_agreed(
    edge: Edge, tmp_path: Path, name: str, signing_key: str | None
) -> None:
    write_keys(tmp_path / NEXT_FILE, NextKeys(NEXT_KEY, NEXT_SECRET, NEXT_SIGNING.private_bytes_raw().hex()))
    edge.provisioning.papers()
    assert "coming again" in await edge.hears(f"v1-cloud-{name}")
    papers = edge.provisioning.papers()
    assert papers.keys.public_key == NEXT_KEY
    assert papers.signing_key is not None
    assert public(papers.signing_key) == (signing_key or edge.identity.signing_public)


@pytest.mark.parametrize("name", FROM_CLOUD)
async def test_the_edge_does_nothing_of_what_a_future_version_says(edge: Edge, tmp_path: Path, name: str) -> None:
    write_keys(tmp_path / NEXT_FILE, NextKeys(NEXT_KEY, NEXT_SECRET, NEXT_SIGNING.private_bytes_raw().hex()))
    edge.clock.asked(NOW_US)
    assert await edge.hears(name, version=2) == "said all"
    assert edge.uplink.status.rejected_replies == 1
    status = await edge.buffer.status()
    assert (status.acked_sequence, status.refused, edge.refused, edge.clock.moment()) == (0, 0, [], None)
    assert edge.desk.answers.empty()
    assert edge.provisioning.papers().keys == edge.identity.keys
