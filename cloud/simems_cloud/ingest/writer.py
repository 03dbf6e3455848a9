"""Stores what one device sent and says what to answer: commit first, then the ack."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import msgspec
from simems_core.wire import (
    Ack,
    Bye,
    CommandAck,
    Events,
    FromCloud,
    Hello,
    KeyTaken,
    Refused,
    Rekey,
    Telemetry,
    WireError,
    decode_from_edge,
    sequence_of,
)

from simems_cloud.alarms.events import CONFLICT, REFUSED, apply_events, raise_refused
from simems_cloud.commands.delivery import answered
from simems_cloud.ingest.greeting import greet, greet_together
from simems_cloud.ingest.keys import KeyBook
from simems_cloud.ingest.parcel import DURABLE, HELLO, TELEMETRY
from simems_cloud.kit.database import UNAVAILABLE, Pool, transaction
from simems_cloud.telemetry.announce import RefusedHelloError
from simems_cloud.telemetry.columns import NO_COLUMNS
from simems_cloud.telemetry.crowd import store_crowd
from simems_cloud.telemetry.frames import Frame, Sealed, sealed
from simems_cloud.telemetry.store import ChannelIds, Device, Outcome, UnknownSiteError, store_frames

log = logging.getLogger(__name__)
SAY_HELLO = "say hello first: the site of this device is not known"
LONGEST_WAIT_S = 10.0
PASSING = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.QueryCanceledError)


@dataclass(frozen=True)
class Written:
    """``hello``: the greeting that was stored, when one came."""

    answers: list[FromCloud]
    hello: Hello | None = None


@dataclass(frozen=True)
class Batch:
    """What one device sent, in the order in which it is stored."""

    device: Device
    payloads: list[bytes]


class Writer:
    """One batch of one device at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._channel_ids = ChannelIds()
        self._keys = KeyBook(pool)

    async def write(self, device: Device, payloads: Sequence[bytes]) -> Written:
        """Every payload in its order; the answers. Waits, without an answer, while the database is away."""
        answers: list[FromCloud] = []
        greeting: Hello | None = None
        pending: list[Sealed | Frame] = []
        for payload in payloads:
            message = _read(payload)
            if isinstance(message, Sealed):
                pending.append(message)
            elif isinstance(message, Hello):
                answers += await self._store(device, pending)
                pending = []
                answers.append(await self._hello(device, message))
                greeting = message if isinstance(answers[-1], Ack) else None
            elif isinstance(message, Rekey):
                answers.append(await self._keys.announce(device, message))
            elif isinstance(message, CommandAck):
                await self._answered(device, message)
            elif isinstance(message, KeyTaken):
                await self._keys.taken(device, message)
            elif message is not None:
                answers.append(message)
        return Written(answers + await self._store(device, pending), greeting)

    async def write_together(self, batches: Sequence[Batch]) -> list[Written | None]:
        """Of each batch the answers once all of them are committed in one transaction; None: nothing of it is stored
        by that, :meth:`write` must follow.

        It is tried once. Whatever spoils it (the database goes away, a frame that the database rejects, a deadlock)
        undoes all of it, and then each batch stands for itself; none is acknowledged meanwhile. A commit whose answer
        is lost is no commit here: what is then written again is known by its sequence and stored once.
        """
        mine = {b.device: b.payloads for b in _one_each(batches)}
        written: dict[Device, Written] = {}
        try:
            written = await self._greet_together(_hellos(mine)) or await self._store_together(_plain(mine))
        except (*UNAVAILABLE, asyncpg.PostgresError, ValueError, OverflowError) as error:
            log.info("stored one by one what could not be stored together", extra={"error": repr(error)})
        return [written.get(batch.device) for batch in batches]

    async def _greet_together(self, hellos: dict[Device, Hello]) -> dict[Device, Written]:
        if len(hellos) < 2:
            return {}
        tenant_id = next(iter(hellos)).tenant_id
        async with transaction(self._pool, tenant=tenant_id) as connection:
            greeted = await greet_together(connection, hellos)
        for device, greeting in greeted.items():
            self._channel_ids.learn(tenant_id, hellos[device].site, greeting.ids)
        return {device: Written([Ack(sequence=one.acked)], hellos[device]) for device, one in greeted.items()}

    async def _store_together(self, plain: dict[Device, list[Sealed]]) -> dict[Device, Written]:
        if len(plain) < 2:
            return {}
        tenant_id = next(iter(plain)).tenant_id
        async with transaction(self._pool, tenant=tenant_id) as connection:
            outcomes = await store_crowd(connection, plain, self._channel_ids, time.time_ns() // 1000)
        for outcome in outcomes.values():
            self._channel_ids.learn(tenant_id, outcome.site_id, outcome.ids)
        return {device: Written(_answers(outcome)) for device, outcome in outcomes.items()}

    async def _answered(self, device: Device, ack: CommandAck) -> None:
        """Of one that cannot be noted the command stays open: it is asked about again with the next hello."""
        for attempt in _patience():
            try:
                async with transaction(self._pool, tenant=device.tenant_id) as connection:
                    known = await answered(connection, device.device_id, ack)
            except (*UNAVAILABLE, *PASSING) as error:
                await _wait(attempt, error)
            except asyncpg.PostgresError:
                log.exception("cannot note the answer to a command")
                return
            else:
                if not known:
                    log.info("an answer to no open command", extra={"command": ack.id[:40], "state": ack.state[:20]})
                return

    async def _hello(self, device: Device, hello: Hello) -> FromCloud:
        for attempt in _patience():
            try:
                async with transaction(self._pool, tenant=device.tenant_id) as connection:
                    greeting = await greet(connection, device, hello)
                self._channel_ids.learn(device.tenant_id, hello.site, greeting.ids)
                return Ack(sequence=greeting.acked)
            except RefusedHelloError as error:
                log.warning("refused a hello", extra={"device": str(device.device_id), "reason": str(error)})
                return Bye(reason=str(error))
            except (*UNAVAILABLE, *PASSING) as error:
                await _wait(attempt, error)
            except asyncpg.PostgresError as error:
                log.exception("cannot store a hello")
                return Bye(reason=f"the hello cannot be stored: {error}")
        raise AssertionError("patience has no end")

    async def _store(self, device: Device, frames: list[Sealed | Frame]) -> list[FromCloud]:
        if not frames:
            return []
        for attempt in _patience():
            try:
                return _answers(await self._commit(device, frames))
            except UnknownSiteError:
                return [Bye(reason=SAY_HELLO)]
            except (*UNAVAILABLE, *PASSING) as error:
                await _wait(attempt, error)
            except (asyncpg.PostgresError, ValueError, OverflowError) as error:
                return await self._one_by_one(device, frames, error)
        raise AssertionError("patience has no end")

    async def _one_by_one(self, device: Device, frames: list[Sealed | Frame], error: Exception) -> list[FromCloud]:
        """One frame spoils a batch: store the others, and keep of the culprit that it was refused."""
        if len(frames) > 1:
            return [answer for frame in frames for answer in await self._store(device, [frame])]
        frame = frames[0]
        if isinstance(frame, Frame):
            raise error
        log.error("refused a frame the database rejects", exc_info=error, extra={"sequence": frame.sequence})
        reason = f"cannot be stored: {type(error).__name__}"
        return await self._store(device, [Frame(frame.sequence, frame.checksum, [], NO_COLUMNS, [], refusal=reason)])

    async def _commit(self, device: Device, frames: list[Sealed | Frame]) -> Outcome:
        async with transaction(self._pool, tenant=device.tenant_id) as connection:
            now_us = time.time_ns() // 1000
            outcome = await store_frames(connection, device, frames, self._channel_ids, now_us)
            events = [event for frame in outcome.new for event in frame.events]
            await apply_events(connection, device, outcome.site_id, events)
            if outcome.conflicts:
                cause = f"Sequence {outcome.conflicts[0]} came twice with different content"
                await raise_refused(connection, device, outcome.site_id, CONFLICT, cause)
            new = [frame for frame in outcome.new if frame.refusal]
            if new:
                cause = f"Sequence {new[0].sequence}: {new[0].refusal}"
                await raise_refused(connection, device, outcome.site_id, REFUSED, cause)
        self._channel_ids.learn(device.tenant_id, outcome.site_id, outcome.ids)
        return outcome


def _one_each(batches: Sequence[Batch]) -> list[Batch]:
    """Of the first one's tenant, and of each device one: while its keys change it may come with both."""
    first: dict[UUID, Batch] = {}
    for batch in batches:
        if batch.device.tenant_id == batches[0].device.tenant_id:
            first.setdefault(batch.device.device_id, batch)
    return list(first.values())


class _Label(msgspec.Struct):
    type: str
    sequence: int | None = None


_label = msgspec.msgpack.Decoder(_Label)


def _named(payload: bytes) -> tuple[str, int | None]:
    """(type, sequence) as far as they can be read."""
    try:
        label = _label.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError):
        return "", sequence_of(payload)
    return label.type, label.sequence


