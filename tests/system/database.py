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


def rollup_state(system: System, channel: str) -> tuple[int, int, int]:
    """At one moment: frames that wait to be rolled up, valid values there are, values the minute rollup has seen."""
    query = (
        "SELECT (SELECT count(*) FROM frame_values WHERE NOT rolled_up),"
        " (SELECT count(*) FROM measurements WHERE channel = %(channel)s AND value IS NOT NULL AND quality IN (0, 3)),"
        " (SELECT coalesce(sum(r.count), 0) FROM rollup_1min r JOIN channels c USING (tenant_id, channel_id)"
        "  WHERE c.address = %(channel)s)"
    )
    with _cloud(system) as connection:
        row = connection.execute(query, {"channel": channel}).fetchone()
    assert row is not None
    waiting, values, seen = (int(str(number)) for number in row)
    return waiting, values, seen
