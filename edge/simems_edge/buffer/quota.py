"""What goes when the buffer is full: archived, then acknowledged, then unsent telemetry; events last."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

CHUNK_FRAMES = 64


@dataclass
class Dropped:
    """Frames deleted before the cloud had them."""

    telemetry: int = 0
    events: int = 0


def used_bytes(connection: sqlite3.Connection) -> int:
    """Pages in use; free pages of the file do not count, they are used again."""
    (pages,) = connection.execute("pragma page_count").fetchone()
    (free,) = connection.execute("pragma freelist_count").fetchone()
    (size,) = connection.execute("pragma page_size").fetchone()
    return int((pages - free) * size)


class Quota:
    """Keeps the used size at or below ``max_bytes``."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def enforce(self, connection: sqlite3.Connection, acked: int) -> Dropped:
        """Delete inside the caller's transaction, oldest first, until it fits."""
        dropped = Dropped()
        steps = (("telemetry", True), ("telemetry", False), ("events", True), ("events", False))
        while used_bytes(connection) > self._max_bytes and _delete_archive(connection):
            continue
        for kind, sent in steps:
            while used_bytes(connection) > self._max_bytes:
                gone = _delete_oldest(connection, kind, acked, sent=sent)
                if not gone:
                    break
                if not sent:
                    setattr(dropped, kind, getattr(dropped, kind) + gone)
        return dropped


def _delete_oldest(connection: sqlite3.Connection, kind: str, acked: int, *, sent: bool) -> int:
    """By time of the data: frames filled in later for an earlier time go first as well."""
    side = "sequence <= ?" if sent else "sequence > ?"
    query = (
        "delete from frames where sequence in "  # noqa: S608 - a fixed choice of two conditions
        f"(select sequence from frames where kind = ? and {side} order by to_us, sequence limit {CHUNK_FRAMES})"
    )
    return connection.execute(query, (kind, acked)).rowcount


def _delete_archive(connection: sqlite3.Connection) -> int:
    query = f"delete from archive where id in (select id from archive order by to_us limit {CHUNK_FRAMES // 8})"  # noqa: S608 - a constant
    return connection.execute(query).rowcount
