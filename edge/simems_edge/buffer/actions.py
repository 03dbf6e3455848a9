"""What persons did at this box and what became of it, newest first. Reads beside the writer, never in its way."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from simems_core import wire

from simems_edge.buffer.fault import StorageError

log = logging.getLogger(__name__)
KINDS: Final = frozenset({"action", "acknowledged"})
MOST_FRAMES: Final = 20_000
"""Frames of events that one call looks into."""


def read_actions(path: Path, limit: int) -> list[wire.Event]:
    """At most ``limit`` of the kept ones. Blocks. Raises StorageError; a frame that cannot be read is passed over."""
    query = "select sequence, body from frames where kind = 'events' order by to_us desc, sequence desc limit ?"
    found: list[wire.Event] = []
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0, isolation_level=None)
        try:
            for sequence, body in connection.execute(query, (MOST_FRAMES,)):
                found += _events_of(sequence, body)
                if len(found) >= limit:
                    break
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}") from error
    return newest(found, limit)


def newest(events: Iterable[wire.Event], limit: int) -> list[wire.Event]:
    """The last ``limit`` by their own time; each once."""
    by_id = {(event.id, event.kind): event for event in events}
    return sorted(by_id.values(), key=lambda event: event.time_us, reverse=True)[:limit]


def actions_in(messages: Iterable[wire.Durable]) -> Iterator[wire.Event]:
    for message in messages:
        if isinstance(message, wire.Events):
            yield from (event for event in message.events if event.kind in KINDS)


def _events_of(sequence: int, body: bytes) -> list[wire.Event]:
    try:
        message = wire.decode_from_edge(body)
    except wire.WireError as error:
        log.warning("a kept frame cannot be read", extra={"sequence": sequence, "reason": str(error)})
        return []
    return list(actions_in([message])) if isinstance(message, wire.Events) else []
