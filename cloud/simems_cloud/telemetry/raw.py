"""Raw values into buckets; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from simems_cloud.telemetry.columns import Floats, Whole
from simems_cloud.telemetry.samples import RawValues


@dataclass(frozen=True)
class Buckets:
    """NaN where there is no valid value."""

    mean: Floats
    minimum: Floats
    maximum: Floats

    @staticmethod
    def empty(count: int) -> Buckets:
        return Buckets(*(np.full(count, np.nan) for _ in range(3)))

    def put(self, index: Whole, mean: Floats, minimum: Floats, maximum: Floats) -> None:
        """Those within."""
        keep = (index >= 0) & (index < len(self.mean))
        self.mean[index[keep]], self.minimum[index[keep]] = mean[keep], minimum[keep]
        self.maximum[index[keep]] = maximum[keep]


def native_step_s(found: Iterable[RawValues]) -> float:
    """Median distance of neighbouring times, 0 with fewer than two: finer buckets would only be holes."""
    times = [raw.times_us for raw in found]
    joined = np.unique(np.concatenate(times)) if times else np.empty(0)
    return float(np.median(np.diff(joined))) / 1e6 if len(joined) > 1 else 0.0


def aggregate(raw: RawValues, *, start_s: float, end_s: float, step_s: float) -> Buckets:
    """Mean, minimum and maximum per step of [start, end)."""
    count = max(0, int(np.ceil((end_s - start_s) / step_s)))
    times, values = raw.times_us[raw.valid] / 1e6, raw.values[raw.valid]
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