def _read(payload: bytes) -> Sealed | Hello | Rekey | CommandAck | KeyTaken | FromCloud | None:
    """A frame to store, still sealed, a hello, an answer to garbage, or nothing to do."""
    kind, sequence = _named(payload)
    if kind in DURABLE and sequence is not None and _in_range(sequence):
        return sealed(sequence, payload)
    try:
        message = decode_from_edge(payload)
    except WireError as error:
        if sequence is not None and _in_range(sequence):
            return sealed(sequence, payload)
        log.warning("a message that cannot be read", extra={"error": str(error)[:200]})
        return Refused(sequence=0, reason=str(error)[:500])
    if isinstance(message, Telemetry | Events):
        return Refused(sequence=0, reason=f"sequence {message.sequence} is out of range")
    return message if isinstance(message, Hello | Rekey | CommandAck | KeyTaken) else None


def _plain(sent: Mapping[Device, Sequence[bytes]]) -> dict[Device, list[Sealed]]:
    """The frames of those that sent nothing but telemetry."""
    plain: dict[Device, list[Sealed]] = {}
    for device, payloads in _each_once(sent):
        labels = [_named(payload) for payload in payloads]
        if all(kind == TELEMETRY and _in_range(sequence) for kind, sequence in labels):
            numbered = zip(labels, payloads, strict=True)
            plain[device] = [sealed(sequence or 0, payload) for (_, sequence), payload in numbered]
    return plain


