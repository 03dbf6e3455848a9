"""What the database holds, counted."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    """``oldest``: of what is not acknowledged; None when all is."""

    queued: int
    oldest_us: int | None
    oldest_sequence: int | None
    newest_us: int | None
    refused: int


def read_held(connection: sqlite3.Connection, acked: int) -> Held:
    """Frames and blocks together."""
    one = connection.execute
    waiting, first = one("select count(*), min(sequence) from frames where sequence > ?", (acked,)).fetchone()
    (packed,) = one(
        "select coalesce(sum(min(frames, last_sequence - ?1)), 0) from blocks where last_sequence > ?1", (acked,)
    ).fetchone()
    block = one(
        "select max(first_sequence, ?1 + 1), from_us from blocks where last_sequence > ?1"
        " order by last_sequence limit 1",
        (acked,),
    ).fetchone()
    (newest,) = one(
        "select max(t) from (select max(to_us) as t from frames where kind = 'telemetry'"
        " union all select max(to_us) from blocks)"
    ).fetchone()
    (refused,) = one("select count(*) from refused").fetchone()
    sequence, from_us = _oldest(connection, first, block)
    return Held(waiting + packed, from_us, sequence, newest, refused)


def _oldest(
    connection: sqlite3.Connection, first: int | None, block: tuple[int, int] | None
) -> tuple[int | None, int | None]:
    if block is not None and (first is None or block[0] < first):
        return block
    if first is None:
        return None, None
    (from_us,) = connection.execute("select from_us from frames where sequence = ?", (first,)).fetchone()
    return first, from_us
