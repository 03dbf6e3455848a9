"""Stores the frames of one device, once each, in the caller's transaction: blocks, rollups, latest, progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from simems_cloud.kit.database import Connection
from simems_cloud.kit.live import live_payload
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.blocks import block_arguments, frame_arguments, latest_arguments
from simems_cloud.telemetry.frames import Frame
from simems_cloud.telemetry.rollup import MINUTE_US, QUARTER_US, minutes_seen, roll_up, samples_of

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
    ordered = sorted(frames, key=lambda frame: frame.sequence)
    await connection.execute(QUERIES["add_frames"], device.device_id, site_id, *frame_arguments(ordered))
    with_values = [frame for frame in frames if frame.columns.channels]
    if not with_values:
        return
    ids = await _channel_ids(connection, site_id, with_values)
    await connection.execute(QUERIES["add_blocks"], device.device_id, *block_arguments(with_values, ids))
    await _add_rollups(connection, with_values, ids)
    await connection.execute(QUERIES["add_latest"], site_id, *latest_arguments(with_values, ids))


async def _add_rollups(connection: Connection, frames: list[Frame], ids: dict[str, int]) -> None:
    samples = samples_of(frames, ids)
    if not len(samples.value):
        return
    await connection.execute(QUERIES["add_rollup_1min"], *roll_up(samples, MINUTE_US).arguments())
    quarters = roll_up(samples, QUARTER_US)
    seen = minutes_seen(quarters, frames, ids).tolist()
    await connection.execute(QUERIES["add_rollup_15min"], *quarters.arguments(), seen)


async def _channel_ids(connection: Connection, site_id: str, frames: list[Frame]) -> dict[str, int]:
    """Ids by address; channels that no hello announced are made, so that no value is lost."""
    wanted: dict[str, float] = {}
    for frame in frames:
        wanted.update(zip(frame.columns.channels, frame.columns.resolutions, strict=True))
    ids = await _known_ids(connection, site_id, list(wanted))
    missing = sorted(set(wanted) - set(ids))
    if missing:
        await connection.execute(QUERIES["add_channels"], site_id, missing, [wanted[a] for a in missing])
        ids = await _known_ids(connection, site_id, list(wanted))
    return ids


async def _known_ids(connection: Connection, site_id: str, addresses: list[str]) -> dict[str, int]:
    rows = await connection.fetch(QUERIES["channel_ids"], site_id, addresses)
    return {row["address"]: row["channel_id"] for row in rows}
