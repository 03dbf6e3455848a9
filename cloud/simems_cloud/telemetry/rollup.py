"""Additive rollups of one batch: sums, counts and extremes that merge with what is stored, in any order; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from simems_cloud.telemetry.raw import VALID

MINUTE_US = 60_000_000
QUARTER_US = 15 * MINUTE_US
Sample = tuple[int, float]
"""(UTC microseconds, value)"""


@dataclass
class Rollup:
    """One channel over one interval."""

    channel_id: int
    start_us: int
    count: int = 0
    sum: float = 0.0
    positive_sum: float = 0.0
    minimum: float = float("inf")
    maximum: float = float("-inf")
    first_value: float = 0.0
    first_us: int = 0
    last_value: float = 0.0
    last_us: int = 0
    minutes_seen: int = 0

    def add(self, time_us: int, value: float) -> None:
        if self.count == 0 or time_us < self.first_us:
            self.first_us, self.first_value = time_us, value
        if self.count == 0 or time_us >= self.last_us:
            self.last_us, self.last_value = time_us, value
        self.count += 1
        self.sum += value
        self.positive_sum += max(value, 0.0)
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)


class Rollups:
    """Collects the samples of a batch at one interval length."""

    def __init__(self, length_us: int) -> None:
        self._length_us = length_us
        self._rows: dict[tuple[int, int], Rollup] = {}

    def add(self, channel_id: int, samples: Iterable[Sample]) -> None:
        for time_us, value in samples:
            self._row(channel_id, time_us).add(time_us, value)

    def see(self, channel_id: int, minutes: Iterable[int]) -> None:
        """Mark whole minutes (since 1970) as covered, where their interval has a value."""
        for minute in minutes:
            start_us = minute * MINUTE_US
            row = self._rows.get((channel_id, start_us - start_us % self._length_us))
            if row is not None:
                row.minutes_seen |= 1 << (minute % 15)

    def rows(self) -> list[Rollup]:
        """In key order, so that two writers never wait for each other in a circle."""
        return [self._rows[key] for key in sorted(self._rows)]

    def _row(self, channel_id: int, time_us: int) -> Rollup:
        start_us = time_us - time_us % self._length_us
        return self._rows.setdefault((channel_id, start_us), Rollup(channel_id, start_us))


def valid(times_us: list[int], values: list[float | None], quality: list[int] | None) -> list[Sample]:
    codes = quality or [0] * len(values)
    rows = zip(times_us, values, codes, strict=True)
    return [(time_us, value) for time_us, value, code in rows if value is not None and code in VALID]


def covered_minutes(samples: list[Sample]) -> set[int]:
    """Minutes the samples speak for: a value holds until the next, unless the pause is thrice the usual."""
    minutes = {time_us // MINUTE_US for time_us, _ in samples}
    steps = [later - earlier for (earlier, _), (later, _) in pairwise(samples)]
    if not steps:
        return minutes
    longest_us = min(3 * median(steps), QUARTER_US)
    for (earlier, _), (later, _) in pairwise(samples):
        if later - earlier <= longest_us:
            minutes.update(range(earlier // MINUTE_US, later // MINUTE_US))
    return minutes


def as_columns(rows: list[Rollup], *, minutes: bool) -> list[list[object]]:
    """Arguments of the upsert: one list per column."""
    names = [field.name for field in fields(Rollup) if minutes or field.name != "minutes_seen"]
    return [[_value(row, name) for row in rows] for name in names]


def _value(row: Rollup, name: str) -> object:
    value = getattr(row, name)
    return moment(value) if name.endswith("_us") else value


def moment(time_us: int) -> datetime:
    """Exact: no float in between."""
    seconds, rest = divmod(time_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
