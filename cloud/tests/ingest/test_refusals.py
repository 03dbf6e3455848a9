"""What comes in through the door, and what does not; nothing a device sends ends the process."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import msgpack
import pytest
import zmq
import zmq.asyncio
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.sites.service import QUERIES as SITES
from simems_core import wire
from zmq.utils.monitor import parse_monitor_message

pytestmark = pytest.mark.integration
START_US = 1_760_000_400_000_000


async def _event(edge: Any, wanted: zmq.Event) -> None:
    while parse_monitor_message(await edge.monitor.recv_multipart())["event"] != wanted:
        pass


async def test_an_unknown_key_does_not_get_in(connect: Any, customer: Any) -> None:
    public, secret = (half.decode() for half in zmq.curve_keypair())
    edge = connect(customer, public_key=public, secret_key=secret)
    await edge.send(wire.Ping(time_us=1))
    await _event(edge, zmq.EVENT_HANDSHAKE_FAILED_AUTH)


async def test_a_ping_is_answered(connect: Any, customer: Any) -> None:
    edge = connect(customer)
    await edge.send(wire.Ping(time_us=77))
    pong = await edge.receive()
    assert isinstance(pong, wire.Pong)
    assert pong.time_us == 77
    assert abs(pong.server_time_us - time.time() * 1e6) < 60e6


async def test_a_revoked_device_is_cut_and_stays_out(
    connect: Any, customer: Any, telemetry: Any, owner_pool: Pool, app_pool: Pool
) -> None:
    edge = connect(customer)
    await edge.hello()
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetch(SITES["revoke_device"], customer.public_key)
    await _cut(edge, telemetry)
    await _event(connect(customer), zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        late = await connection.fetchval("select count(*) from frames where sequence > 1000")
    assert late == 0


async def _cut(edge: Any, telemetry: Any) -> None:
    """Send until the connection is gone: the notification may take a moment. Without one nothing can be sent."""
    gone = asyncio.create_task(_event(edge, zmq.EVENT_DISCONNECTED))
    for number in range(1, 1000):
        frame = telemetry(number, START_US + number * 1_000_000, {"a/b": [1.0]})
        sending = asyncio.create_task(edge.send(frame))
        await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({gone}, timeout=0.05)
        if gone.done():
            sending.cancel()
            break
    assert gone.done()


async def test_frames_before_a_hello_are_not_taken(connect: Any, customer: Any, telemetry: Any) -> None:
    edge = connect(customer)
    await edge.send(telemetry(1, START_US, {"grid0/active_power_w": [1.0]}))
    assert isinstance(await edge.receive(), wire.Bye)
    await edge.hello()
    await edge.send(telemetry(1, START_US, {"grid0/active_power_w": [1.0]}))
    assert await edge.receive() == wire.Ack(sequence=1)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        os.urandom(200),
        b"\x91" * 5000,
        msgpack.packb({"type": "telemetry"}),
        msgpack.packb({"type": "nonsense", "version": 1}),
        msgpack.packb([1, 2, 3]),
        msgpack.packb({"type": "telemetry", "sequence": -4, "times_us": [1], "columns": []}),
    ],
)
async def test_garbage_is_answered_and_forgotten(connect: Any, customer: Any, payload: bytes) -> None:
    edge = connect(customer)
    await edge.send(payload)
    refused = await edge.receive()
    assert isinstance(refused, wire.Refused)
    assert refused.sequence == 0
    assert await edge.hello() == wire.Ack(sequence=0)


def _column(**fields: Any) -> dict[str, Any]:
    return {"channel": "grid0/active_power_w", "resolution": 0, "values": [1.0], **fields}


def _telemetry(**fields: Any) -> dict[str, Any]:
    return {"type": "telemetry", "version": 1, "sequence": 1, "times_us": [START_US], "columns": [_column()], **fields}


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (_telemetry(columns=[_column(values=[float("nan")])]), "not finite"),
        (_telemetry(columns=[_column(values=[float("inf")])]), "not finite"),
        (_telemetry(columns=[_column(values=[1.0, 2.0])]), "not one value"),
        (_telemetry(columns=[_column(values=[1e300])]), "beyond"),
        (_telemetry(columns=[_column(), _column()]), "twice"),
        (_telemetry(columns=[_column(channel="no slash")]), "not a channel address"),
        (_telemetry(columns=[_column(channel="a/\0")]), "NUL"),
        (_telemetry(columns=[_column(values="text")]), "array"),
        (_telemetry(times_us=[]), "no times"),
        (_telemetry(times_us=[1000]), "before 2020"),
        (_telemetry(times_us=[4_000_000_000_000_000]), "ahead of the server"),
        (_telemetry(times_us=[START_US, -5], columns=[_column(values=[1.0, 2.0])]), "do not rise"),
        (_telemetry(version=99), "version 99"),
    ],
)
async def test_a_frame_that_cannot_be_stored_is_refused_by_name_and_not_waited_for(
    connect: Any, customer: Any, telemetry: Any, app_pool: Pool, frame: dict[str, Any], said: str
) -> None:
    edge = connect(customer)
    await edge.hello()
    payload = msgpack.packb(frame)
    for _ in range(2):
        await edge.send(payload)
        refused, ack = await edge.receive(), await edge.receive()
        assert isinstance(refused, wire.Refused)
        assert refused.sequence == 1
        assert said in refused.reason
        assert ack == wire.Ack(sequence=1)
    await edge.send(telemetry(2, START_US, {"grid0/active_power_w": [5.0]}))
    assert await edge.receive() == wire.Ack(sequence=2)
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetchval("select array_agg(value) from measurements") == [5.0]
        assert await connection.fetchval("select code from alarms") == "cloud.frame_refused"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"site": ""}, "site"),
        ({"settings": {"a/b": float("nan")}}, "finite"),
    ],
)
async def test_a_hello_that_cannot_be_taken_says_why(
    connect: Any, customer: Any, fields: dict[str, Any], said: str
) -> None:
    answer = await connect(customer).hello(**fields)
    assert isinstance(answer, wire.Bye)
    assert said in answer.reason


async def test_a_device_cannot_speak_for_another_site(connect: Any, customer: Any) -> None:
    edge = connect(customer)
    await edge.hello()
    answer = await edge.hello(site="elsewhere")
    assert isinstance(answer, wire.Bye)
    assert "belongs to the site" in answer.reason
