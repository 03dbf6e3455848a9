"""The uplink against a real ROUTER with CURVE: late, doubled, missing and absurd answers, lost links, wrong keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import zmq
import zmq.asyncio
from simems_core import wire
from simems_edge.buffer import Buffer, Status
from simems_edge.sync import Cloud, DeviceKeys, Timing, Uplink
from simems_edge.sync.key_files import stored_keys
from simems_edge.sync.shipping import BACKLOG_WINDOW_BYTES
from zmq.auth.asyncio import AsyncioAuthenticator

NOW_US = 1_700_000_000_000_000
QUICK = Timing(
    ping_s=0.1, silence_s=1.0, first_ack_s=0.3, ack_s=0.4, backoff_s=0.05, backoff_max_s=0.2, backlog_frames_per_s=5000
)
BOUND_S = 15.0


def now_us() -> int:
    return NOW_US


class RouterCloud:
    """Stores frames by sequence and acknowledges the highest contiguous one, unless told otherwise."""

    def __init__(self, allowed: str) -> None:
        self.public, self.secret = zmq.curve_keypair()
        self.allowed = {allowed}
        self.context = zmq.asyncio.Context()
        self.port = 0
        self.stored: dict[int, bytes] = {}
        self.order: list[int] = []
        self.hellos: list[wire.Hello] = []
        self.byes = 0
        self.acking = True
        self.silent = False
        self.refuse: set[int] = set()
        self.peer = b""
        self.changed = asyncio.Condition()

    @property
    def contiguous(self) -> int:
        sequence = 0
        while sequence + 1 in self.stored:
            sequence += 1
        return sequence

    def callback(self, domain: str, key: bytes) -> bool:
        return key.decode() in self.allowed

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[RouterCloud]:
        authenticator = AsyncioAuthenticator(self.context)
        authenticator.start()
        authenticator.configure_curve_callback(domain="devices", credentials_provider=self)
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.curve_server = True
        self.socket.zap_domain = b"devices"
        self.socket.curve_publickey, self.socket.curve_secretkey = self.public, self.secret
        self.socket.bind(f"tcp://127.0.0.1:{self.port or '*'}")
        self.port = int(_endpoint(self.socket).rpartition(":")[2])
        task = asyncio.create_task(self._serve())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.socket.close()
            authenticator.stop()

    @property
    def address(self) -> Cloud:
        return Cloud(f"tcp://127.0.0.1:{self.port}", self.public.decode())

    async def _serve(self) -> None:
        while True:
            self.peer, frame = await self.socket.recv_multipart()
            async with self.changed:
                await self._take(wire.decode_from_edge(frame), frame)
                self.changed.notify_all()

    async def _take(self, message: wire.FromEdge, frame: bytes) -> None:
        match message:
            case wire.Hello():
                self.hellos.append(message)
                await self.ack()
            case wire.Ping(time_us=time_us):
                await self.say(wire.Pong(time_us=time_us, server_time_us=NOW_US))
            case wire.Bye():
                self.byes += 1
            case wire.Telemetry() | wire.Events():
                await self._store(message, frame)

    async def _store(self, message: wire.Durable, frame: bytes) -> None:
        self.order.append(message.sequence)
        if message.sequence in self.refuse:
            self.refuse.discard(message.sequence)
            await self.say(wire.Refused(sequence=message.sequence, reason="not storable"))
            return
        assert self.stored.setdefault(message.sequence, frame) == frame
        await self.ack()

    async def ack(self) -> None:
        if self.acking:
            await self.say(wire.Ack(sequence=self.contiguous))

    async def say(self, message: wire.FromCloud) -> None:
        await self.raw(wire.encode(message))

    async def raw(self, frame: bytes) -> None:
        if not self.silent:
            await self.socket.send_multipart([self.peer, frame])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S), self.changed:
            await self.changed.wait_for(condition)


def _endpoint(socket: zmq.asyncio.Socket) -> str:
    endpoint = socket.get(zmq.LAST_ENDPOINT)
    assert isinstance(endpoint, bytes)
    return endpoint.decode()


def hello(status: Status, time_us: int) -> wire.Hello:
    return wire.Hello(
        site="s",
        time_zone="UTC",
        software="t",
        time_us=time_us,
        sequence=status.last_sequence,
        oldest=status.oldest_sequence,
        components=[],
        channels=[],
    )


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_S):
        while not condition():  # noqa: ASYNC110 - bounded; what is watched has no event
            await asyncio.sleep(0.01)


async def add_frames(buffer: Buffer, count: int) -> None:
    for n in range(count):
        buffer.append_telemetry([NOW_US + n], [wire.Column(channel="a/b", resolution=1.0, values=[n])])
    assert await buffer.flush()


@pytest.fixture
async def buffer_open(tmp_path: Path) -> AsyncIterator[Buffer]:
    buffer = await Buffer.open(tmp_path / "data", now_us)
    yield buffer
    await buffer.close()


@pytest.fixture
def device_keys(tmp_path: Path) -> DeviceKeys:
    return stored_keys(tmp_path / "keys").pair


@pytest.fixture
def router_cloud(device_keys: DeviceKeys) -> RouterCloud:
    return RouterCloud(device_keys.public_key)


@asynccontextmanager
async def shipping(
    buffer: Buffer, cloud: Cloud, keys: DeviceKeys, refused: list[int] | None = None
) -> AsyncIterator[Uplink]:
    refusals = refused if refused is not None else []
    uplink = Uplink(
        buffer,
        cloud,
        keys,
        hello,
        utc_us=now_us,
        on_refused=lambda sequence, _: refusals.append(sequence),
        timing=QUICK,
    )
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def acknowledged(buffer: Buffer, sequence: int) -> None:
    async with asyncio.timeout(BOUND_S):
        while (await buffer.status()).acked_sequence < sequence:  # noqa: ASYNC110 - bounded; no event
            await asyncio.sleep(0.01)


async def test_backlog_and_live_frames_arrive_once_and_are_acknowledged(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    await add_frames(buffer_open, 40)
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys) as uplink:
        await acknowledged(buffer_open, 40)
        await add_frames(buffer_open, 3)
        await acknowledged(buffer_open, 43)
        assert uplink.status.link == "up"
    assert cloud.order == list(range(1, 44))
    assert cloud.hellos[0].sequence == 40


async def test_live_frames_overtake_a_backlog(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    await add_frames(buffer_open, 600)
    router_cloud.acking = False
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys):
        await cloud.until(lambda: bool(cloud.hellos))
        await add_frames(buffer_open, 1)
        await cloud.until(lambda: 601 in cloud.stored)
        assert len(cloud.stored) < 600
        cloud.acking = True
        await acknowledged(buffer_open, 601)


async def test_a_heavy_backlog_leaves_the_line_free_for_live_frames_and_drains(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    for first in range(40):
        numbers: list[float | int | None] = [(first + n) * 7919 % 1_000_003 for n in range(10_000)]
        times = [NOW_US + first * 10_000 + n for n in range(10_000)]
        buffer_open.append_telemetry(times, [wire.Column(channel="a/b", resolution=1.0, values=numbers)])
        assert await buffer_open.flush()
    router_cloud.acking = False
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys) as uplink:
        await cloud.until(lambda: bool(cloud.stored))
        buffer_open.append_telemetry([NOW_US + 10**9], [wire.Column(channel="a/b", resolution=1.0, values=[1])])
        assert await buffer_open.flush()
        await cloud.until(lambda: 41 in cloud.stored)
        await eventually(lambda: uplink.status.resends >= 1)
        backlog = [len(frame) for sequence, frame in cloud.stored.items() if sequence <= 40]
        assert 1 < len(backlog) < 10
        assert sum(backlog) < BACKLOG_WINDOW_BYTES
        cloud.acking = True
        await acknowledged(buffer_open, 41)


async def test_late_acknowledgements_only_cause_repeats(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    await add_frames(buffer_open, 5)
    router_cloud.acking = False
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys) as uplink:
        await cloud.until(lambda: cloud.order.count(5) >= 2)
        assert (await buffer_open.status()).acked_sequence == 0
        cloud.acking = True
        await acknowledged(buffer_open, 5)
        assert uplink.status.resends >= 1


async def test_doubled_old_and_absurd_answers_are_harmless(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    await add_frames(buffer_open, 5)
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys) as uplink:
        await acknowledged(buffer_open, 5)
        for frame in (
            b"",
            b"\xc1",
            wire.encode(wire.Ack(sequence=5)),
            wire.encode(wire.Ack(sequence=-3)),
            b"\x91" * 9999,
        ):
            await cloud.raw(frame)
        await add_frames(buffer_open, 1)
        await acknowledged(buffer_open, 6)
        await eventually(lambda: uplink.status.rejected_replies == 3)
    assert len(cloud.hellos) == 1


async def test_a_restarted_cloud_is_found_again_and_gets_what_it_missed(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    async with router_cloud.listening() as cloud:
        await add_frames(buffer_open, 3)
        async with shipping(buffer_open, cloud.address, device_keys) as uplink:
            await acknowledged(buffer_open, 3)
            async with _gone(cloud):
                await add_frames(buffer_open, 3)
                await eventually(lambda: uplink.status.link == "down")
            await acknowledged(buffer_open, 6)
    assert [frame.sequence for frame in cloud.hellos] == [0, 6] or len(cloud.hellos) == 2


@asynccontextmanager
async def _gone(cloud: RouterCloud) -> AsyncIterator[None]:
    """The listening socket is away for a while."""
    endpoint = _endpoint(cloud.socket)
    cloud.socket.unbind(endpoint)
    peers = cloud.peer
    await cloud.socket.send_multipart([peers, wire.encode(wire.Bye(reason="restart"))])
    yield
    cloud.socket.bind(endpoint)


async def test_a_restarted_edge_goes_on_where_the_cloud_is(
    tmp_path: Path, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    async with router_cloud.listening() as cloud:
        for last in (4, 8):
            buffer = await Buffer.open(tmp_path / "again", now_us)
            await add_frames(buffer, 4)
            async with shipping(buffer, cloud.address, device_keys):
                await acknowledged(buffer, last)
            await buffer.close()
        await cloud.until(lambda: cloud.byes == 2)
    assert cloud.order == list(range(1, 9))


async def test_a_silent_cloud_is_left_and_tried_again(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    router_cloud.silent = True
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys) as uplink:
        await cloud.until(lambda: len(cloud.hellos) >= 2)
        cloud.silent = False
        await add_frames(buffer_open, 1)
        await acknowledged(buffer_open, 1)
        assert uplink.status.connections >= 2


async def test_an_unknown_device_is_refused_and_comes_in_once_it_is_registered(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    router_cloud.allowed = set()
    await add_frames(buffer_open, 1)
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys) as uplink:
        await eventually(lambda: uplink.status.link == "refused")
        assert (await buffer_open.status()).queued == 1
        cloud.allowed.add(device_keys.public_key)
        await acknowledged(buffer_open, 1)


async def test_a_server_with_another_key_gets_nothing(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    await add_frames(buffer_open, 1)
    other = zmq.curve_keypair()[0].decode()
    async with router_cloud.listening() as cloud:
        wrong = Cloud(cloud.address.endpoint, other)
        async with shipping(buffer_open, wrong, device_keys) as uplink:
            await eventually(lambda: uplink.status.link in {"down", "refused"})
            assert uplink.status.connections == 0
    assert not cloud.stored
    assert (await buffer_open.status()).queued == 1


async def test_a_refused_frame_is_set_aside_and_the_rest_goes_on(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    await add_frames(buffer_open, 4)
    router_cloud.refuse = {2}
    refused: list[int] = []
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys, refused):
        await acknowledged(buffer_open, 4)
    assert refused == [2]
    assert wire.decode_from_edge(cloud.stored[2]) == wire.Events(sequence=2, events=[])
    assert (await buffer_open.status()).refused == 1


async def test_a_cloud_that_is_ahead_makes_the_buffer_number_above_it(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys
) -> None:
    router_cloud.stored = dict.fromkeys(range(1, 101), b"")
    await add_frames(buffer_open, 2)
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys):
        await acknowledged(buffer_open, 102)
        await add_frames(buffer_open, 1)
        await acknowledged(buffer_open, 103)
    assert set(cloud.order) == {101, 102, 103}


async def test_nobody_there_is_said_and_nothing_is_lost(buffer_open: Buffer, device_keys: DeviceKeys) -> None:
    nobody = Cloud("tcp://127.0.0.1:9", zmq.curve_keypair()[0].decode())
    await add_frames(buffer_open, 2)
    async with shipping(buffer_open, nobody, device_keys) as uplink:
        await eventually(lambda: uplink.status.link == "down")
    assert (await buffer_open.status()).queued == 2


async def test_a_cloud_that_sends_every_greeting_away_is_asked_ever_more_rarely(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    backoff = Uplink._backoff_s

    def counting(uplink: Uplink, failures: int) -> float:
        asked.append(failures)
        return backoff(uplink, failures)

    async def send_away(message: wire.FromEdge, frame: bytes) -> None:
        await router_cloud.say(wire.Bye(reason="not this site"))

    monkeypatch.setattr(Uplink, "_backoff_s", counting)
    monkeypatch.setattr(router_cloud, "_take", send_away)
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys) as uplink:
        await eventually(lambda: asked[:3] == [1, 2, 3])
        assert "not this site" in uplink.status.error


async def test_a_box_that_is_taken_in_and_refused_again_comes_ever_more_rarely(
    buffer_open: Buffer, router_cloud: RouterCloud, device_keys: DeviceKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counting(_uplink: Uplink, failures: int) -> float:
        asked.append(failures)
        return 0.0

    async def agreed(_uplink: Uplink, _context: zmq.asyncio.Context) -> bool:
        return True

    monkeypatch.setattr(Uplink, "_backoff_s", counting)
    monkeypatch.setattr(Uplink, "_claim", agreed)
    router_cloud.allowed.clear()
    async with router_cloud.listening() as cloud, shipping(buffer_open, cloud.address, device_keys):
        await eventually(lambda: asked[:4] == [0, 1, 2, 3])
