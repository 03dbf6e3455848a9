"""The newest events of the record, for a screen: from its end, without reading the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from simems_edge.proof.book import FOLDER
from simems_edge.proof.handover import key_of, opened_handover
from simems_edge.proof.line import body_of, opened_line

MOST_BYTES: Final = 4 * 1024 * 1024
"""So much of the record's end is looked into."""
EVENTS: Final = frozenset({"received", "obeyed", "not_obeyed", "released"})


@dataclass(frozen=True)
class LimitEvent:
    """Something that happened to one limit. ``intact``: the signature fits what stands there."""

    number: int
    code: str
    what: str
    time_us: int
    limit_w: float | None
    state: str
    power_w: float | None
    intact: bool


def newest_events(data: Path, key: Ed25519PublicKey, limit: int) -> list[LimitEvent]:
    """Newest first; empty without a record. Samples of power between the events are left out. Raises OSError.

    ``key``: the one that signs now; before a change of keys it is the one that was followed."""
    found: list[LimitEvent] = []
    for line in _lines_from_the_end(data / FOLDER):
        key = _before(line, key)
        event = _event(line, key)
        if event is not None:
            found.append(event)
        if len(found) >= limit:
            break
    return found


def _lines_from_the_end(folder: Path) -> Iterator[bytes]:
    left = MOST_BYTES
    for path in sorted(folder.glob("proof-??????.jsonl"), reverse=True):
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = max(0, size - left)
            stream.seek(start)
            lines = stream.read(size - start).splitlines(keepends=True)
        yield from reversed(lines[1:] if start else lines)
        left -= size - start
        if left <= 0:
            return


def _before(line: bytes, key: Ed25519PublicKey) -> Ed25519PublicKey:
    """Which key signed this line and those before it."""
    change = opened_handover(line)
    if change is None or change.new_key != key.public_bytes_raw().hex():
        return key
    return key_of(change.old_key) or key


def _event(line: bytes, key: Ed25519PublicKey) -> LimitEvent | None:
    body = body_of(line)
    if body is None or body.get("what") not in EVENTS:
        return None
    try:
        return _read(body, intact=opened_line(line, key) is not None)
    except (KeyError, TypeError, ValueError):
        return None  # Not an entry of this version: the export holds it.


def _read(body: dict[str, Any], *, intact: bool) -> LimitEvent:
    return LimitEvent(
        number=int(body["n"]),
        code=str(body["code"]),
        what=str(body["what"]),
        time_us=int(body["time_us"]),
        limit_w=_number(body["limit_w"]),
        state=str(body["state"]),
        power_w=_number(body["power_w"]),
        intact=intact,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
