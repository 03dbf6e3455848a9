"""Rows of the recorder as columns of the wire: multiples of each channel's resolution, only valid values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from simems_core import wire

GOOD, STALE, BAD, FORCED = 0, 1, 2, 3
LARGEST = 2.0**53
"""Above this a double no longer counts in ones."""


@dataclass(frozen=True)
class RecordedChannel:
    """What the quantiser must know of a channel. ``resolution`` 0 keeps full doubles."""

    address: str
    kind: str = "float"
    resolution: float = 0.0

    @property
    def step(self) -> float:
        """Counts, flags and codes are whole numbers even when nobody said so."""
        return 1.0 if self.resolution == 0 and self.kind in {"int", "bool", "enum"} else self.resolution


def quantise(
    channels: Sequence[RecordedChannel], values: npt.NDArray[np.float64], qualities: npt.NDArray[np.uint8]
) -> list[wire.Column]:
    """One column per channel that was ever written.

    Args:
        channels: in the order of the columns.
        values: (rows, channels), in the channels' units; NaN where nothing was written.
        qualities: (rows, channels), codes of the core.
    """
    columns = (_column(c, values[:, n], qualities[:, n]) for n, c in enumerate(channels))
    return [column for column in columns if column is not None]


def _column(
    channel: RecordedChannel, values: npt.NDArray[np.float64], qualities: npt.NDArray[np.uint8]
) -> wire.Column | None:
    if np.isnan(values).all() and (qualities == STALE).all():
        return None
    quality = qualities.copy()
    valid = (quality == GOOD) | (quality == FORCED)
    with np.errstate(over="ignore"):
        scaled = values / channel.step if channel.step else values
    usable = np.isfinite(scaled) & ((np.abs(scaled) < LARGEST) if channel.step else True)
    quality[valid & ~usable] = BAD
    numbers = _numbers(scaled, valid & usable, whole=channel.step != 0)
    codes = None if (quality == GOOD).all() else quality.tolist()
    return wire.Column(channel=channel.address, resolution=channel.step, values=numbers, quality=codes)


def _numbers(scaled: npt.NDArray[np.float64], valid: npt.NDArray[np.bool_], *, whole: bool) -> list[float | int | None]:
    if whole:
        return [round(number) if good else None for number, good in zip(scaled.tolist(), valid, strict=True)]
    return [number if good else None for number, good in zip(scaled.tolist(), valid, strict=True)]
