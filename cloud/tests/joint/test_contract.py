"""One contract, every transport: stored once, acknowledged, commands done, revoked at once; MessagePack or JSON."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import msgpack
import pytest
import websockets
from client import Client
from simems_cloud.kit.database import Pool, transaction
from simems_core import wire
from simems_core.web_proof import EXCHANGE, JSON, MSGPACK, STREAM, TIME
from simems_edge.sync import Identity

pytestmark = pytest.mark.integration
FRAMES = sorted((Path(__file__).parent / "frames").glob("v1-[0-9]-*.msgpack"))


@pytest.fixture
async def box(make_box_over: Any, register: Any) -> Any:
    made = make_box_over()
    made.device_id = await register(made.identity)
    return made


class Obedient:
    """Answers every command; the desk itself is tested elsewhere."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[wire.CommandAck | wire.KeyTaken] = asyncio.Queue()
        self.taken: list[wire.Command] = []
        self.welcomes: list[wire.Welcome] = []

    def welcome(self, welcome: wire.Welcome) -> None:
        self.welcomes.append(welcome)
        if welcome.key_changes is not None:
            self.answers.put_nowait(wire.KeyTaken(key=welcome.command_keys[-1], number=len(welcome.key_changes)))

    def take(self, command: wire.Command) -> None:
        self.taken.append(command)
        ack = wire.CommandAck(id=command.id, state="done", time_us=1, reason="so be it", attachment=b"\x00\xff")
        self.answers.put_nowait(ack)

    async def run(self) -> None:
        await asyncio.Event().wait()


async def _stored(pool: Pool, customer: Any) -> list[float]:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        rows = await connection.fetch("select value from measurements where value is not null order by value")
    return [row["value"] for row in rows]


async def test_frames_arrive_once_and_are_acknowledged(
    box: Any, eventually: Any, app_pool: Pool, customer: Any
) -> None:
    async with box.running():
        await box.measure(*range(40))
        await eventually(box.all_acked)
        await box.measure(40, 41)
        await eventually(box.all_acked)
    async with box.running():
        await box.measure(42)
        await eventually(box.all_acked)
    assert await _stored(app_pool, customer) == [float(n) for n in range(43)]


