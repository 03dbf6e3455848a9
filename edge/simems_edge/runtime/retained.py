"""Metrics that controllers declare as retained: kept on disk, and back in the image before their first turn.

The file always holds one whole, checked state. What cannot be read or is damaged is left out, said in the log, and the
controllers begin as on their first day; a power cut loses what changed in the last seconds.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from math import isfinite, isnan
from pathlib import Path
from typing import Final

import msgspec

from simems_edge.buffer.durable import replace_durably
from simems_edge.runtime.assembly import Assembly

log = logging.getLogger(__name__)
FILE: Final = "retained.json"
VERSION: Final = 1
SAVE_EVERY_NS: Final = 10_000_000_000


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    values: dict[str, float]
    """By channel address, in the channel's unit."""
    checksum: str
    """SHA-256 of the values as JSON."""


class RetainedMetrics:
    """All of one site. ``folder`` None: they end with the process (replay, simulation)."""

    def __init__(self, assembly: Assembly, folder: Path | None) -> None:
        self._image = assembly.image
        self._path = None if folder is None else folder / FILE
        self._handles = {
            address: assembly.image.handle(address)
            for controller in assembly.controllers
            for metric in controller.spec.metrics
            if metric.retained
            for address in (f"{controller.id}/{metric.name}",)
        }
        self._saved: dict[str, float] = {}
        self._saved_ns: int | None = None
        self._failing = False

    def restore(self, time_ns: int) -> None:
        """Publishes what was kept, of those that this site still has."""
        self._saved = self._load()
        for address, value in self._saved.items():
            if address in self._handles and isfinite(value):
                self._image.publish(self._handles[address], value, time_ns)

    def keep(self, time_ns: int, *, at_once: bool = False) -> None:
        """Saves what changed, every ten seconds, or now."""
        if self._path is None or not self._handles:
            return
        due = self._saved_ns is None or time_ns - self._saved_ns >= SAVE_EVERY_NS
        if at_once or due:
            self._saved_ns = time_ns
            self._save(self._path)

    def _save(self, path: Path) -> None:
        snapshot = self._image.snapshot()
        found = {address: snapshot.value(handle) for address, handle in self._handles.items()}
        values = {address: value for address, value in found.items() if not isnan(value)}
        if values == self._saved:
            return
        try:
            replace_durably(path, msgspec.json.encode(_File(VERSION, values, _digest(values))))
            self._saved, self._failing = values, False
        except OSError as error:
            if not self._failing:
                log.warning("retained metrics cannot be saved", extra={"error": str(error)})
            self._failing = True

    def _load(self) -> dict[str, float]:
        if self._path is None:
            return {}
        try:
            return _checked(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            log.warning("retained metrics from before the restart are left out", extra={"error": str(error)})
            return {}


def _checked(content: bytes) -> dict[str, float]:
    file = msgspec.json.decode(content, type=_File)
    if file.version != VERSION or file.checksum != _digest(file.values):
        raise ValueError(f"{FILE} is of another version or does not match its checksum")
    return file.values


def _digest(values: Mapping[str, float]) -> str:
    return hashlib.sha256(msgspec.json.encode(dict(sorted(values.items())))).hexdigest()
