"""The latched faults on disk: they survive a restart and a power cut.

The file always holds one whole, checked state: a new one is written beside it, synced, renamed over it, and the folder
is synced. A clear is written before it acts, a raise before it is told; the cycle reacts to a raise at once, before the
disk does, so a power cut in the milliseconds between forgets only what the cause itself will raise again.
A file that cannot be trusted is never taken for an empty one.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from simems_edge.buffer.durable import replace_durably

FAULT_FILE: Final = "faults.json"
VERSION: Final = 1


class FaultStoreError(Exception):
    """The file is there and cannot be trusted."""


class LatchedFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One that stood when the file was written."""

    id: str
    occurrence: str
    """Identity of the alarm; the same after a restart."""
    raised_us: int
    """UTC microseconds."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    latched: list[LatchedFault]
    checksum: str
    """SHA-256 of the latched faults as JSON."""


class FaultStore:
    """One file in the data folder; one process at a time uses it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FAULT_FILE

    def load(self) -> list[LatchedFault]:
        """What stood. Raises FaultStoreError, after keeping a copy, when the file cannot be trusted."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FaultStoreError(f"{self._path}: cannot be read ({error.strerror})") from error
        try:
            return _checked(content)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._keep_copy()
            raise FaultStoreError(f"{self._path}: {error}") from error

    def save(self, latched: Sequence[LatchedFault]) -> None:
        """Durable when it returns. Raises OSError; the file then holds what it held before."""
        replace_durably(self._path, _encoded(latched))

    def _keep_copy(self) -> None:
        try:
            shutil.copyfile(self._path, self._path.with_suffix(".json.damaged"))
        except OSError as error:
            raise FaultStoreError(f"{self._path}: damaged, and cannot be copied ({error.strerror})") from error


def _digest(latched: Sequence[LatchedFault]) -> str:
    return hashlib.sha256(msgspec.json.encode(latched)).hexdigest()


def _encoded(latched: Sequence[LatchedFault]) -> bytes:
    return msgspec.json.encode(_File(VERSION, list(latched), _digest(latched)))


def _checked(content: bytes) -> list[LatchedFault]:
    file = msgspec.json.decode(content, type=_File)
    if file.version != VERSION:
        raise ValueError(f"is of version {file.version}, this software knows {VERSION}")
    if file.checksum != _digest(file.latched):
        raise ValueError("does not match its checksum")
    return file.latched
