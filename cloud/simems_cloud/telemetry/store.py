"""Stores the frames of one device, once each, in the caller's transaction: packed values, latest, progress.

Rollups follow: a frame's values stay marked as not rolled up until the worker has done it, whoever dies meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from asyncpg import Record

from simems_cloud.kit.database import Connection, fetch_one
from simems_cloud.kit.live import live_payload
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.blocks import DOOR, DOOR_COLUMNS, door_stream, latest_arguments
from simems_cloud.telemetry.columns import NO_COLUMNS
from simems_cloud.telemetry.frames import Frame, Sealed, opened

QUERIES = load_queries("simems_cloud.telemetry")


class UnknownSiteError(Exception):
    """The device has not said hello yet."""


@dataclass(frozen=True)
class Device:
    """Who a CURVE key belongs to."""

    tenant_id: UUID
    device_id: UUID
    public_key: str
    broker_name: str = ""
    """What it is called at a broker, whatever its key is now."""
    predecessor: UUID | None = None
    """In whose place it was put; it may be the same box with new keys."""


@dataclass
class Outcome:
    """What happened to a batch; true once the transaction is committed."""

    site_id: str
    acked: int = 0
    new: list[Frame] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    conflicts: list[int] = field(default_factory=list)
    """Sequences that are stored already with other content."""
    ids: dict[str, int] = field(default_factory=dict)
    """Channel ids by address, of the channels in this batch."""


class ChannelIds:
    """Ids by address that a committed transaction has seen; they never change, nor go while a device may send."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, str], dict[str, int]] = {}

    def of(self, tenant_id: UUID, site_id: str) -> dict[str, int]:
        return self._known.get((tenant_id, site_id), {})

    def learn(self, tenant_id: UUID, site_id: str, ids: dict[str, int]) -> None:
        """After the commit."""
        if not ids.keys() <= self.of(tenant_id, site_id).keys():
            self._known.setdefault((tenant_id, site_id), {}).update(ids)


async def store_frames(
    connection: Connection, device: Device, frames: Sequence[Sealed | Frame], known: ChannelIds, now_us: int
) -> Outcome:
    """Idempotent by (device, sequence); only what is new is unpacked. Raises UnknownSiteError."""
    begun = await fetch_one(connection, QUERIES["begin_batch"], device.device_id, [f.sequence for f in frames])
    if begun["site_id"] is None:
        raise UnknownSiteError
    outcome = Outcome(site_id=begun["site_id"])
    sort_out(frames, outcome, begun, now_us)
    if device.predecessor is not None and outcome.new:
        await _without_known(connection, device.predecessor, outcome)
    latest = await _add(connection, device, outcome, known) if outcome.new else [[]] * 5
    news = live_payload(device.tenant_id, outcome.site_id, "latest")
    acked = await connection.fetchval(QUERIES["end_batch"], device.device_id, outcome.site_id, *latest, news)
    outcome.acked = int(acked)
    return outcome


def sort_out(frames: Sequence[Sealed | Frame], outcome: Outcome, begun: Record, now_us: int) -> None:
    """New, known, known with other content, refused: each frame is one of them."""
    stored = zip(begun["known"] or (), begun["checksums"] or (), begun["refusals"] or (), strict=True)
    known: dict[int, tuple[bytes, str | None]] = {sequence: (check, refusal) for sequence, check, refusal in stored}
    for message in frames:
        before = known.get(message.sequence)
        if before is None and message.sequence <= begun["forgotten_sequence"]:
            continue
        if before is None:
            frame = message if isinstance(message, Frame) else opened(message, now_us)
            known[frame.sequence] = (frame.checksum, frame.refusal)
            outcome.new.append(frame)
        elif before[0] != message.checksum and before[1] is None:
            outcome.conflicts.append(message.sequence)
            outcome.refused[message.sequence] = f"sequence {message.sequence} is stored already with other content"
            continue
        refusal = known[message.sequence][1]
        if refusal is not None:
            outcome.refused[message.sequence] = refusal


async def _without_known(connection: Connection, predecessor: UUID, outcome: Outcome) -> None:
    """Of a frame that the device before has stored, byte for byte, only the number is kept: a box that was made new
    sends again what it heard no acknowledgement of."""
    sequences = [frame.sequence for frame in outcome.new]
    rows = await connection.fetch(QUERIES["checksums_of"], predecessor, sequences)
    stored = {row["sequence"]: row["checksum"] for row in rows}
    outcome.new = [
        Frame(frame.sequence, frame.checksum, [], NO_COLUMNS, [])
        if stored.get(frame.sequence) == frame.checksum
        else frame
        for frame in outcome.new
    ]


async def _add(connection: Connection, device: Device, outcome: Outcome, known: ChannelIds) -> list[list[object]]:
    """The new frames; what the latest values become."""
    with_values = [frame for frame in outcome.new if frame.columns.channels]
    seen = known.of(device.tenant_id, outcome.site_id)
    outcome.ids = await _channel_ids(connection, outcome.site_id, with_values, seen)
    stream = door_stream(device.device_id, outcome.site_id, outcome.new, outcome.ids)
    await connection.copy_to_table(DOOR, source=once(stream), columns=list(DOOR_COLUMNS), format="binary")
    return latest_arguments(with_values, outcome.ids) if with_values else [[]] * 5


async def once(stream: bytes) -> AsyncIterator[bytes]:
    yield stream


async def _channel_ids(
    connection: Connection, site_id: str, frames: list[Frame], known: dict[str, int]
) -> dict[str, int]:
    """Ids by address; channels that no hello announced are made, so that no value is lost."""
    wanted: dict[str, float] = {}
    for frame in frames:
        wanted.update(zip(frame.columns.channels, frame.columns.resolutions, strict=True))
    if wanted.keys() <= known.keys():
        return {address: known[address] for address in wanted}
    ids = await _known_ids(connection, site_id, list(wanted))
    missing = sorted(set(wanted) - set(ids))
    if missing:
        await connection.execute(QUERIES["add_channels"], site_id, missing, [wanted[a] for a in missing])
        ids = await _known_ids(connection, site_id, list(wanted))
    return ids


async def _known_ids(connection: Connection, site_id: str, addresses: list[str]) -> dict[str, int]:
    rows = await connection.fetch(QUERIES["channel_ids"], site_id, addresses)
    return {row["address"]: row["channel_id"] for row in rows}
