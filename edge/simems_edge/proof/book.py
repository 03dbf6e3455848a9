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

from simems_edge.proof.line import body_of, digest, signed_line
from simems_edge.runtime.limit_record import Entry

log = logging.getLogger(__name__)
FOLDER: Final = "proof"
FIRST: Final = "0" * 64
"""Previous hash of the very first line."""
MOST_BYTES: Final = 128 * 1024 * 1024
FORMAT: Final = 1


class ProofBook:
    """Of one data folder; one process writes. Raises OSError."""

    def __init__(self, data: Path, key: Ed25519PrivateKey, site: str, most_bytes: int = MOST_BYTES) -> None:
        self._folder = data / FOLDER
        self._key, self._site, self._most_bytes = key, site, most_bytes
        self._number, self._previous = self._end()

    @property
    def public_key(self) -> str:
        """64 hexadecimal digits."""
        return self._key.public_key().public_bytes_raw().hex()

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

    def export(self, from_us: int, to_us: int, now_us: int) -> Iterator[bytes]:
        """Lines of a file that :func:`verify` can check: a head, the record's own lines, an end with their number."""
        head = {
            "format": FORMAT,
            "site": self._site,
            "signing_key": self.public_key,
            "from_us": from_us,
            "to_us": to_us,
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


def read_only(data: Path, key: Ed25519PrivateKey) -> ProofBook:
    """The book of a box that may be running. Raises FileNotFoundError when there is no record."""
    files = sorted((data / FOLDER).glob("proof-??????.jsonl"))
    for path in files:
        with path.open("rb") as stream:
            body: dict[str, Any] = body_of(stream.readline()) or {}
        if "site" in body:
            return _Reader(data, key, str(body["site"]))
    raise FileNotFoundError(2, "no record of limits is kept here", str(data / FOLDER))


class _Reader(ProofBook):
    """Changes nothing: another process may be writing."""

    def _end(self) -> tuple[int, str]:
        return 0, FIRST
