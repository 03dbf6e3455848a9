"""Overrides that a person asked to outlast a restart: one small file, replaced as a whole.

What is damaged or of another version is left out and said in the log: the automatic modes then go on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from simems_edge.buffer.durable import replace_durably

log = logging.getLogger(__name__)
FILE: Final = "overrides.json"
VERSION: Final = 1


@dataclass(frozen=True)
class Kept:
    """As of an override; times are UTC in microseconds."""

    target: str
    value: float
    reason: str
    actor: str
    role: str
    set_us: int
    expires_us: int


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    overrides: list[Kept]
    checksum: str


class OverrideStore:
    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._saved: list[Kept] | None = None
        """What the file holds; None when that is not certain."""

    def load(self) -> list[Kept]:
        try:
            file = msgspec.json.decode(self._path.read_bytes(), type=_File)
            _check(file)
        except FileNotFoundError:
            self._saved = []
            return []
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            log.warning("overrides from before the restart are left out", extra={"error": str(error)})
            return []
        self._saved = file.overrides
        return file.overrides

    def save(self, overrides: Sequence[Kept]) -> None:
        """Raises OSError; the file then holds what it held."""
        found = list(overrides)
        if found == self._saved:
            return
        self._saved = None
        replace_durably(self._path, msgspec.json.encode(_File(VERSION, found, _digest(found))))
        self._saved = found


def _check(file: _File) -> None:
    if file.version != VERSION or file.checksum != _digest(file.overrides):
        raise ValueError("another version, or a checksum that does not match")


def _digest(overrides: Sequence[Kept]) -> str:
    return sha256(msgspec.json.encode([asdict(one) for one in overrides])).hexdigest()
