"""Additive rollups of one batch: sums, counts and extremes that merge with what is stored, in any order; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from simems_cloud.telemetry.columns import FORCED, GOOD, Codes, Flags, Floats, Whole

MINUTE_US = 60_000_000
QUARTER_US = 15 * MINUTE_US


@dataclass(frozen=True)
class Samples:
    """Valid values, by channel, then by time; of one time in the order they came."""

    channel_id: Whole
    time_us: Whole
    value: Floats


@dataclass(frozen=True)
class Rollup:
    """One entry per channel and interval, in key order, so that two writers never wait for each other in a circle."""

    channel_id: Whole
    start_us: Whole
    count: Whole
    sum: Floats
    positive_sum: Floats
    minimum: Floats
    maximum: Floats
    first_value: Floats
    first_us: Whole
    last_value: Floats
    last_us: Whole

    def arguments(self) -> list[list[float]]:
        """One list per column, in the order of the upsert."""
        return [column.tolist() for column in vars(self).values()]


@dataclass(frozen=True)
class PackedFrame:
    """One frame as it lies in the database: one row of ``values`` per channel, one column per time."""

    channel_ids: Whole
    times_us: Whole
    values: Floats
    """NaN: none."""
    quality: Codes | None
    """None: all good."""

    @property
    def valid(self) -> Flags:
        """What is there and counts: good and forced."""
        there: Flags = ~np.isnan(self.values)
        return there if self.quality is None else there & ((self.quality == GOOD) | (self.quality == FORCED))


def samples_of(frames: Sequence[PackedFrame]) -> Samples:
    parts = [_samples(frame) for frame in frames]
    channel_id, time_us, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return in_order(channel_id, time_us, value)


def _samples(frame: PackedFrame) -> tuple[Whole, Whole, Floats]:
    valid = frame.valid
    times = np.broadcast_to(frame.times_us, valid.shape)
    return np.repeat(frame.channel_ids, valid.sum(axis=1)), times[valid], frame.values[valid]


def in_order(channel_id: Whole, time_us: Whole, value: Floats) -> Samples:
    order = np.lexsort((time_us, channel_id))
    return Samples(channel_id[order], time_us[order], value[order])


def roll_up(samples: Samples, length_us: int) -> Rollup:
    """Over clock-aligned intervals of ``length_us``."""
    channel_id, time_us, value = samples.channel_id, samples.time_us, samples.value
    start_us = time_us - time_us % length_us
    first = _changes(channel_id, start_us)
    count = np.diff(first, append=len(value))
    group = np.repeat(np.arange(len(first)), count)
    last = first + count - 1
    return Rollup(
        channel_id=channel_id[first],
        start_us=start_us[first],
        count=count,
        sum=_sums(group, value),
        positive_sum=_sums(group, np.maximum(value, 0.0)),
        minimum=np.minimum.reduceat(value, first),
        maximum=np.maximum.reduceat(value, first),
        first_value=value[first],
        first_us=time_us[first],
        last_value=value[last],
        last_us=time_us[last],
    )


def _sums(group: Whole, value: Floats) -> Floats:
    """One after the other, as whoever adds them up by hand; never pairwise."""
    return np.bincount(group, weights=value).astype(np.float64, copy=False)


def _changes(channel_id: Whole, start_us: Whole) -> Whole:
    """Where a new channel or interval begins."""
    new = np.ones(len(channel_id), dtype=np.bool_)
    new[1:] = (channel_id[1:] != channel_id[:-1]) | (start_us[1:] != start_us[:-1])
    return np.flatnonzero(new)


def minutes_seen(quarters: Rollup, frames: Iterable[PackedFrame]) -> Whole:
    """Per entry of ``quarters``: bit n, minute n of it is covered by values of one of the frames."""
    known = np.unique(quarters.channel_id)
    keys = _keys(known, quarters.channel_id, quarters.start_us // QUARTER_US)
    seen = np.zeros(len(keys), dtype=np.int64)
    for frame in frames:
        for valid, own in _patterns(frame):
            quarter, bits = _quarter_bits(covered_minutes(frame.times_us[valid]))
            wanted = _keys(known, np.repeat(own, len(quarter)), np.tile(quarter, len(own)))
            place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
            there = keys[place] == wanted
            np.bitwise_or.at(seen, place[there], np.tile(bits, len(own))[there])
    return seen


def joined(frames: Sequence[PackedFrame]) -> list[PackedFrame]:
    """Frames of the same channels as one: what holds from the end of one until the next is then seen to."""
    groups: dict[bytes, list[PackedFrame]] = {}
    for frame in frames:
        groups.setdefault(frame.channel_ids.tobytes(), []).append(frame)
    return [own[0] if len(own) == 1 else _one(own) for own in groups.values()]


def _one(frames: Sequence[PackedFrame]) -> PackedFrame:
    times = np.concatenate([frame.times_us for frame in frames])
    values = np.concatenate([np.where(frame.valid, frame.values, np.nan) for frame in frames], axis=1)
    order = np.argsort(times, kind="stable")
    return PackedFrame(frames[0].channel_ids, times[order], values[:, order], None)


def _keys(known: Whole, channel_id: Whole, quarter: Whole) -> Whole:
    """Channel and quarter hour since 1970 as one number that sorts alike."""
    return (np.searchsorted(known, channel_id) << 32) | quarter


def _patterns(frame: PackedFrame) -> list[tuple[Flags, Whole]]:
    """Channels whose values are valid at the same times; those without any left out."""
    valid, channel_ids = frame.valid, frame.channel_ids
    if valid.all():
        return [(valid[0], channel_ids)]
    groups: dict[bytes, list[int]] = {}
    for index in np.flatnonzero(valid.any(axis=1)).tolist():
        groups.setdefault(valid[index].tobytes(), []).append(index)
    return [(valid[rows[0]], channel_ids[rows]) for rows in groups.values()]


def covered_minutes(times_us: Whole) -> Whole:
    """Minutes since 1970 that values at these rising times speak for, some of them twice.

    A value holds until the next, unless the pause is thrice the usual.
    """
    minutes = times_us // MINUTE_US
    steps = np.diff(times_us)
    if len(steps) == 0:
        return minutes
    spans = np.where(steps <= min(3 * _median(steps), QUARTER_US), np.diff(minutes), 0)
    offsets = np.arange(spans.sum()) - np.repeat(np.cumsum(spans) - spans, spans)
    return np.concatenate([minutes, np.repeat(minutes[:-1], spans) + offsets])


def _median(steps: Whole) -> float:
    ordered = np.sort(steps)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _quarter_bits(minutes: Whole) -> tuple[Whole, Whole]:
    """(quarter hours since 1970, bits of the minutes in them)."""
    quarters, place = np.unique(minutes // 15, return_inverse=True)
    bits = np.zeros(len(quarters), dtype=np.int64)
    np.bitwise_or.at(bits, place, np.left_shift(1, minutes % 15))
    return quarters, bits


def moment(time_us: int) -> datetime:
    """Exact: no float in between."""
    seconds, rest = divmod(time_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