def _hellos(sent: Mapping[Device, Sequence[bytes]]) -> dict[Device, Hello]:
    """Of those that sent one and nothing else."""
    hellos: dict[Device, Hello] = {}
    for device, payloads in _each_once(sent):
        if len(payloads) == 1 and _named(payloads[0])[0] == HELLO:
            message = _read(payloads[0])
            if isinstance(message, Hello):
                hellos[device] = message
    return hellos


def _each_once(sent: Mapping[Device, Sequence[bytes]]) -> list[tuple[Device, Sequence[bytes]]]:
    """A device that comes with its old key and its new one is the same device."""
    return list({device.device_id: (device, payloads) for device, payloads in sent.items()}.values())


def _in_range(sequence: int | None) -> bool:
    return sequence is not None and 0 < sequence < 2**63


def _answers(outcome: Outcome) -> list[FromCloud]:
    refusals: list[FromCloud] = [Refused(sequence=s, reason=r) for s, r in sorted(outcome.refused.items())]
    return [*refusals, Ack(sequence=outcome.acked)]


def _patience() -> range:
    """Tries without end in practice: the device keeps what has no ack, and so do we while we hold it."""
    return range(2**31)


async def _wait(attempt: int, error: Exception) -> None:
    wait_s = min(LONGEST_WAIT_S, 0.1 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
    log.warning("the database is away; nothing is acknowledged", extra={"error": repr(error), "wait_s": wait_s})
    await asyncio.sleep(wait_s)
