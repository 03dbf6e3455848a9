"""Looks into both stores from outside: the edge's buffer file and the cloud's PostgreSQL."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime

import psycopg
from simems_cloud.kit.postgres.server import Server

from tests.system.conftest import System

Frames = dict[int, bytes]
"""Sequence -> checksum of the message."""


def frames_on_edge(system: System) -> Frames:
    uri = f"file:{system.settings.edge_data / 'buffer.sqlite'}?mode=ro"
    with sqlite3.connect(uri, uri=True) as connection:
        rows = connection.execute("SELECT sequence, body FROM frames").fetchall()
    return {sequence: hashlib.blake2b(body, digest_size=16).digest() for sequence, body in rows}


def _cloud(system: System) -> psycopg.Connection[tuple[object, ...]]:
    """As the owner of the server, whom row-level security does not bind."""
    return psycopg.connect(Server(system.settings.cloud_data).url)


def frames_in_cloud(system: System) -> Frames:
    with _cloud(system) as connection:
        rows = connection.execute("SELECT sequence, checksum FROM frames WHERE kind <> 'refused'").fetchall()
    assert len({row[0] for row in rows}) == len(rows), "a sequence stands twice"
    return {int(str(sequence)): bytes(checksum) for sequence, checksum in rows}  # type: ignore[call-overload]


def samples_in_cloud(system: System, channel: str) -> list[tuple[datetime, float]]:
    """Valid values of a channel in order of time."""
    query = "SELECT time, value FROM measurements WHERE channel = %s AND value IS NOT NULL ORDER BY time, sequence"
    with _cloud(system) as connection:
        rows = connection.execute(query, (channel,)).fetchall()
    return [(time, float(str(value))) for time, value in rows if isinstance(time, datetime)]


def rolled_up_count(system: System, channel: str) -> int:
    """How many values the minute rollup says it has seen."""
    query = (
        "SELECT coalesce(sum(r.count), 0) FROM rollup_1min r JOIN channels c USING (tenant_id, channel_id)"
        " WHERE c.address = %s"
    )
    with _cloud(system) as connection:
        row = connection.execute(query, (channel,)).fetchone()
    return 0 if row is None else int(str(row[0]))
