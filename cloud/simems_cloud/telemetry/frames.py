"""One durable message of a device, checked and unpacked; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace
from simems_core.wire import (
    Durable,
    Event,
    Events,
    Telemetry,
    WireError,
    absolute_us,
    decode_from_edge,
    inconsistency,
)

from simems_cloud.telemetry.columns import LONGEST_ADDRESS, MAX_VALUE, NO_COLUMNS, Columns, read_columns

EARLIEST_US = 1_577_836_800_000_000
"""2020-01-01: older telemetry comes from a clock that was never set."""
LATEST_AHEAD_US = 300_000_000
"""Five minutes: a clock further ahead is wrong."""
LONGEST_US = 86_400_000_000
"""One frame covers at most a day."""


@dataclass(frozen=True)
class Frame:
    """What is stored under (device, sequence)."""

    sequence: int
    checksum: bytes
    times_us: list[int]
    columns: Columns
    events: list[Event]
    refusal: str | None = None

    @property
    def kind(self) -> str:
        if self.refusal is not None:
            return "refused"
        return "telemetry" if self.times_us else "events"


@dataclass(frozen=True)
class Sealed:
    """A durable message that nobody has unpacked yet: one that is stored already need not be."""

    sequence: int
    payload: bytes
    checksum: bytes


def sealed(sequence: int, payload: bytes) -> Sealed:
    return Sealed(sequence, payload, checksum(payload))


def opened(message: Sealed, now_us: int) -> Frame:
    """Unpacked and checked; never raises."""
    try:
        durable = decode_from_edge(message.payload)
    except WireError as error:
        return refused(message.sequence, message.payload, str(error))
    if not isinstance(durable, Telemetry | Events):
        return refused(message.sequence, message.payload, "not a message to store")
    return unpack(durable, message.payload, now_us)


def checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=16).digest()


def unpack(message: Durable, payload: bytes, now_us: int) -> Frame:
    """A frame to store; one that cannot be stored carries its refusal and nothing else."""
    if isinstance(message, Events):
        problem = inconsistency(message) or unusable(message, now_us)
        if problem is not None:
            return refused(message.sequence, payload, problem)
        return Frame(message.sequence, checksum(payload), [], NO_COLUMNS, message.events)
    return _unpack(message, payload, now_us)


def _unpack(message: Telemetry, payload: bytes, now_us: int) -> Frame:
    """Values are checked all at once; only when that fails one by one, for the words."""
    problem = inconsistency(replace(message, columns=[])) or _unusable_times(message, now_us)
    columns = None if problem else read_columns(message.columns, len(message.times_us))
    if columns is None:
        reason = problem or inconsistency(message) or unusable(message, now_us) or "columns that cannot be read"
        return refused(message.sequence, payload, reason)
    return Frame(message.sequence, checksum(payload), absolute_us(message.times_us), columns, [])


def refused(sequence: int, payload: bytes, reason: str) -> Frame:
    return Frame(sequence, checksum(payload), [], NO_COLUMNS, [], refusal=reason[:500])


def unusable(message: Durable, now_us: int) -> str | None:
    """What a well-formed message says that cannot be true; None when nothing."""
    if message.sequence >= 2**63:
        return f"sequence {message.sequence} is out of range"
    if isinstance(message, Events):
        times = sorted(event.time_us for event in message.events)
        texts = [text for e in message.events for text in (e.id, e.code, e.component, e.text, e.cause, e.effect)]
        return _times(times, now_us) or _texts([*texts, *(e.remedy + e.actor for e in message.events)])
    return _unusable_times(message, now_us) or _texts([c.channel for c in message.columns]) or _values(message)


def _unusable_times(message: Telemetry, now_us: int) -> str | None:
    times = absolute_us(message.times_us)
    if times[-1] - times[0] > LONGEST_US:
        return "one frame covers more than a day"
    return _times(times, now_us)


def _times(times_us: Sequence[int], now_us: int) -> str | None:
    if not times_us:
        return None
    if times_us[0] < EARLIEST_US:
        return f"time {times_us[0]} us is before 2020; is the device's clock set?"
    if times_us[-1] > now_us + LATEST_AHEAD_US:
        ahead_s = (times_us[-1] - now_us) / 1e6
        return f"time is {ahead_s:.0f} s ahead of the server; is the device's clock right?"
    return None


def _texts(texts: Sequence[str]) -> str | None:
    if any("\0" in text or len(text) > 4000 for text in texts):
        return "a text with a NUL or of more than 4000 characters"
    return None


def _values(message: Telemetry) -> str | None:
    for column in message.columns:
        scale = column.resolution or 1.0
        if any(value is not None and not abs(value * scale) <= MAX_VALUE for value in column.values):
            return f"{column.channel}: a value beyond +-{MAX_VALUE:g}"
        if "/" not in column.channel or len(column.channel) > LONGEST_ADDRESS:
            return f"{column.channel[:200]!r}: not a channel address (component/channel)"
    return None
