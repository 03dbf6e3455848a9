"""Raw blocks into buckets; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
VALID = (0, 3)
"""Quality codes of values that count: good and forced."""


@dataclass(frozen=True)
class RawBlock:
    """Values of one channel over one frame; quality None: all good."""

    address: str
    times_us: Sequence[int]
    values: Sequence[float | None]
    quality: Sequence[int] | None


@dataclass(frozen=True)
class Buckets:
    """NaN where there is no valid value."""

    mean: Floats
    minimum: Floats
    maximum: Floats

    @staticmethod
    def empty(count: int) -> Buckets:
        return Buckets(*(np.full(count, np.nan) for _ in range(3)))

    def put(self, index: int, mean: float, minimum: float, maximum: float) -> None:
        self.mean[index], self.minimum[index], self.maximum[index] = mean, minimum, maximum


def native_step_s(blocks: Sequence[RawBlock]) -> float:
    """Median distance of neighbouring times, 0 with fewer than two: finer buckets would only be holes."""
    times = np.unique(np.array([time for block in blocks for time in block.times_us], dtype=np.int64))
    return float(np.median(np.diff(times))) / 1e6 if len(times) > 1 else 0.0


def valid_samples(block: RawBlock) -> tuple[Floats, Floats]:
    """(times in s, values) of what is there and counts."""
    values = np.array([np.nan if value is None else value for value in block.values], dtype=np.float64)
    keep = np.isfinite(values)
    if block.quality is not None:
        keep &= np.isin(np.array(block.quality), VALID)
    return np.array(block.times_us, dtype=np.float64)[keep] / 1e6, values[keep]


def aggregate(blocks: Sequence[RawBlock], *, start_s: float, end_s: float, step_s: float) -> dict[str, Buckets]:
    """Mean, minimum and maximum per channel and step of [start, end)."""
    grouped: dict[str, list[RawBlock]] = defaultdict(list)
    for block in blocks:
        grouped[block.address].append(block)
    count = max(0, int(np.ceil((end_s - start_s) / step_s)))
    return {address: _buckets(own, start_s, end_s, step_s, count) for address, own in grouped.items()}


def _buckets(blocks: Sequence[RawBlock], start_s: float, end_s: float, step_s: float, count: int) -> Buckets:
    samples = [valid_samples(block) for block in blocks]
    times = np.concatenate([sample[0] for sample in samples])
    values = np.concatenate([sample[1] for sample in samples])
    inside = (times >= start_s) & (times < end_s)
    index, values = ((times[inside] - start_s) / step_s).astype(np.int64), values[inside]
    buckets = Buckets.empty(count)
    number = np.bincount(index, minlength=count)
    sums = np.bincount(index, weights=values, minlength=count)
    seen = number > 0
    buckets.mean[seen] = sums[seen] / number[seen]
    np.fmin.at(buckets.minimum, index, values)
    np.fmax.at(buckets.maximum, index, values)
    return buckets
