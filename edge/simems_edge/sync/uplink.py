"""Ships the buffer to the cloud for as long as the edge lives: connect, greet, send, resend, back off, again."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import msgspec
import zmq
import zmq.asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core import wire

from simems_edge.buffer import Buffer, Status, StorageError
from simems_edge.kit.side_by_side import end, until_first_ends
from simems_edge.sync.cloud_clock import CloudClock
from simems_edge.sync.identity import DeviceKeys, IdentityError
from simems_edge.sync.link import Cloud, Connection, LinkError, LinkRefusedError
from simems_edge.sync.provisioning import Provisioning
from simems_edge.sync.shipping import Shipping
from simems_edge.sync.transports import Papers, connection_to

__all__ = ["Cloud", "LinkState", "Timing", "Uplink", "UplinkStatus"]

log = logging.getLogger(__name__)
LinkState = Literal["unconfigured", "connecting", "up", "down", "refused"]
BATCH = 16
BACKLOG_BATCH = 16
"""Frames of the backlog between two looks at what is live."""


@dataclass(frozen=True)
class Timing:
    """Seconds, and the pace of the backlog."""

    ping_s: float = 5.0
    silence_s: float = 15.0
    """Without any message for this long the connection is dead."""
    first_ack_s: float = 2.0
    """How long the backlog waits for the cloud to say what it has."""
    ack_s: float = 10.0
    """Without progress for this long what is outstanding is sent again."""
    backoff_s: float = 0.5
    backoff_max_s: float = 30.0
    backlog_frames_per_s: float = 400.0
    backlog_bytes_per_s: float = 2_000_000.0


@dataclass(frozen=True)
class UplinkStatus:
    """State of the link now; ``error`` says why it is not up."""

    link: LinkState
    error: str = ""
    connections: int = 0
    resends: int = 0
    rejected_replies: int = 0


class CommandTaker(Protocol):
    """Who judges and does commands; nothing here waits for it."""

    answers: asyncio.Queue[wire.CommandAck | wire.KeyTaken]

    def welcome(self, welcome: wire.Welcome) -> None: ...

    def take(self, command: wire.Command) -> None: ...


@dataclass(frozen=True)
class Partners:
    """``provisioning``: how a box that is not known yet gets in, and how it changes keys; None: neither.
    ``commands``: who does what the cloud asks for; None: nobody. ``signing_key``: proves the box over the web."""

    provisioning: Provisioning | None = None
    commands: CommandTaker | None = None
    clock: CloudClock = field(default_factory=CloudClock)
    signing_key: Ed25519PrivateKey | None = None


class Uplink:
    """One per edge. ``hello`` greets with (buffer's status, UTC us); ``on_refused`` hears (sequence, reason)."""

    def __init__(
        self,
        buffer: Buffer,
        cloud: Cloud,
        keys: DeviceKeys,
        hello: Callable[[Status, int], wire.Hello],
        *,
        utc_us: Callable[[], int],
        on_refused: Callable[[int, str], None],
        timing: Timing | None = None,
        partners: Partners | None = None,
    ) -> None:
        self._buffer = buffer
        self._cloud = cloud
        with_whom = partners or Partners()
        self._papers = Papers(keys, with_whom.signing_key)
        self._provisioning, self._commands = with_whom.provisioning, with_whom.commands
        self.cloud_clock = with_whom.clock
        self._hello = hello
        self._utc_us = utc_us
        self._on_refused = on_refused
        self._timing = timing or Timing()
        self._shipping = Shipping()
        self._wake = asyncio.Event()
        self._first_ack = asyncio.Event()
        self._heard_s = 0.0
        self._link: Connection | None = None
        self._last = 0
        self._backlog_at_s = 0.0
        self.status = UplinkStatus("connecting")

    async def run(self) -> None:
        """Until cancelled; says goodbye then."""
        with zmq.asyncio.Context() as context:
            failures, changed_before = 0, False
            while True:
                self._first_ack.clear()
                changed = await self._try(context)
                # Who is refused again although the cloud agreed does not come at once a second time.
                failures = 0 if self._first_ack.is_set() or (changed and not changed_before) else failures + 1
                changed_before = changed
                await asyncio.sleep(self._backoff_s(failures))

    async def _try(self, context: zmq.asyncio.Context) -> bool:
        """One connection, or one claim when it is refused. True: something changed, so that the next may succeed."""
        try:
            await self._session(context)
        except LinkRefusedError as error:
            self._down(error)
            return await self._claim(context)
        except (LinkError, IdentityError, StorageError, OSError, zmq.ZMQError) as error:
            self._down(error)
        return False

    async def _claim(self, context: zmq.asyncio.Context) -> bool:
        if self._provisioning is None:
            return False
        try:
            claim = asyncio.ensure_future(self._provisioning.claim(context, self._cloud))
            await self._tell_while(claim)
            return claim.result()
        except (LinkError, IdentityError, OSError, zmq.ZMQError) as error:
            log.debug("not let in yet: %s", error)
            self._down(LinkRefusedError(self._provisioning.waits_for or str(error)))
            return False

    async def _tell_while(self, claim: asyncio.Task[bool]) -> None:
        """The state says what a person must do, for as long as one must."""
        try:
            while not claim.done():
                await asyncio.wait({claim}, timeout=0.5)
                if self._provisioning is not None and self._provisioning.waits_for:
                    self._down(LinkRefusedError(self._provisioning.waits_for))
        finally:
            await end(claim)  # its socket must be closed before the context ends

    def _down(self, error: Exception) -> None:
        state: LinkState = "refused" if isinstance(error, LinkRefusedError) else "down"
        if (state, str(error)) != (self.status.link, self.status.error):
            log.warning("uplink %s: %s", state, error)
        self.status = replace(self.status, link=state, error=str(error))

    def _backoff_s(self, failures: int) -> float:
        """Doubling with full jitter above a floor, so that a fleet does not come back at once."""
        timing = self._timing
        longest = min(timing.backoff_max_s, timing.backoff_s * 2.0**failures)
        return random.uniform(timing.backoff_s / 2, longest)  # noqa: S311 - jitter, not a secret

    async def _session(self, context: zmq.asyncio.Context) -> None:
        if self._provisioning is not None:
            self._papers = self._provisioning.papers()
        async with self._open(context) as link:
            await self._greet(link)
            try:
                await self._until_first_failure(link)
            except asyncio.CancelledError:
                await self._goodbye(link)
                raise

    def _open(self, context: zmq.asyncio.Context) -> Connection:
        return connection_to(self._cloud, context, self._papers)

    async def _greet(self, link: Connection) -> None:
        status = await self._buffer.status()
        self._last = status.last_sequence
        self._shipping.begin(status.acked_sequence, self._last, time.monotonic())
        self._heard_s = time.monotonic()
        await link.send(wire.encode(self._signed_hello(status)))
        self._link = link
        self.status = replace(self.status, link="up", error="", connections=self.status.connections + 1)
        log.info("uplink up", extra={"backlog": self._shipping.backlog})

    def _signed_hello(self, status: Status) -> wire.Hello:
        """With the signing key of this connection, which may be the one that comes next."""
        hello, key = self._hello(status, self._utc_us()), self._papers.signing_key
        if not hello.signing_key or key is None:
            return hello
        return msgspec.structs.replace(hello, signing_key=key.public_key().public_bytes_raw().hex())

    async def _until_first_failure(self, link: Connection) -> None:
        jobs: list[Coroutine[Any, Any, None]] = [self._receive(link), self._send(link), self._notice_appends()]
        jobs += [self._beat(link), link.watch()]
        if self._commands is not None:
            jobs.append(self._answer_commands(link, self._commands))
        self.cloud_clock.lost()
        await until_first_ends(*jobs)

    async def _goodbye(self, link: Connection) -> None:
        try:
            await link.say_goodbye(wire.encode(wire.Bye(reason="stop")))
        except zmq.ZMQError as error:
            log.debug("no goodbye: %s", error)

    # ------------------------------------------------------------------------------------ sending

    async def _notice_appends(self) -> None:
        while True:
            await self._buffer.appended.wait()
            self._buffer.appended.clear()
            self._last = await self._buffer.last_sequence()
            self._wake.set()

    async def _send(self, link: Connection) -> None:
        waiting = asyncio.create_task(self._await_first_ack())
        try:
            while True:
                self._wake.clear()
                sent = await self._send_live(link)
                if waiting.done() and time.monotonic() >= self._backlog_at_s:
                    sent += await self._send_backlog(link)
                self._resend_when_stalled()
                if not sent:
                    await self._sleep()
        finally:
            await end(waiting)

    async def _await_first_ack(self) -> None:
        try:
            async with asyncio.timeout(self._timing.first_ack_s):
                await self._first_ack.wait()
        except TimeoutError:
            log.debug("the cloud did not say what it has; sending from the last acknowledgement known here")
        self._wake.set()

    async def _sleep(self) -> None:
        pause_s = self._backlog_at_s - time.monotonic()
        longest_s = min(1.0, self._timing.ack_s / 4)
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes with the event, and the task with it.
            async with asyncio.timeout(min(pause_s, longest_s) if pause_s > 0 else longest_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send_live(self, link: Connection) -> int:
        """Bytes sent."""
        after, count = self._shipping.next_live(self._last)
        if not count:
            return 0
        frames = await self._buffer.read_after(after, min(count, BATCH))
        for frame in frames:
            await link.send(frame.body)
        self._shipping.sent(after, len(frames), time.monotonic())
        return sum(len(frame.body) for frame in frames)

    async def _send_backlog(self, link: Connection) -> int:
        """Bytes sent. The pace is a time before which nothing more of the backlog goes; what is live never waits."""
        after, count = self._shipping.next_backlog(BACKLOG_BATCH)
        frames = await self._buffer.read_after(after, count) if count else []
        bytes_sent = 0
        for frame in frames:
            size = len(frame.body)
            if not self._shipping.backlog_room(size):
                break
            await link.send(frame.body)
            self._shipping.sent_backlog(frame.sequence, size, time.monotonic())
            bytes_sent += size
            pause_s = max(1 / self._timing.backlog_frames_per_s, size / self._timing.backlog_bytes_per_s)
            self._backlog_at_s = max(self._backlog_at_s, time.monotonic()) + pause_s
        return bytes_sent

    def _resend_when_stalled(self) -> None:
        now_s = time.monotonic()
        if self._shipping.stalled(now_s, self._timing.ack_s):
            log.warning("nothing acknowledged for %g s: sending again", self._timing.ack_s)
            self.status = replace(self.status, resends=self.status.resends + 1)
            self._shipping.begin(self._shipping.acked, self._last, now_s)

    async def _beat(self, link: Connection) -> None:
        while True:
            ping = wire.Ping(time_us=self._utc_us())
            self.cloud_clock.asked(ping.time_us)
            await link.send(wire.encode(ping))
            await self._announce_keys(link)
            await asyncio.sleep(self._timing.ping_s)
            silence_s = time.monotonic() - self._heard_s
            if silence_s > self._timing.silence_s:
                raise LinkError(f"the cloud has said nothing for {silence_s:.0f} s")

    async def _announce_keys(self, link: Connection) -> None:
        rekey = None if self._provisioning is None else self._provisioning.announcement()
        if rekey is not None:
            await link.send(wire.encode(rekey))

    async def _answer_commands(self, link: Connection, commands: CommandTaker) -> None:
        """An answer that is lost with the connection is asked for again by the cloud."""
        while True:
            await link.send(wire.encode(await commands.answers.get()))

    # ---------------------------------------------------------------------------------- receiving

    async def _receive(self, link: Connection) -> None:
        while True:
            frame = await link.receive()
            try:
                message = wire.decode_from_cloud(frame)
            except wire.WireError as error:
                log.warning("reply not understood: %s", error)
                self.status = replace(self.status, rejected_replies=self.status.rejected_replies + 1)
                continue
            self._heard_s = time.monotonic()
            await self._take(message)

    async def _take(self, message: wire.FromCloud) -> None:
        match message:
            case wire.Ack(sequence=sequence):
                await self._acknowledged(sequence)
            case wire.Refused(sequence=sequence, reason=reason):
                await self._refused(sequence, reason)
            case wire.Bye(reason=reason):
                raise LinkError(f"the cloud closed the connection: {reason or 'no reason given'}")
            case wire.Rekeyed():
                self._rekeyed(message)
            case wire.Pong(time_us=time_us, server_time_us=server_us):
                self.cloud_clock.answered(time_us, server_us)
            case wire.Welcome() if self._commands is not None:
                self._commands.welcome(message)
            case wire.Command() if self._commands is not None:
                self._commands.take(message)
            case _:
                pass

    def _rekeyed(self, answer: wire.Rekeyed) -> None:
        provisioning = self._provisioning
        if provisioning is not None and provisioning.agreed(answer, at_broker=self._cloud.is_mqtt):
            raise LinkError("coming again with the new keys")

    async def _acknowledged(self, sequence: int) -> None:
        if self._shipping.acknowledged(sequence, time.monotonic()):
            await self._buffer.acknowledge(sequence)
            if sequence > self._last:
                await self._renumbered(sequence)
        if self._provisioning is not None and not self._first_ack.is_set():
            self._provisioning.admitted(self._papers)
        self._first_ack.set()
        self._wake.set()

    async def _renumbered(self, sequence: int) -> None:
        """The cloud was ahead of this buffer: what is unsent has new numbers now."""
        self._last = await self._buffer.last_sequence()
        self._shipping.begin(sequence, self._last, time.monotonic())

    async def _refused(self, sequence: int, reason: str) -> None:
        """Set it aside. Should the cloud still wait for its number, a repeat sends an empty frame in its place."""
        if await self._buffer.set_aside(sequence, reason):
            log.error("the cloud refused a frame", extra={"sequence": sequence, "reason": reason})
            self._on_refused(sequence, reason)
