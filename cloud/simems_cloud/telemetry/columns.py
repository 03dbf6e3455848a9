"""The columns of one frame as one matrix: checked, scaled to the channels' units; pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt
from simems_core.wire import Column

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int16]
Flags = npt.NDArray[np.bool_]
GOOD, STALE, BAD, FORCED = 0, 1, 2, 3
MAX_VALUE = 1e15
LONGEST_ADDRESS = 200


@dataclass(frozen=True)
class Columns:
    """One row per channel, one column per time."""

    channels: list[str]
    resolutions: list[float]
    values: Floats
    """In the channel's unit; NaN where there is no value."""
    quality: Codes


NO_COLUMNS = Columns([], [], np.empty((0, 0)), np.empty((0, 0), np.int16))


@dataclass(frozen=True)
class _Layout:
    """What the columns of frame after frame have in common, checked once."""

    channels: list[str]
    resolutions: list[float]
    sizes: Floats
    """What one multiple is worth."""
    divisors: Floats
    factors: Floats


def read_columns(columns: list[Column], rows: int) -> Columns | None:
    """None when anything about a column is not as it must be; saying what is left to the slow check."""
    if not columns:
        return NO_COLUMNS
    layout = _layout(tuple(column.channel for column in columns), tuple(column.resolution for column in columns))
    numbers, quality = _numbers(columns, rows), _quality(columns, rows)
    if layout is None or numbers is None or quality is None or not _bounded(numbers, layout.sizes):
        return None
    holes = np.isnan(numbers)
    if holes.any():
        quality[(quality == GOOD) & holes] = STALE
    return Columns(layout.channels, layout.resolutions, numbers / layout.divisors * layout.factors, quality)


@lru_cache(maxsize=1024)
def _layout(channels: tuple[str, ...], resolutions: tuple[float, ...]) -> _Layout | None:
    if not _resolutions(resolutions) or not _addresses(channels):
        return None
    scales = np.array(resolutions)[:, None]
    divisors, factors = scaling(scales)
    return _Layout(list(channels), list(resolutions), np.where(scales == 0, 1.0, scales), divisors, factors)


def scaling(resolutions: Floats) -> tuple[Floats, Floats]:
    """(divisors, factors) that make multiples of a resolution its unit (0: the numbers themselves), up to 2^53.

    Divided where the resolution is one over a whole number: 3 tenths are 0.3 exactly.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        inverse = np.where(resolutions < 1, np.rint(1.0 / resolutions), 0.0)
        divides = (inverse > 0) & (np.abs(inverse * resolutions - 1.0) < 1e-12)
    divisors: Floats = np.where(divides, inverse, 1.0)
    factors: Floats = np.where(divides | (resolutions == 0), 1.0, resolutions)
    return divisors, factors


def _numbers(columns: list[Column], rows: int) -> Floats | None:
    """As sent; NaN for None. None: ragged, not finite, or a fraction among multiples."""
    lists = [column.values for column in columns]
    if any(len(values) != rows for values in lists):
        return None
    if all(column.resolution for column in columns):
        try:
            packed = struct.pack(f"={len(lists) * rows}q", *chain.from_iterable(lists))
        except struct.error:  # a hole, a fraction or beyond 64 bits
            return _mixed_numbers(columns)
        return np.frombuffer(packed, dtype=np.int64).astype(np.float64).reshape(len(lists), rows)
    return _mixed_numbers(columns)


def _mixed_numbers(columns: list[Column]) -> Floats | None:
    """The way for doubles, for holes and for multiples beyond 64 bits."""
    lists = [column.values for column in columns]
    kinds = set(map(type, chain.from_iterable(lists)))
    if float in kinds and any(c.resolution and float in set(map(type, c.values)) for c in columns):
        return None
    numbers = np.array(lists, dtype=np.float64)
    holes = sum(values.count(None) for values in lists) if type(None) in kinds else 0
    return numbers if np.count_nonzero(~np.isfinite(numbers)) == holes else None


def _quality(columns: list[Column], rows: int) -> Codes | None:
    codes = np.zeros((len(columns), rows), dtype=np.int16)
    for index, column in enumerate(columns):
        if column.quality is None:
            continue
        if len(column.quality) != rows or not {GOOD, STALE, BAD, FORCED}.issuperset(column.quality):
            return None
        codes[index] = column.quality
    return codes


def _resolutions(resolutions: Sequence[float]) -> bool:
    return all(0 <= resolution < float("inf") for resolution in resolutions)


def _addresses(channels: Sequence[str]) -> bool:
    usable = all("/" in channel and "\0" not in channel and len(channel) <= LONGEST_ADDRESS for channel in channels)
    return usable and len(set(channels)) == len(channels)


def _bounded(numbers: Floats, sizes: Floats) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        return not bool((np.abs(numbers * sizes) > MAX_VALUE).any())
