"""Whether an exported record is what the box wrote: every byte of it is covered by a signature or a hash.

Where the box changed its signing key, the head holds the lines in which each key names the next and the next agrees;
head and end are signed by the last of them, and each entry by the key that the record had come to at its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simems_edge.proof.book import FORMAT, FORMAT_WITH_KEYS, is_change
from simems_edge.proof.handover import key_of, opened_handover
from simems_edge.proof.line import body_of, digest, opened_line

ALTERED = "was changed, or was not written by this box"


@dataclass(frozen=True)
class Proven:
    """What holds: ``entries`` as they were written. ``former_keys``: those before ``signing_key``, oldest first."""

    site: str
    signing_key: str
    from_us: int
    to_us: int
    entries: tuple[dict[str, Any], ...]
    former_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Broken:
    """The first thing that does not hold; ``line`` counts from 1."""

    line: int
    what: str


@dataclass(frozen=True)
class _Keys:
    """Hexadecimal, oldest first; ``changes``: the lines that lead from each to the next."""

    names: tuple[str, ...]
    changes: tuple[bytes, ...] = ()


def verify(content: bytes, expected_key: str | None = None) -> Proven | Broken:
    """``expected_key``: the box's signing key as the cloud or its screen shows it, or one that it had before; None:
    whatever the file names, which proves that nothing was changed, but not whose it is."""
    lines = content.splitlines(keepends=True)
    head = body_of(lines[0]) if lines else None
    keys = _keys(head, expected_key)
    if isinstance(keys, Broken):
        return keys
    opened = _opened(lines, keys)
    return opened if isinstance(opened, Broken) else _chained(lines, opened, keys)


def _keys(head: dict[str, Any] | None, expected: str | None) -> _Keys | Broken:
    if head is None or head.get("kind") != "head" or head.get("format") not in (FORMAT, FORMAT_WITH_KEYS):
        return Broken(1, "is not the head of such a record")
    named = str(head.get("signing_key"))
    keys = _followed(head, named) if head["format"] == FORMAT_WITH_KEYS else _Keys((named,))
    if keys is None:
        return Broken(1, "names keys of which one does not follow the other")
    if expected is not None and expected not in keys.names:
        return Broken(1, f"names the key {named}, not the expected one")
    return keys if all(key_of(name) is not None for name in keys.names) else Broken(1, "names no key")


def _followed(head: dict[str, Any], last: str) -> _Keys | None:
    """From the first key to that of the head, each on the word of the one before and its own."""
    texts = head.get("key_changes")
    if not isinstance(texts, list) or not texts:
        return None
    lines = tuple(str(text).encode("utf-8", "surrogatepass") for text in texts)
    names: list[str] = []
    for line in lines:
        step, body = opened_handover(line), body_of(line)
        if step is None or body is None or body.get("site") != head.get("site"):
            return None
        if names and step.old_key != names[-1]:
            return None
        names += [step.new_key] if names else [step.old_key, step.new_key]
    return _Keys(tuple(names), lines) if names[-1] == last else None


def _opened(lines: Sequence[bytes], keys: _Keys) -> list[dict[str, Any]] | Broken:
    """Each line by the key that the record had come to there."""
    public = [key_of(name) for name in keys.names]
    place = _first_key(lines, keys)
    bodies: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        key = public[-1] if number in (1, len(lines)) else public[place]
        body = None if key is None else opened_line(line, key)
        if body is None:
            return Broken(number, ALTERED)
        bodies.append(body)
        if 1 < number < len(lines) and is_change(line):
            if place >= len(keys.changes) or keys.changes[place] != line:
                return Broken(number, "changes to a key that the head does not name")
            place += 1
    return bodies


def _first_key(lines: Sequence[bytes], keys: _Keys) -> int:
    """Which key signed the first entry; the last one when none did."""
    if len(lines) > 2:
        for place, name in enumerate(keys.names):
            key = key_of(name)
            if key is not None and opened_line(lines[1], key) is not None:
                return place
    return len(keys.names) - 1


def _chained(lines: Sequence[bytes], bodies: Sequence[dict[str, Any]], keys: _Keys) -> Proven | Broken:
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
    span = (head["from_us"], head["to_us"])
    return Proven(str(head["site"]), str(head["signing_key"]), *span, tuple(entries), keys.names[:-1])
