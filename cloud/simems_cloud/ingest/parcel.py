"""What an arrival carries, read without unpacking its values."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from simems_cloud.ingest.door import Arrival
from simems_cloud.telemetry.rollup import MINUTE_US, QUARTER_US

VALUES_PER_ROW = 16
"""Storing so many values costs about as much as storing one row."""
DURABLE = ("telemetry", "events")


class _Unread(msgspec.Struct):
    """A column or an event."""


class _Label(msgspec.Struct):
    type: str
    sequence: int = 0
    times_us: list[int] = []
    columns: list[_Unread] = []
    events: list[_Unread] = []


_label = msgspec.msgpack.Decoder(_Label)


@dataclass(frozen=True)
class Parcel:
    """One arrival with its place among the others of its device."""

    arrival: Arrival
    sequence: int | None
    """None: not a frame to store (a hello, garbage); it goes before all frames."""
    weight: int
    """About how many rows storing it makes or changes, which is what storing takes time for."""


def parcel(arrival: Arrival) -> Parcel:
    """Never raises; what cannot be read is nothing to store."""
    try:
        label = _label.decode(arrival.payload)
    except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError):
        return Parcel(arrival, None, 1)
    return Parcel(arrival, label.sequence if label.type in DURABLE else None, _weight(label))


def _weight(label: _Label) -> int:
    """The frame, its events, and per channel: the block, the latest value, the rollups of minutes and quarter hours."""
    rows = len(label.times_us)
    span_us = max(0, sum(label.times_us[1:]))
    minutes = min(rows, span_us // MINUTE_US + 1)
    quarters = min(rows, span_us // QUARTER_US + 1)
    return 1 + len(label.events) + len(label.columns) * (2 + minutes + quarters + rows // VALUES_PER_ROW)
