"""What the boxes kept against what the cloud holds: as sets of (device, sequence, checksum), and by the counter."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise

import psycopg
from simems_core import wire
from simems_edge.buffer.store import FILE, Store

from bench.cloud.rig import Rig
from tests.chaos.box import COUNTER, FLUSH_S, STEP_S
from tests.chaos.plant import Life, Plant

LAST = sys.maxsize
COMMIT_S = 2.0
"""A flush may have been on its way to a busy disk for so long when its box was killed."""
AHEAD = "ahead of the server"
"""What is stamped in the future is refused and stays with its box, for a person to look at."""

Bodies = dict[int, bytes]
"""Sequence -> message."""


@dataclass
class Findings:
    """Counts, all boxes together. ``unflushed``: measured, not yet on the disk when the box was killed."""

    frames: int = 0
    values: int = 0
    refused: int = 0
    unflushed: int = 0
    longest_unflushed_s: float = 0.0
    down: int = 0
    wrong: list[str] = field(default_factory=list)


def compared(rig: Rig, plants: list[Plant]) -> Findings:
    """Of stopped boxes. ``wrong`` is empty when nothing is lost, doubled, missing or somebody else's."""
    found = Findings()
    with psycopg.connect(rig.access.admin_url) as cloud:
        _owners(cloud, plants, found)
        for plant in plants:
            _compare(cloud, plant, found)
    return found


def _owners(cloud: psycopg.Connection, plants: list[Plant], found: Findings) -> None:
    """Every row of frames and of values is its device's tenant's, and of its device's site."""
    query = """select d.public_key, f.tenant_id, f.site_id from {} f left join devices d using (device_id)
        group by 1, 2, 3"""
    known = {(plant.public_key, plant.tenant_id, plant.site) for plant in plants}
    for table in ("frames", "frame_values"):
        rows = {(str(key), tenant, str(site)) for key, tenant, site in cloud.execute(query.format(table).encode())}
        found.wrong += [f"{table}: rows of {row} belong to nobody like that" for row in rows - known]


def _compare(cloud: psycopg.Connection, plant: Plant, found: Findings) -> None:
    kept = kept_by(plant)
    query = """select f.sequence, f.checksum, f.refusal from frames f join devices d using (tenant_id, device_id)
        where d.public_key = %s"""
    rows = cloud.execute(query, (plant.public_key,)).fetchall()
    stored = {int(sequence): bytes(checksum) for sequence, checksum, _ in rows}
    refused = {int(sequence): str(refusal) for sequence, _, refusal in rows if refusal is not None}
    found.frames += len(stored)
    found.refused += len(refused)
    found.wrong += [f"{plant.name}: {line}" for line in _differences(kept, stored)]
    found.wrong += [f"{plant.name}: {n} refused: {why}" for n, why in refused.items() if AHEAD not in why]
    if len(stored) != len(rows):
        found.wrong.append(f"{plant.name}: {len(rows) - len(stored)} sequences stand twice")
    at_home = [value for sequence in refused for value in _counter(kept.get(sequence))]
    _count(plant, sorted(_values(cloud, plant) + at_home), found)


def kept_by(plant: Plant) -> Bodies:
    """Everything that a stopped box ever numbered, also what it set aside because the cloud refused it."""
    store = Store(plant.folder, lambda: 1)
    frames = {frame.sequence: frame.body for frame in store.read_after(0, store.last_sequence())}
    store.close()
    with sqlite3.connect(plant.folder / FILE) as connection:
        return frames | dict(connection.execute("select sequence, body from refused").fetchall())


def _counter(body: bytes | None) -> list[int]:
    message = wire.decode_from_edge(body) if body else None
    columns = message.columns if isinstance(message, wire.Telemetry) else []
    return [
        int(v) for column in columns if column.channel == COUNTER for v in wire.column_values(column) if v is not None
    ]


def _differences(kept: Bodies, stored: dict[int, bytes]) -> list[str]:
    sums = {sequence: hashlib.blake2b(body, digest_size=16).digest() for sequence, body in kept.items()}
    named = {
        "lost": sums.keys() - stored.keys(),
        "unknown to the box": stored.keys() - sums.keys(),
        "changed": {n for n in sums.keys() & stored.keys() if sums[n] != stored[n]},
    }
    return [f"{len(numbers)} frames {what}: {sorted(numbers)[:10]}" for what, numbers in named.items() if numbers]


def _values(cloud: psycopg.Connection, plant: Plant) -> list[int]:
    query = """select m.value from measurements m join devices d using (tenant_id, device_id)
        where m.tenant_id = %s and m.site_id = %s and m.channel = %s and d.public_key = %s"""
    rows = cloud.execute(query, (plant.tenant_id, plant.site, COUNTER, plant.public_key)).fetchall()
    return [int(value) for (value,) in rows]


def _count(plant: Plant, values: list[int], found: Findings) -> None:
    found.values += len(values)
    if doubled := [low for low, high in pairwise(values) if low == high]:
        found.wrong.append(f"{plant.name}: {len(doubled)} values twice: {doubled[:10]}")
    lives = [(life.said, life) for life in plant.lives if life.said is not None]
    begins = [said.first for said, _ in lives]
    for (said, life), until in zip(lives, [*begins[1:], LAST], strict=True):
        own = values[bisect_left(values, said.first) : bisect_left(values, until)]
        last = own[-1] if own else said.first - 1
        if sorted(set(own)) != list(range(said.first, last + 1)) or last < said.durable:
            found.wrong.append(f"{plant.name}: {said} but there is {own[:1]}..{own[-1:]}, {len(set(own))} values")
        if until != LAST:
            _ended(plant, life, range(last + 1, until), found)
    if values and values[0] < begins[0]:
        found.wrong.append(f"{plant.name}: values that it never measured, from {values[0]} on")


def _ended(plant: Plant, life: Life, missing: range, found: Findings) -> None:
    """How much of what is missing was measured and not yet flushed at the kill, and how much nobody measured."""
    assert life.ended_s is not None
    at_end = int((life.ended_s - plant.zero_s) / STEP_S)
    unflushed = len(range(missing.start, min(missing.stop, at_end + 1)))
    found.unflushed += unflushed
    found.down += len(missing) - unflushed
    if life.full_disk:
        return
    found.longest_unflushed_s = max(found.longest_unflushed_s, unflushed * STEP_S)
    if unflushed * STEP_S > FLUSH_S + COMMIT_S:
        found.wrong.append(f"{plant.name}: {unflushed} values before a kill are missing, from {missing.start} on")
