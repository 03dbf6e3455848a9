"""Prices of some days, and the file that they outlast a restart in. Pure but for that file."""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from simems_edge.bridges.prices.day import Slot
from simems_edge.buffer.durable import replace_durably
from simems_edge.config import PriceSettings

log = logging.getLogger(__name__)
FILE: Final = "prices.json"
VERSION: Final = 1
KEPT_S: Final = 86_400
"""Prices that ended longer ago are forgotten."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    source: str
    """Hash of the settings: prices of another source, tax or currency are not these."""
    slots: list[tuple[int, int, float]]


@dataclass(frozen=True)
class PriceTable:
    """Slots in order of time, none overlapping another; there may be gaps between days."""

    slots: tuple[Slot, ...] = ()

    def at(self, now_s: float) -> Slot | None:
        """The one that holds now."""
        return next((slot for slot in self.slots if slot.start_s <= now_s < slot.end_s), None)

    def following(self, slot: Slot) -> Slot | None:
        """The one that begins when ``slot`` ends."""
        return next((one for one in self.slots if one.start_s == slot.end_s), None)

    def known_until(self, slot: Slot) -> int:
        """End of the last slot that follows ``slot`` without a gap, UTC in s."""
        while (following := self.following(slot)) is not None:
            slot = following
        return slot.end_s

    def covers(self, start_s: int, end_s: int) -> bool:
        """Whether every moment has its price."""
        first = self.at(start_s)
        return first is not None and self.known_until(first) >= end_s

    def with_day(self, day: Iterable[Slot], now_s: float) -> PriceTable:
        """A new day in place of what was known of its time; what is long over is forgotten."""
        fresh = tuple(day)
        first, last = fresh[0].start_s, fresh[-1].end_s
        kept = [one for one in self.slots if one.end_s <= first or one.start_s >= last]
        kept = [one for one in kept if one.end_s > now_s - KEPT_S]
        return PriceTable(tuple(sorted((*kept, *fresh), key=lambda slot: slot.start_s)))


def fingerprint(settings: PriceSettings) -> str:
    """Tells one source and its arithmetic from another."""
    return hashlib.sha256(settings.model_dump_json(exclude={"retry_s", "timeout_s", "token_file"}).encode()).hexdigest()


def save(folder: Path, table: PriceTable, settings: PriceSettings) -> None:
    """The old file or the new one, whenever the power goes. Raises OSError."""
    slots = [(slot.start_s, slot.end_s, slot.price_per_kwh) for slot in table.slots]
    content = msgspec.json.encode(_File(VERSION, fingerprint(settings), slots))
    replace_durably(folder / FILE, content)


def load(folder: Path, settings: PriceSettings) -> PriceTable:
    """Empty when there is no file, when it is damaged or of another source; the log says which."""
    try:
        found = msgspec.json.decode((folder / FILE).read_bytes(), type=_File)
    except FileNotFoundError:
        return PriceTable()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        log.warning("kept prices cannot be read; they are asked for again", extra={"error": str(error)})
        return PriceTable()
    slots = tuple(Slot(*row) for row in found.slots)
    if found.version != VERSION or found.source != fingerprint(settings) or not _in_order(slots):
        log.warning("kept prices are of another source or damaged; they are asked for again")
        return PriceTable()
    return PriceTable(slots)


def _in_order(slots: tuple[Slot, ...]) -> bool:
    right = all(slot.start_s < slot.end_s and math.isfinite(slot.price_per_kwh) for slot in slots)
    return right and all(one.end_s <= other.start_s for one, other in itertools.pairwise(slots))
