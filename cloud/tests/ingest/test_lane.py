"""What goes next of one device's arrivals: the newest soon, the oldest always, a bounded weight, nothing lost."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_cloud.ingest.door import Arrival
from simems_cloud.ingest.inbox import TOGETHER, Inbox
from simems_cloud.ingest.lane import BATCH_WEIGHT, Lane
from simems_cloud.ingest.parcel import Parcel, parcel
from simems_core import wire

TENANT, OTHER = UUID(int=1), UUID(int=2)
HELLO = wire.Hello(site="s", time_zone="UTC", software="t", time_us=0, sequence=9, components=[], channels=[])
EVENT = wire.Event(id="1", kind="raised", code="c", severity="alarm", component="a", time_us=1)


def an_arrival(payload: bytes = b"", key: str = "k") -> Arrival:
    return Arrival(b"route", key, payload, 0)


def a_parcel(sequence: int | None, weight: int = 1, payload: bytes = b"") -> Parcel:
    return Parcel(an_arrival(payload), sequence, weight)


def a_frame(sequence: int, rows: int = 2, channels: int = 3, step_us: int = 1) -> bytes:
    columns = [wire.Column(channel=f"a/{n}", resolution=1.0, values=[None] * rows) for n in range(channels)]
    return wire.encode(
        wire.Telemetry(sequence=sequence, times_us=[6 * 10**7] + [step_us] * (rows - 1), columns=columns)
    )


def test_a_label_tells_sequence_and_weight_without_the_values() -> None:
    seen = parcel(an_arrival(a_frame(7)))
    assert (seen.sequence, seen.weight) == (7, 200 + 3 * 22)
    events = parcel(an_arrival(wire.encode(wire.Events(sequence=8, events=[EVENT, EVENT]))))
    assert (events.sequence, events.weight) == (8, 400)


def test_a_batch_is_a_few_ordinary_frames() -> None:
    assert 10 < BATCH_WEIGHT / parcel(an_arrival(a_frame(1, 60, 50))).weight < 30
    assert parcel(an_arrival(a_frame(1, 120, 100))).weight > BATCH_WEIGHT / 8


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x91" * 5000, wire.encode(wire.Bye()), a_frame(7)[:40]])
def test_what_is_no_frame_goes_first(payload: bytes) -> None:
    assert parcel(an_arrival(payload)).sequence is None


def test_a_hello_is_never_behind_a_frame() -> None:
    lane = Lane()
    lane.add(a_parcel(9, payload=b"frame"))
    lane.add(parcel(an_arrival(wire.encode(HELLO))))
    assert [p.sequence for p in lane.take()] == [None, 9]


def test_the_newest_then_the_oldest() -> None:
    lane = Lane(batch_weight=2)
    for sequence in (3, 1, 5, 2, 4):
        lane.add(a_parcel(sequence))
    assert [[p.sequence for p in lane.take()] for _ in range(3)] == [[5, 1], [4, 2], [3]]


def test_a_live_frame_waits_for_one_heavy_frame_at_most() -> None:
    lane = Lane(batch_weight=100)
    for sequence in range(1, 51):
        lane.add(a_parcel(sequence, 90))
    for live in range(1000, 1020):
        lane.take()
        lane.add(a_parcel(live, 5))
        upcoming = [p.sequence for p in [*lane.take(), *lane.take()]]
        assert live in upcoming[:2]


def test_repeats_of_a_sequence_stay_together_in_the_order_they_came() -> None:
    lane = Lane(batch_weight=1)
    for content in (b"first", b"second"):
        lane.add(a_parcel(4, payload=content))
    lane.add(a_parcel(9))
    lane.take()
    assert [p.arrival.payload for p in lane.take()] == [b"first", b"second"]


@given(st.lists(st.tuples(st.none() | st.integers(1, 20), st.integers(1, 30)), min_size=1), st.integers(1, 60))
def test_everything_leaves_once_in_bounded_batches(arrivals: list[tuple[int | None, int]], most: int) -> None:
    lane, left = Lane(most), []
    parcels = [a_parcel(sequence, weight) for sequence, weight in arrivals]
    for entry in parcels:
        lane.add(entry)
    while lane:
        batch = lane.take()
        assert batch
        frames = {p.sequence for p in batch} - {None}
        assert sum(p.weight for p in batch) <= most or len(frames) <= 1
        left += batch
    assert sorted(map(id, left)) == sorted(map(id, parcels))


def keys(batches: list[list[Arrival]]) -> list[list[str]]:
    return [[arrival.key for arrival in batch] for batch in batches]


async def test_devices_take_turns_and_none_has_two_batches_at_once() -> None:
    inbox = Inbox()
    for key in ("a", "a", "b"):
        await inbox.put(TENANT, an_arrival(b"\xc1", key))
    assert keys(await inbox.take()) == [["a", "a"]]
    await inbox.put(TENANT, an_arrival(b"\xc1", "a"))
    assert keys(await inbox.take()) == [["b"]]
    waiting = asyncio.create_task(inbox.take())
    inbox.done("b")
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.done("a")
    async with asyncio.timeout(5):
        assert keys(await waiting) == [["a"]]


async def test_a_full_inbox_holds_back_until_something_is_taken() -> None:
    inbox = Inbox(capacity_bytes=2)
    await inbox.put(TENANT, an_arrival(b"\xc1\xc1\xc1"))
    waiting = asyncio.create_task(inbox.put(TENANT, an_arrival(b"\xc1")))
    await asyncio.sleep(0)
    assert not waiting.done()
    await inbox.take()
    async with asyncio.timeout(5):
        await waiting


async def test_frames_of_one_tenants_devices_go_together_and_nothing_else_with_them() -> None:
    inbox = Inbox()
    for tenant_id, key, payload in (
        (TENANT, "a", a_frame(1)),
        (TENANT, "greets", wire.encode(HELLO)),
        (OTHER, "foreign", a_frame(1)),
        (TENANT, "alarms", wire.encode(wire.Events(sequence=1, events=[EVENT]))),
        (TENANT, "greets as well", wire.encode(HELLO)),
        (TENANT, "b", a_frame(1)),
        (TENANT, "b", a_frame(2)),
        (TENANT, "frame and hello", a_frame(1)),
        (TENANT, "frame and hello", wire.encode(HELLO)),
    ):
        await inbox.put(tenant_id, an_arrival(payload, key))
    taken = [keys(await inbox.take()) for _ in range(5)]
    alone = [["alarms"]], [["frame and hello", "frame and hello"]]
    assert taken == [[["a"], ["b", "b"]], [["foreign"]], [["greets"], ["greets as well"]], *alone]


async def test_what_goes_together_is_one_transactions_worth() -> None:
    inbox = Inbox()
    heavy = a_frame(1, rows=120, channels=100)
    for key in "abcdefghijkl":
        await inbox.put(TENANT, an_arrival(heavy, key))
    for number in range(TOGETHER + 1):
        await inbox.put(OTHER, an_arrival(a_frame(1), f"small {number}"))
    most = BATCH_WEIGHT // parcel(an_arrival(heavy)).weight
    assert [len(await inbox.take()) for _ in range(4)] == [most, TOGETHER, most, 1]


async def test_what_could_not_go_together_goes_alone_once_and_loses_nothing() -> None:
    inbox = Inbox()
    for key in ("a", "b", "c"):
        await inbox.put(TENANT, an_arrival(a_frame(1), key))
    batches = await inbox.take()
    assert keys(batches) == [["a"], ["b"], ["c"]]
    await inbox.put(TENANT, an_arrival(a_frame(2), "b"))
    for batch in batches:
        inbox.alone(batch)
    assert [keys(await inbox.take()) for _ in range(3)] == [[["a"]], [["b", "b"]], [["c"]]]
    for key in ("a", "b", "c"):
        inbox.done(key)
        await inbox.put(TENANT, an_arrival(a_frame(3), key))
    assert keys(await inbox.take()) == [["a"], ["b"], ["c"]]


async def test_a_tenant_with_few_devices_does_not_wait_for_one_with_many() -> None:
    inbox = Inbox()
    for number in range(5):
        await inbox.put(TENANT, an_arrival(b"\xc1", f"many {number}"))
    await inbox.put(OTHER, an_arrival(b"\xc1", "few"))
    assert [keys(await inbox.take()) for _ in range(2)] == [[["many 0"]], [["few"]]]
