"""The one small file that outlives a lost database: no sequence at or below it may be given to a new one."""

from __future__ import annotations

import os
from pathlib import Path

STEP = 1024
"""Sequences reserved at once, so that the file is written rarely."""


class HighWater:
    """Highest reserved sequence, on disk before any sequence of the reserve is used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserved = _read(path)

    @property
    def reserved(self) -> int:
        return self._reserved

    def cover(self, sequence: int) -> None:
        """Make sure that ``sequence`` is reserved. Raises OSError when the disk refuses."""
        if sequence > self._reserved:
            reserved = sequence + STEP
            _write(self._path, reserved)
            self._reserved = reserved


def _read(path: Path) -> int:
    """0 without a file; an unreadable one counts as absent (the cloud's acknowledgement then lifts the numbering)."""
    try:
        return max(0, int(path.read_text("ascii")))
    except (FileNotFoundError, ValueError):
        return 0


def _write(path: Path, value: int) -> None:
    draft = path.with_suffix(".new")
    with draft.open("w", encoding="ascii") as file:
        file.write(f"{value}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
