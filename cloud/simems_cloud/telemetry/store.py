"""Stores the frames of one device, once each, in the caller's transaction: blocks, rollups, latest, progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from simems_cloud.kit.database import Connection
from simems_cloud.kit.live import live_payload
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.frames import GOOD, Block, Frame
from simems_cloud.telemetry.rollup import MINUTE_US, QUARTER_US, Rollups, as_columns, covered_minutes, moment, valid

QUERIES = load_queries("simems_cloud.telemetry")


class UnknownSiteError(Exception):
    """The device has not said hello yet."""


@dataclass(frozen=True)
class Device:
    """Who a CURVE key belongs to."""

    tenant_id: UUID
    device_id: UUID
    public_key: str


@dataclass
class Outcome:
    """What happened to a batch; true once the transaction is committed."""

    site_id: str
    acked: int = 0
    new: list[Frame] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    conflicts: list[int] = field(default_factory=list)
    """Sequences that are stored already with other content."""


@dataclass
class _Newest:
    value: float | None
    value_at: datetime | None
    quality: int
    at: datetime


async def store_frames(connection: Connection, device: Device, frames: Sequence[Frame]) -> Outcome:
    """Idempotent by (device, sequence). Raises UnknownSiteError."""
    row = await connection.fetchrow(QUERIES["lock_device"], device.device_id)
    if row is None or row["site_id"] is None:
        raise UnknownSiteError
    outcome = Outcome(site_id=row["site_id"])
    await _sort_out(connection, device, frames, outcome)
    if outcome.new:
        await _add(connection, device, outcome.site_id, outcome.new)
    outcome.acked = await connection.fetchval(QUERIES["advance"], device.device_id, 0, True)
    payload = live_payload(device.tenant_id, outcome.site_id, "latest")
    await connection.execute(QUERIES["notify"], payload)
    return outcome


async def _sort_out(connection: Connection, device: Device, frames: Sequence[Frame], outcome: Outcome) -> None:
    """New, known, known with other content, refused: each frame is one of them."""
    sequences = [frame.sequence for frame in frames]
    rows = await connection.fetch(QUERIES["known_frames"], device.device_id, sequences)
    known: dict[int, tuple[bytes, str | None]] = {r["sequence"]: (r["checksum"], r["refusal"]) for r in rows}
    for frame in frames:
        before = known.get(frame.sequence)
        if before is None:
            known[frame.sequence] = (frame.checksum, frame.refusal)
            outcome.new.append(frame)
        elif before[0] != frame.checksum and before[1] is None:
            outcome.conflicts.append(frame.sequence)
            outcome.refused[frame.sequence] = f"sequence {frame.sequence} is stored already with other content"
            continue
        refusal = known[frame.sequence][1]
        if refusal is not None:
            outcome.refused[frame.sequence] = refusal


async def _add(connection: Connection, device: Device, site_id: str, frames: list[Frame]) -> None:
    rows = [
        (device.device_id, f.sequence, site_id, f.kind, f.checksum, f.times_us, f.refusal)
        for f in sorted(frames, key=lambda frame: frame.sequence)
    ]
    await connection.executemany(QUERIES["add_frame"], rows)
    with_values = [frame for frame in frames if frame.blocks]
    if not with_values:
        return
    ids = await _channel_ids(connection, site_id, [block for frame in with_values for block in frame.blocks])
    await connection.executemany(QUERIES["add_block"], _block_rows(device, with_values, ids))
    await _add_rollups(connection, with_values, ids)
    await _add_latest(connection, site_id, with_values, ids)


async def _channel_ids(connection: Connection, site_id: str, blocks: list[Block]) -> dict[str, int]:
    """Ids by address; channels that no hello announced are made, so that no value is lost."""
    wanted = {block.channel: block.resolution for block in blocks}
    ids = await _known_ids(connection, site_id, list(wanted))
    missing = sorted(set(wanted) - set(ids))
    if missing:
        await connection.execute(QUERIES["add_channels"], site_id, missing, [wanted[a] for a in missing])
        ids = await _known_ids(connection, site_id, list(wanted))
    return ids


async def _known_ids(connection: Connection, site_id: str, addresses: list[str]) -> dict[str, int]:
    rows = await connection.fetch(QUERIES["channel_ids"], site_id, addresses)
    return {row["address"]: row["channel_id"] for row in rows}


def _block_rows(device: Device, frames: list[Frame], ids: dict[str, int]) -> list[tuple[object, ...]]:
    return [
        (
            ids[block.channel],
            moment(frame.times_us[0]),
            moment(frame.times_us[-1]),
            device.device_id,
            frame.sequence,
            block.values,
            block.quality,
        )
        for frame in frames
        for block in frame.blocks
    ]


async def _add_rollups(connection: Connection, frames: list[Frame], ids: dict[str, int]) -> None:
    minutes, quarters = Rollups(MINUTE_US), Rollups(QUARTER_US)
    found = [(ids[b.channel], valid(f.times_us, b.values, b.quality)) for f in frames for b in f.blocks]
    for channel_id, samples in found:
        minutes.add(channel_id, samples)
        quarters.add(channel_id, samples)
    for channel_id, samples in found:
        quarters.see(channel_id, covered_minutes(samples))
    await connection.execute(QUERIES["add_rollup_1min"], *as_columns(minutes.rows(), minutes=False))
    await connection.execute(QUERIES["add_rollup_15min"], *as_columns(quarters.rows(), minutes=True))


async def _add_latest(connection: Connection, site_id: str, frames: list[Frame], ids: dict[str, int]) -> None:
    newest: dict[int, _Newest] = {}
    for frame in sorted(frames, key=lambda frame: frame.times_us[-1]):
        for block in frame.blocks:
            found = _newest(frame, block)
            before = newest.get(ids[block.channel])
            if before is not None and found.value is None:
                found.value, found.value_at = before.value, before.value_at
            newest[ids[block.channel]] = found
    rows = sorted(newest.items())
    await connection.execute(
        QUERIES["add_latest"],
        site_id,
        [channel_id for channel_id, _ in rows],
        [row.value for _, row in rows],
        [row.value_at for _, row in rows],
        [row.quality for _, row in rows],
        [row.at for _, row in rows],
    )


def _newest(frame: Frame, block: Block) -> _Newest:
    """The last row's quality, with the last value that was there."""
    quality = block.quality[-1] if block.quality else GOOD
    at = moment(frame.times_us[-1])
    for time_us, value in zip(reversed(frame.times_us), reversed(block.values), strict=True):
        if value is not None:
            return _Newest(value, moment(time_us), quality, at)
    return _Newest(None, None, quality, at)
