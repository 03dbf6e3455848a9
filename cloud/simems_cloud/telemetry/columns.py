"""The columns of one frame as one matrix: checked, scaled to the channels' units; pure."""

from __future__ import annotations

from dataclasses import dataclass
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

    @property
    def valid(self) -> Flags:
        """What is there and counts: good and forced."""
        counts: Flags = ((self.quality == GOOD) | (self.quality == FORCED)) & ~np.isnan(self.values)
        return counts


NO_COLUMNS = Columns([], [], np.empty((0, 0)), np.empty((0, 0), np.int16))


def read_columns(columns: list[Column], rows: int) -> Columns | None:
    """None when anything about a column is not as it must be; saying what is left to the slow check."""
    if not columns:
        return NO_COLUMNS
    numbers, quality = _numbers(columns, rows), _quality(columns, rows)
    resolutions = [column.resolution for column in columns]
    channels = [column.channel for column in columns]
    if numbers is None or quality is None or not _resolutions(resolutions) or not _addresses(channels):
        return None
    scales = np.array(resolutions)
    if not _bounded(numbers, scales):
        return None
    quality[(quality == GOOD) & np.isnan(numbers)] = STALE
    return Columns(channels, resolutions, scaled(numbers, scales), quality)


def scaled(numbers: Floats, resolutions: Floats) -> Floats:
    """Multiples of each row's resolution in its unit (0: the numbers themselves), multiples up to 2^53.

    Divided where the resolution is one over a whole number: 3 tenths are 0.3 exactly.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        inverse = np.where(resolutions < 1, np.rint(1.0 / resolutions), 0.0)
        divides = (inverse > 0) & (np.abs(inverse * resolutions - 1.0) < 1e-12)
    divisors = np.where(divides, inverse, 1.0)
    factors = np.where(divides | (resolutions == 0), 1.0, resolutions)
    result: Floats = numbers / divisors[:, None] * factors[:, None]
    return result


def _numbers(columns: list[Column], rows: int) -> Floats | None:
    """As sent; NaN for None. None: ragged, not finite, or a fraction among multiples."""
    lists = [column.values for column in columns]
    if any(len(values) != rows for values in lists):
        return None
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


def _resolutions(resolutions: list[float]) -> bool:
    return all(0 <= resolution < float("inf") for resolution in resolutions)


def _addresses(channels: list[str]) -> bool:
    usable = all("/" in channel and "\0" not in channel and len(channel) <= LONGEST_ADDRESS for channel in channels)
    return usable and len(set(channels)) == len(channels)


def _bounded(numbers: Floats, resolutions: Floats) -> bool:
    with np.errstate(over="ignore"):
        sizes = np.abs(numbers * np.where(resolutions == 0, 1.0, resolutions)[:, None])
    return not bool((sizes > MAX_VALUE).any())
