"""The record of one box: a file a month, appended to and synced; the chain goes on from file to file.

What a power cut tore off the end is set aside. When the files take more than :data:`MOST_BYTES`, the oldest month goes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simems_edge.proof.handover import CODE, handover_body, public
from simems_edge.proof.line import body_of, digest, opened_line, signed_line
from simems_edge.runtime.limit_record import Entry

log = logging.getLogger(__name__)
FOLDER: Final = "proof"
FIRST: Final = "0" * 64
"""Previous hash of the very first line."""
MOST_BYTES: Final = 128 * 1024 * 1024
FORMAT, FORMAT_WITH_KEYS = 1, 2
"""Of an exported file; the second where the record's key has changed."""


class ProofBook:
    """Of one data folder; one process writes. Raises OSError."""

    def __init__(self, data: Path, key: Ed25519PrivateKey, site: str, most_bytes: int = MOST_BYTES) -> None:
        self._folder = data / FOLDER
        self._key, self._site, self._most_bytes = key, site, most_bytes
        self._number, self._previous = self._end()

    @property
    def public_key(self) -> str:
        """64 hexadecimal digits."""
        return public(self._key)

    def append(self, entries: Sequence[Entry]) -> None:
        """Durable when it returns; nothing is taken when the disk refuses."""
        number, previous, lines = self._number, self._previous, list[bytes]()
        for entry in entries:
            number += 1
            body = {"n": number, "previous": previous, "site": self._site, **asdict(entry)}
            lines.append(signed_line(body, self._key))
            previous = digest(lines[-1])
        if lines:
            self._write(b"".join(lines), entries[-1].time_us)
            self._number, self._previous = number, previous
            self._forget()

    def change_key(self, key: Ed25519PrivateKey, now_us: int) -> None:
        """From now on ``key`` signs: the one so far says so, and the new one agrees. Once more does no harm."""
        if public(key) == self.public_key:
            return
        place = {"n": self._number + 1, "previous": self._previous, "site": self._site, "time_us": now_us}
        line = signed_line(handover_body(place, self._key, key), self._key)
        self._write(line, now_us)
        self._number, self._previous, self._key = self._number + 1, digest(line), key

    def export(self, from_us: int, to_us: int, now_us: int) -> Iterator[bytes]:
        """Lines of a file that :func:`verify` can check: a head, the record's own lines, an end with their number. The
        head of a record whose key has changed holds the lines that say so, also those out of the span."""
        changes = [line.decode() for line in self._lines() if is_change(line)]
        head = {
            "format": FORMAT_WITH_KEYS if changes else FORMAT,
            "site": self._site,
            "signing_key": self.public_key,
            "from_us": from_us,
            "to_us": to_us,
            **({"key_changes": changes} if changes else {}),
        }
        first = signed_line({"kind": "head", **head, "exported_us": now_us}, self._key)
        yield first
        count, last = 0, digest(first)
        low, high = self._numbers(from_us, to_us)
        for line in self._lines():
            body = body_of(line)
            if body is not None and low <= int(body["n"]) <= high:
                count, last = count + 1, digest(line)
                yield line
        yield signed_line({"kind": "end", "head": digest(first), "count": count, "last": last}, self._key)

    def _numbers(self, from_us: int, to_us: int) -> tuple[int, int]:
        """Of the first and the last entry in the span; what lies between them by number belongs to it, whatever the
        clock did."""
        bodies = (body_of(line) for line in self._lines())
        found = [int(body["n"]) for body in bodies if body is not None and from_us <= int(body["time_us"]) < to_us]
        return (min(found), max(found)) if found else (1, 0)

    def _lines(self) -> Iterator[bytes]:
        for path in self._files():
            with path.open("rb") as stream:
                yield from stream

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("proof-??????.jsonl"))

    def _write(self, content: bytes, time_us: int) -> None:
        """To the month of the newest entry, never to one before the last: a clock that goes back breaks no order."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"proof-{datetime.fromtimestamp(max(time_us, 0) / 1e6, UTC):%Y%m}.jsonl"
        newest = self._files()[-1:]
        path = max([self._folder / name, *newest])
        size = path.stat().st_size if path.exists() else 0
        with path.open("ab") as stream:
            try:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            except OSError:
                os.truncate(path, size)
                raise

    def _end(self) -> tuple[int, str]:
        """Number and hash of the last whole line."""
        for path in reversed(self._files()):
            lines = path.read_bytes().splitlines(keepends=True)
            whole = lines
            while whole and body_of(whole[-1]) is None:
                whole = whole[:-1]
            if len(whole) < len(lines):
                self._set_aside(path, b"".join(lines[len(whole) :]), sum(map(len, whole)))
            if whole:
                return int((body_of(whole[-1]) or {})["n"]), digest(whole[-1])
        return 0, FIRST

    def _set_aside(self, path: Path, torn: bytes, size: int) -> None:
        log.warning(
            "the end of the record was torn off and is set aside", extra={"file": path.name, "bytes": len(torn)}
        )
        path.with_suffix(".torn").write_bytes(torn)
        os.truncate(path, size)

    def _forget(self) -> None:
        files = self._files()
        while len(files) > 1 and sum(path.stat().st_size for path in files) > self._most_bytes:
            log.warning("the oldest month of the record goes: it takes too much room", extra={"file": files[0].name})
            files.pop(0).unlink()


def is_change(line: bytes) -> bool:
    """Whether its key is followed by another."""
    if CODE.encode() not in line:
        return False
    body = body_of(line)
    return body is not None and body.get("code") == CODE


def signing_now(data: Path, keys: Sequence[Ed25519PrivateKey]) -> Ed25519PrivateKey:
    """Which of the keys the record goes on with; the first when it does not say."""
    for path in sorted((data / FOLDER).glob("proof-??????.jsonl"), reverse=True):
        for line in reversed(path.read_bytes().splitlines(keepends=True)):
            body = body_of(line)
            if body is not None:
                return _fitting(line, body, keys)
    return keys[0]


def _fitting(line: bytes, body: dict[str, Any], keys: Sequence[Ed25519PrivateKey]) -> Ed25519PrivateKey:
    if is_change(line):
        return next((key for key in keys if public(key) == body.get("new_key")), keys[0])
    return next((key for key in keys if opened_line(line, key.public_key()) is not None), keys[0])


def read_only(data: Path, keys: Sequence[Ed25519PrivateKey]) -> ProofBook:
    """The book of a box that may be running. Raises FileNotFoundError when there is no record."""
    files = sorted((data / FOLDER).glob("proof-??????.jsonl"))
    for path in files:
        with path.open("rb") as stream:
            body: dict[str, Any] = body_of(stream.readline()) or {}
        if "site" in body:
            return _Reader(data, signing_now(data, keys), str(body["site"]))
    raise FileNotFoundError(2, "no record of limits is kept here", str(data / FOLDER))


class _Reader(ProofBook):
    """Changes nothing: another process may be writing."""

    def _end(self) -> tuple[int, str]:
        return 0, FIRST
