"""What an arrival carries, read without unpacking its values."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from simems_cloud.ingest.door import Arrival

FRAME, EVENT, CHANNEL = 200, 100, 20
"""Storing a frame, an event, a channel's latest value: each costs about as much as so many values."""
TELEMETRY, HELLO = SHARED = ("telemetry", "hello")
DURABLE = (TELEMETRY, "events")


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
    """About how many values storing it is worth."""
    kind: str | None = TELEMETRY
    """Telemetry, which changes nothing but values, and hellos may share a transaction with those of other devices;
    None: anything else."""


def parcel(arrival: Arrival) -> Parcel:
    """Never raises; what cannot be read is nothing to store."""
    try:
        label = _label.decode(arrival.payload)
    except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError):
        return Parcel(arrival, None, 1, None)
    sequence = label.sequence if label.type in DURABLE else None
    return Parcel(arrival, sequence, _weight(label), label.type if label.type in SHARED else None)


def _weight(label: _Label) -> int:
    return FRAME + EVENT * len(label.events) + len(label.columns) * (CHANNEL + len(label.times_us))
