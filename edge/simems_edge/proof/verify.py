"""Whether an exported record is what the box wrote: every byte of it is covered by a signature or a hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from simems_edge.proof.line import body_of, digest, opened_line


@dataclass(frozen=True)
class Proven:
    """What holds: ``entries`` as they were written."""

    site: str
    signing_key: str
    from_us: int
    to_us: int
    entries: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Broken:
    """The first thing that does not hold; ``line`` counts from 1."""

    line: int
    what: str


def verify(content: bytes, expected_key: str | None = None) -> Proven | Broken:
    """``expected_key``: the box's signing key as the cloud or its screen shows it; None: whatever the file names, which
    proves that nothing was changed, but not whose it is."""
    lines = content.splitlines(keepends=True)
    head = body_of(lines[0]) if lines else None
    key = _key(head, expected_key)
    if isinstance(key, Broken):
        return key
    bodies = [opened_line(line, key) for line in lines]
    for number, body in enumerate(bodies, start=1):
        if body is None:
            return Broken(number, "was changed, or was not written by this box")
    return _chained(lines, [body for body in bodies if body is not None])


def _key(head: dict[str, Any] | None, expected: str | None) -> Ed25519PublicKey | Broken:
    if head is None or head.get("kind") != "head" or head.get("format") != 1:
        return Broken(1, "is not the head of such a record")
    named = str(head.get("signing_key"))
    if expected is not None and named != expected:
        return Broken(1, f"names the key {named}, not the expected one")
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(named))
    except ValueError:
        return Broken(1, "names no key")


def _chained(lines: Sequence[bytes], bodies: Sequence[dict[str, Any]]) -> Proven | Broken:
    head, entries, end = bodies[0], bodies[1:-1], bodies[-1]
    if len(bodies) < 2 or end.get("kind") != "end" or end.get("head") != digest(lines[0]):
        return Broken(len(lines), "is not the end of this record: lines are missing")
    for number, entry in enumerate(entries, start=2):
        if "n" not in entry or entry.get("site") != head["site"]:
            return Broken(number, "is no entry of this record")
        if number > 2 and (
            entry["n"] != entries[number - 3]["n"] + 1 or entry["previous"] != digest(lines[number - 2])
        ):
            return Broken(number, "does not follow the line before it: lines are missing or changed places")
    if end.get("count") != len(entries) or end.get("last") != digest(lines[-2]):
        return Broken(len(lines), "names another number of lines: some are missing")
    return Proven(str(head["site"]), str(head["signing_key"]), head["from_us"], head["to_us"], tuple(entries))
