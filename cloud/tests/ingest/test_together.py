"""Several devices in one transaction: acknowledged after its commit alone, and what spoils it hurts nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
import zmq
from simems_cloud.ingest import writer
from simems_cloud.ingest.writer import Batch, Writer, Written
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.sites.service import QUERIES as SITES
from simems_cloud.telemetry.crowd import store_crowd
from simems_cloud.telemetry.store import Device
from simems_core import wire

pytestmark = pytest.mark.integration
GRID = "grid0/active_power_w"
START_US = 1_760_000_400_000_000
ACKED = [Written([wire.Ack(sequence=2)])]
Fleet = Callable[[int], Awaitable[list[Device]]]


@pytest.fixture
def ours(ingest_pool: Pool) -> Writer:
    return Writer(ingest_pool)


@pytest.fixture
def fleet(customer: Any, owner_pool: Pool, ours: Writer, make_hello: Callable[..., wire.Hello]) -> Fleet:
    """Devices of one tenant, each of a site of its own, greeted."""

    async def make(count: int) -> list[Device]:
        found = []
        for number in range(count):
            key = f"{number:02d}{customer.public_key[2:]}"
            async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
                device_id = await connection.fetchval(SITES["create_device"], f"box {number}", key, None)
            device = Device(customer.tenant_id, device_id, key)
            await ours.write(device, [wire.encode(make_hello(f"{customer.site}-{number}"))])
            found.append(device)
        return found

    return make


@pytest.fixture
def frames(telemetry: Callable[..., wire.Telemetry]) -> Callable[..., list[bytes]]:
    def make(*sequences: int, value: float = 1.0) -> list[bytes]:
        return [wire.encode(telemetry(n, START_US + n * 1_000_000, {GRID: [value + n]})) for n in sequences]

    return make


async def _stored(pool: Pool, devices: Sequence[Device]) -> list[list[int]]:
    """Sequences of each device."""
    query = "select array_agg(sequence order by sequence) from frames where device_id = $1"
    async with transaction(pool, tenant=devices[0].tenant_id) as connection:
        return [await connection.fetchval(query, device.device_id) or [] for device in devices]


async def _one_by_one(ours: Writer, batches: Sequence[Batch]) -> list[Written]:
    return [await ours.write(batch.device, batch.payloads) for batch in batches]


async def test_what_goes_together_is_committed_at_once_and_is_all_there(
    ours: Writer, fleet: Fleet, frames: Callable[..., list[bytes]], app_pool: Pool
) -> None:
    devices = await fleet(3)
    batches = [Batch(device, frames(2, 1, 1, value=10.0 * place)) for place, device in enumerate(devices)]
    assert await ours.write_together(batches) == ACKED * 3
    assert await _stored(app_pool, devices) == [[1, 2]] * 3
    async with transaction(app_pool, tenant=devices[0].tenant_id) as connection:
        assert await connection.fetchval("select count(distinct received_at) from frames") == 1
        values = (
            "select array_agg(m.value order by m.device_id, m.time) from measurements m where m.device_id = any ($1)"
        )
        found = await connection.fetchval(values, [device.device_id for device in devices])
        latest = "select array_agg(l.value order by l.value) from latest l join channels c using (channel_id)"
        assert await connection.fetchval(f"{latest} where c.address = $1", GRID) == [2.0, 12.0, 22.0]
    expected = {device.device_id: [10.0 * n + 1, 10.0 * n + 2] for n, device in enumerate(devices)}
    assert found == [value for device_id in sorted(expected) for value in expected[device_id]]


async def test_what_is_known_already_is_acknowledged_and_not_stored_again(
    ours: Writer, fleet: Fleet, frames: Callable[..., list[bytes]], app_pool: Pool
) -> None:
    """As after an end between the commit and the ack: the device sends all of it again."""
    devices = await fleet(2)
    batches = [Batch(device, frames(1, 2)) for device in devices]
    for _ in range(2):
        assert await ours.write_together(batches) == ACKED * 2
    assert await _stored(app_pool, devices) == [[1, 2]] * 2


async def test_who_is_held_or_speaks_of_more_than_values_is_left_out_untouched(
    ours: Writer,
    fleet: Fleet,
    frames: Callable[..., list[bytes]],
    app_pool: Pool,
    owner_pool: Pool,
    telemetry: Callable[..., wire.Telemetry],
) -> None:
    held, unheard, alarmed, contradicting, broken, new_channel, *plain = await fleet(8)
    await ours.write(contradicting, frames(1))
    event = wire.Event(id="1", kind="raised", code="c", severity="alarm", component="a", time_us=START_US)
    unlike = {
        held: frames(1, 2),
        unheard: frames(1, 2),
        alarmed: [*frames(1), wire.encode(wire.Events(sequence=2, events=[event]))],
        contradicting: frames(1, value=9.0),
        broken: [*frames(1), wire.encode(telemetry(2, 1000, {GRID: [1.0]}))],
        new_channel: [*frames(1), wire.encode(telemetry(2, START_US + 9, {"new/power_w": [1.0]}))],
    }
    async with transaction(owner_pool, tenant=held.tenant_id) as connection:
        await connection.execute("update devices set site_id = null where device_id = $1", unheard.device_id)
    batches = [*(Batch(device, sent) for device, sent in unlike.items()), *(Batch(one, frames(1, 2)) for one in plain)]
    async with transaction(owner_pool, tenant=held.tenant_id) as holding:
        await holding.execute("select 1 from devices where device_id = $1 for update", held.device_id)
        assert await ours.write_together(batches) == [None] * len(unlike) + ACKED * len(plain)
    assert await _stored(app_pool, [*unlike, *plain]) == [[], [], [], [1], [], [], [1, 2], [1, 2]]
    said = [written.answers for written in await _one_by_one(ours, batches)]
    assert said[0] == said[2] == said[5] == [wire.Ack(sequence=2)]
    assert isinstance(said[1][0], wire.Bye)
    assert [type(answer) for answer in said[3] + said[4]] == [wire.Refused, wire.Ack] * 2


async def test_another_tenants_device_never_goes_along(
    ours: Writer, fleet: Fleet, frames: Callable[..., list[bytes]], new_customer: Any, app_pool: Pool, ingest_pool: Pool
) -> None:
    devices, stranger = await fleet(2), await new_customer()
    theirs = Device(stranger.tenant_id, stranger.device_id, stranger.public_key)
    batches = [Batch(device, frames(1, 2)) for device in (devices[0], theirs, devices[1])]
    assert await ours.write_together(batches) == [*ACKED, None, *ACKED]
    claimed = Device(devices[0].tenant_id, stranger.device_id, stranger.public_key)
    assert await ours.write_together([Batch(one, frames(3)) for one in (claimed, devices[0])]) == [
        None,
        Written([wire.Ack(sequence=3)]),
    ]
    async with transaction(app_pool, tenant=stranger.tenant_id) as connection:
        assert await connection.fetchval("select count(*) from frames") == 0
    assert await _stored(app_pool, [claimed, *devices]) == [[], [1, 2, 3], [1, 2]]


async def test_a_device_that_comes_with_both_its_keys_goes_along_once(
    ours: Writer, fleet: Fleet, frames: Callable[..., list[bytes]], app_pool: Pool
) -> None:
    devices = await fleet(2)
    again = replace(devices[0], public_key="x" * 40)
    batches = [Batch(devices[0], frames(1, 2)), Batch(again, frames(3)), Batch(devices[1], frames(1, 2))]
    assert await ours.write_together(batches) == [*ACKED, None, *ACKED]
    assert (await ours.write(again, frames(3))).answers == [wire.Ack(sequence=3)]
    assert await _stored(app_pool, devices) == [[1, 2, 3], [1, 2]]


async def test_what_the_device_before_has_stored_is_not_stored_twice_in_a_crowd_either(
    ours: Writer, fleet: Fleet, frames: Callable[..., list[bytes]], app_pool: Pool
) -> None:
    before, made_new, other = await fleet(3)
    await ours.write(before, frames(1, 2))
    made_new = replace(made_new, predecessor=before.device_id)
    batches = [Batch(made_new, frames(1, 2)), Batch(other, frames(1, 2)), Batch(before, frames(3))]
    assert (await ours.write_together(batches))[0] is None
    assert (await ours.write(made_new, frames(1, 2))).answers == [wire.Ack(sequence=2)]
    async with transaction(app_pool, tenant=other.tenant_id) as connection:
        count = "select count(*) from measurements where device_id = $1"
        assert await connection.fetchval(count, made_new.device_id) == 0


async def test_one_frame_that_the_database_rejects_takes_no_other_with_it(
    ours: Writer, fleet: Fleet, frames: Callable[..., list[bytes]], app_pool: Pool, owner_pool: Pool
) -> None:
    devices = await fleet(3)
    batches = [Batch(device, frames(1, 2)) for device in devices]
    async with transaction(owner_pool) as connection:
        spoilt = f"device_id = '{devices[1].device_id}' and sequence = 2"
        await connection.execute(f"alter table frame_values add constraint spoilt check (not ({spoilt}))")
    assert await ours.write_together(batches) == [None] * 3
    assert await _stored(app_pool, devices) == [[]] * 3
    said = [written.answers for written in await _one_by_one(ours, batches)]
    assert said[0] == said[2] == [wire.Ack(sequence=2)]
    assert [answer.sequence for answer in said[1] if isinstance(answer, wire.Refused)] == [2]
    assert await _stored(app_pool, devices) == [[1, 2]] * 3


async def test_a_database_that_goes_away_in_the_middle_leaves_nothing_and_no_ack(
    ours: Writer,
    fleet: Fleet,
    frames: Callable[..., list[bytes]],
    app_pool: Pool,
    owner_pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    devices = await fleet(2)

    async def cut_off(connection: Connection, *arguments: Any) -> Any:
        outcomes = await store_crowd(connection, *arguments)
        pid = await connection.fetchval("select pg_backend_pid()")
        superuser = await asyncpg.connect(owner_pool._connect_args[0])  # type: ignore[attr-defined]
        await superuser.execute("select pg_terminate_backend($1)", pid)
        await superuser.close()
        return outcomes

    monkeypatch.setattr(writer, "store_crowd", cut_off)
    batches = [Batch(device, frames(1, 2)) for device in devices]
    assert await ours.write_together(batches) == [None] * 2
    assert await _stored(app_pool, devices) == [[]] * 2
    assert await _one_by_one(ours, batches) == ACKED * 2
    assert await _stored(app_pool, devices) == [[1, 2]] * 2


async def test_a_commit_whose_answer_is_lost_is_not_stored_twice(
    ours: Writer,
    fleet: Fleet,
    frames: Callable[..., list[bytes]],
    app_pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    devices = await fleet(2)

    @asynccontextmanager
    async def lost(pool: Pool, **who: Any) -> AsyncIterator[Connection]:
        async with transaction(pool, **who) as connection:
            yield connection
        raise ConnectionResetError("after the commit")

    batches = [Batch(device, frames(1, 2)) for device in devices]
    with monkeypatch.context() as patched:
        patched.setattr(writer, "transaction", lost)
        assert await ours.write_together(batches) == [None] * 2
    assert await _stored(app_pool, devices) == [[1, 2]] * 2
    assert await _one_by_one(ours, batches) == ACKED * 2
    assert await _stored(app_pool, devices) == [[1, 2]] * 2


async def test_a_crowd_at_the_door_hears_what_became_of_each(
    connect: Any,
    customer: Any,
    owner_pool: Pool,
    app_pool: Pool,
    frames: Callable[..., list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of twelve sends a frame that the database rejects; what went together is told by its writer."""
    sizes: list[int] = []
    really = Writer.write_together

    async def noted(self: Writer, batches: Sequence[Batch]) -> list[Written | None]:
        written = await really(self, batches)
        sizes.append(sum(one is not None for one in written))
        return written

    monkeypatch.setattr(Writer, "write_together", noted)
    edges = []
    for number in range(12):
        public, secret = (half.decode() for half in zmq.curve_keypair())
        async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
            device_id = await connection.fetchval(SITES["create_device"], f"box {number}", public, None)
        site = f"{customer.site}-{number}"
        edges.append(connect(customer, public_key=public, secret_key=secret, device_id=device_id, site=site))
    bad = edges[5].customer.device_id
    async with transaction(owner_pool) as connection:
        rejected = (
            f"alter table frame_values add constraint rejected check (not (device_id = '{bad}' and sequence = 2))"
        )
        await connection.execute(rejected)
    for _ in range(2):
        assert await asyncio.gather(*(edge.hello() for edge in edges)) == [wire.Ack(sequence=0)] * 12
    async with transaction(owner_pool, tenant=customer.tenant_id) as holding:
        await holding.execute("select 1 from devices for update")
        for edge in edges:
            for frame in frames(1, 2, 3):
                await edge.send(frame)
    heard = await asyncio.gather(*(edge.until_ack(3) for edge in edges))
    refused = [[a.sequence for a in answers if isinstance(a, wire.Refused)] for answers in heard]
    assert refused == [[2] if number == 5 else [] for number in range(12)]
    devices = [Device(customer.tenant_id, edge.customer.device_id, "") for edge in edges]
    assert await _stored(app_pool, devices) == [[1, 2, 3]] * 12
    assert any(size > 1 for size in sizes)