async def test_the_clouds_time_is_known(box: Any, eventually: Any) -> None:
    async with box.running():
        moment = await eventually(box.uplink.cloud_clock.moment)
        assert abs(moment.earliest_us - time.time_ns() // 1000) < 5_000_000


async def test_a_command_reaches_it_and_its_answer_comes_back(
    box: Any, eventually: Any, person: Any, customer: Any
) -> None:
    obedient = Obedient()
    async with box.running(commands=obedient):
        await box.measure(1)
        await eventually(box.all_acked)
        body = {"order": {"kind": "clear_fault", "code": "x"}}
        command = await person.post(f"/sites/{customer.site}/commands", body)

        async def done() -> bool:
            return bool((await person.get(f"/commands/{command['id']}"))["state"] == "done")

        await eventually(done)
        assert obedient.taken[0].id == command["id"]
        assert obedient.welcomes[0].device == box.device_id


async def test_a_changed_command_key_reaches_it_and_it_says_that_it_follows(
    box: Any, eventually: Any, person: Any
) -> None:
    obedient = Obedient()
    async with box.running(commands=obedient):
        await box.measure(1)
        await eventually(box.all_acked)
        changed = await person.post("/command-key/change", {"overlap_s": 60})
        assert (changed["number"], changed["devices_following"]) == (1, 0)

        async def follows() -> bool:
            return bool((await person.get("/command-key"))["devices_following"] == 1)

        await eventually(follows)
        newest = obedient.welcomes[-1]
        assert newest.command_keys == [changed["key"]]
        assert [(one.number, one.new_key) for one in newest.key_changes or ()] == [(1, changed["key"])]


async def test_a_revoked_box_is_shut_out_within_five_seconds(box: Any, eventually: Any, person: Any) -> None:
    async with box.running():
        await box.measure(1)
        await eventually(box.all_acked)
        await person.post(f"/devices/{box.device_id}/revoke")
        await eventually(lambda: box.uplink.status.link != "up", 5.0)
        await eventually(lambda: box.uplink.status.link == "refused")


@pytest.fixture
async def client(tmp_path: Path, doors: dict[str, str], register: Any) -> Client:
    identity = Identity(tmp_path / "other")
    await register(identity)
    return Client(identity.keys.public_key, identity.signing_key, doors["https"])


def _frames(site: str) -> list[dict[str, Any]]:
    """As an old version wrote them."""
    frames = [msgpack.unpackb(path.read_bytes(), strict_map_key=False) for path in FRAMES]
    frames[0]["site"] = site
    return frames


async def test_stored_frames_of_an_old_version_are_taken_as_messagepack_and_as_json(
    client: Client, customer: Any, app_pool: Pool
) -> None:
    frames = _frames(customer.site)
    assert [frame["type"] for frame in frames] == ["hello", "telemetry", "events"]
    first = await client.post(msgpack.packb(frames), MSGPACK)
    answers = msgpack.unpackb(first.content)
    assert [(one["type"], one["sequence"]) for one in answers] == [("ack", 0), ("ack", 2)]
    again = await client.post(json.dumps(frames).encode(), JSON)
    assert [(one["type"], one["sequence"]) for one in again.json()] == [("ack", 2), ("ack", 2)]
    assert await _stored(app_pool, customer) == [5.0]


async def test_a_websocket_speaks_json_to_who_speaks_json(client: Client, doors: Any, customer: Any) -> None:
    headers = client.proof.headers("GET", STREAM, b"")
    async with websockets.connect(doors["websocket"] + STREAM, additional_headers=headers) as socket:
        await socket.send(json.dumps(_frames(customer.site)[0]))
        assert json.loads(await socket.recv())["type"] == "ack"
        await socket.send("nonsense")
        assert json.loads(await socket.recv())["type"] == "refused"
        await socket.send(msgpack.packb({"type": "ping", "time_us": 5}))
        assert msgpack.unpackb(await socket.recv())["time_us"] == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"Simems-Signature": "00" * 64},
        {"Simems-Signature": "x"},
        {"Simems-Time": "1"},
        {"Simems-Time": "-5"},
        {"Simems-Time": "9" * 40},
        {"Simems-Device": "x" * 40},
        {"Simems-Device": ""},
    ],
)
async def test_who_is_not_proven_is_refused(client: Client, changes: dict[str, str]) -> None:
    answer = await client.post(msgpack.packb([]), MSGPACK, **changes)
    assert answer.status_code == 401
    assert abs(int(answer.headers[TIME]) - time.time_ns() // 1000) < 5_000_000


async def test_another_body_than_the_signed_one_is_refused(client: Client) -> None:
    headers = {"Content-Type": MSGPACK, **client.proof.headers("POST", EXCHANGE, b"\x90")}
    async with httpx.AsyncClient() as web:
        answer = await web.post(client.base + EXCHANGE, content=msgpack.packb([1]), headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", MSGPACK, 422),
        (b"\xc1", MSGPACK, 422),
        (b"\x91" * 5000, MSGPACK, 422),
        (msgpack.packb({"type": "ping"}), MSGPACK, 422),
        (b"{", JSON, 422),
        (b'[{"type": "nobody"}]', JSON, 422),
        (b"[" * 5000, JSON, 422),
        (msgpack.packb([{"type": "ping", "time_us": 1}] * 300), MSGPACK, 422),
        (b"\x00" * (wire.MAX_FRAME_BYTES + 1), MSGPACK, 413),
    ],
)
async def test_what_is_no_array_of_messages_is_refused(client: Client, body: bytes, kind: str, status: int) -> None:
    answer = await client.post(body, kind)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_garbage_inside_an_array_is_answered_and_the_rest_is_stored(
    client: Client, customer: Any, app_pool: Pool
) -> None:
    frames = _frames(customer.site)
    body = msgpack.packb([frames[0], {"type": "nonsense"}, frames[1]])
    answers = msgpack.unpackb((await client.post(body, MSGPACK)).content)
    assert [one["type"] for one in answers] == ["ack", "refused", "ack"]
    assert await _stored(app_pool, customer) == [5.0]
