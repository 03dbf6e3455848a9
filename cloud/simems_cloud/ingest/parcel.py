"""What an arrival carries, read without unpacking its values."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from simems_cloud.ingest.door import Arrival

FRAME_WEIGHT = 50
"""Storing a frame costs about as much as storing so many more values."""
EVENT_WEIGHT = 100
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
    """One arrival with its place among the others of its device and its weight in values."""

    arrival: Arrival
    sequence: int | None
    """None: not a frame to store (a hello, garbage); it goes before all frames."""
    weight: int


def parcel(arrival: Arrival) -> Parcel:
    """Never raises; what cannot be read is nothing to store."""
    try:
        label = _label.decode(arrival.payload)
    except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError):
        return Parcel(arrival, None, FRAME_WEIGHT)
    values = len(label.times_us) * len(label.columns)
    weight = FRAME_WEIGHT + values + EVENT_WEIGHT * len(label.events)
    return Parcel(arrival, label.sequence if label.type in DURABLE else None, weight)
