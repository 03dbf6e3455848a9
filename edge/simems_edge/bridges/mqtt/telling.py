"""Which channels must be told now, and how. Pure.

Nothing queues up: what is not told yet is told with its newest value, so a slow broker costs old values, never memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from simems_core import BAD, FORCED, GOOD, STALE, Channel, Snapshot

from simems_edge.bridges.mqtt.topics import Topics

REPEATED_S: Final = 60.0
QUALITIES: Final = {GOOD: "good", STALE: "stale", BAD: "bad", FORCED: "forced"}
Told = tuple[float | None, int]
"""Value (None: no valid one) and quality."""


class Teller:
    """Knows what was told last of each channel."""

    def __init__(self, channels: Sequence[tuple[int, Channel]], topics: Topics) -> None:
        """``channels``: with their handles."""
        self._channels, self._topics = channels, topics
        self._told: dict[int, tuple[Told, float]] = {}

    def forget(self) -> None:
        """A new session with the broker: everything is told again."""
        self._told.clear()

    def due(self, snapshot: Snapshot, now_s: float, utc_us: int) -> Iterator[tuple[str, str]]:
        """Topic and payload of each channel that changed, or was told a minute ago. Counts as told when it is asked
        for the next one."""
        for handle, channel in self._channels:
            value = snapshot.value(handle)
            now: Told = (None if math.isnan(value) else value, snapshot.quality(handle))
            last = self._told.get(handle)
            if last is not None and now_s - last[1] < REPEATED_S and not _differs(channel, last[0], now):
                continue
            then_us = utc_us - (snapshot.time_ns - snapshot.time_of(handle)) // 1000
            yield self._topics.channel(channel.address), payload(channel, now, None if now[0] is None else then_us)
            self._told[handle] = (now, now_s)


def _differs(channel: Channel, last: Told, now: Told) -> bool:
    if last[0] is None or now[0] is None or last[1] != now[1]:
        return last != now
    return abs(now[0] - last[0]) >= max(channel.resolution, 1e-12)


def payload(channel: Channel, told: Told, time_us: int | None) -> str:
    """JSON with ``value`` (null unless it is valid), ``quality``, ``time`` and, of an enumeration, ``label``."""
    value = told[0]
    found: dict[str, object] = {"value": _rounded(channel, value), "quality": QUALITIES.get(told[1], "bad")}
    if time_us is not None:
        found["time"] = datetime.fromtimestamp(time_us * 1e-6, UTC).isoformat(timespec="milliseconds")
    if channel.labels:
        found["label"] = None if value is None else channel.labels.get(int(value), str(int(value)))
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def _rounded(channel: Channel, value: float | None) -> float | None:
    if value is None or channel.resolution <= 0.0:
        return value
    return round(round(value / channel.resolution) * channel.resolution, 9) + 0.0
