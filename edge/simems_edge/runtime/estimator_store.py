"""What the estimators knew, on disk: a restart begins where they ended, less surely.

The file always holds one whole, checked state: a new one is written beside it, synced and renamed over it. It is a help
and no safeguard: what cannot be read, is damaged, or belongs to another cell is left out, and that battery begins from
its voltage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from simems_core import CoreError, EstimatorMemory

from simems_edge.buffer.durable import replace_durably

ESTIMATOR_FILE: Final = "estimators.json"
VERSION: Final = 1


class Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One battery's estimator at one instant."""

    cell: str
    """Digest of the cell and how many of it there are: another battery's memory is none."""
    utc_us: int
    soc_pct: float
    soc_sigma_pct: float
    offset_a: float
    offset_sigma_a: float
    scale: float
    scale_sigma: float

    @classmethod
    def of(cls, cell: str, utc_us: int, memory: EstimatorMemory) -> Remembered:
        return cls(
            cell,
            utc_us,
            memory.soc_pct,
            memory.soc_sigma_pct,
            memory.offset_a,
            memory.offset_sigma_a,
            memory.scale,
            memory.scale_sigma,
        )

    def memory(self) -> EstimatorMemory:
        """Raises CoreError for what no estimator can have known."""
        return EstimatorMemory(
            soc_pct=self.soc_pct,
            soc_sigma_pct=self.soc_sigma_pct,
            offset_a=self.offset_a,
            offset_sigma_a=self.offset_sigma_a,
            scale=self.scale,
            scale_sigma=self.scale_sigma,
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    batteries: dict[str, Remembered]
    checksum: str
    """SHA-256 of the batteries as JSON."""


class EstimatorStoreError(Exception):
    """The file is there and cannot be used."""


class EstimatorStore:
    """One file in the data folder; one process at a time uses it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ESTIMATOR_FILE

    def load(self) -> dict[str, Remembered]:
        """By component. Raises EstimatorStoreError for a file that cannot be used."""
        try:
            return _checked(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, CoreError, ValueError, RecursionError) as error:
            raise EstimatorStoreError(f"{self._path}: {error}") from error

    def save(self, batteries: Mapping[str, Remembered]) -> None:
        """Durable when it returns. Raises OSError; the file then holds what it held before."""
        content = msgspec.json.encode(_File(VERSION, dict(batteries), _digest(batteries)))
        replace_durably(self._path, content)


def _checked(content: bytes) -> dict[str, Remembered]:
    file = msgspec.json.decode(content, type=_File)
    if file.version != VERSION or file.checksum != _digest(file.batteries):
        raise ValueError("is of another version or does not match its checksum")
    for remembered in file.batteries.values():
        remembered.memory()
    return file.batteries


def _digest(batteries: Mapping[str, Remembered]) -> str:
    return hashlib.sha256(msgspec.json.encode(dict(sorted(batteries.items())))).hexdigest()
