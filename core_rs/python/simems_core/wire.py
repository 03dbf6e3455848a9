"""Messages between edge and cloud: MessagePack maps, typed and versioned, readable by any plain reader.

One message is one ZeroMQ frame. ``type`` tells the kind. Times are UTC microseconds. A durable message
(telemetry, events) carries the sequence that the buffer gave it; (device, sequence) is its identity, and
the cloud acknowledges the highest contiguous sequence it has committed. The device is the authenticated
CURVE key of the connection, never a field.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")
VERSION = 1


class WireError(ValueError):
    """A frame that is not a message of this protocol."""


class Message(msgspec.Struct, tag_field="type", kw_only=True, frozen=True, forbid_unknown_fields=False):
    """Base of all messages."""

    version: int = VERSION


class ChannelInfo(msgspec.Struct, kw_only=True, frozen=True):
    """What the edge announces of one channel."""

    address: str
    unit: str = ""
    kind: str = "float"
    resolution: float = 0.0
    labels: dict[int, str] = {}


class ComponentInfo(msgspec.Struct, kw_only=True, frozen=True):
    id: str
    kind: str
    profile: str = ""
    name: str = ""


class Hello(Message, tag="hello"):
    """First message of each connection."""

    site: str
    site_name: str = ""
    time_zone: str
    currency: str = ""
    software: str
    time_us: int
    sequence: int
    """Highest durable sequence on the device, 0 when none."""
    components: list[ComponentInfo]
    channels: list[ChannelInfo]
    settings: dict[str, float] = {}
    """Numbers screens need to draw, e.g. ``peak0/threshold_w``, ``site/import_limit_w``."""


class Column(msgspec.Struct, kw_only=True, frozen=True):
    """Values of one channel at the frame's times. ``None``: no valid value at that time."""

    channel: str
    resolution: float
    """0: values are doubles; else integers, and value = integer * resolution."""
    values: list[float | int | None]
    quality: list[int] | None = None
    """One code per value when any is not good (0 good, 1 stale, 2 bad, 3 forced)."""


class Telemetry(Message, tag="telemetry"):
    sequence: int
    times_us: list[int]
    """Strictly rising UTC; the first absolute, each further one the difference to the one before."""
    columns: list[Column]


class Event(msgspec.Struct, kw_only=True, frozen=True):
    """An alarm raised or cleared, or a person's action, on the device."""

    id: str
    """Unique per occurrence; ``cleared`` repeats the id of its ``raised``."""
    kind: str
    """``raised``, ``cleared``, ``acknowledged`` or ``action``."""
    code: str
    severity: str
    """``info``, ``warning`` or ``alarm``."""
    component: str
    time_us: int
    text: str = ""
    cause: str = ""
    effect: str = ""
    remedy: str = ""
    actor: str = ""


class Events(Message, tag="events"):
    sequence: int
    events: list[Event]


class Ack(Message, tag="ack"):
    """Everything up to and including ``sequence`` is committed."""

    sequence: int


class Refused(Message, tag="refused"):
    """The message with this sequence cannot be stored and never will be; the edge sets it aside and alarms."""

    sequence: int
    reason: str


class Ping(Message, tag="ping"):
    time_us: int


class Pong(Message, tag="pong"):
    time_us: int
    """Echo of the ping."""
    server_time_us: int


class Bye(Message, tag="bye"):
    reason: str = ""


Durable = Telemetry | Events
FromEdge = Hello | Telemetry | Events | Ping | Bye
FromCloud = Ack | Refused | Pong | Bye

_encoder = msgspec.msgpack.Encoder()
_from_edge = msgspec.msgpack.Decoder(FromEdge)
_from_cloud = msgspec.msgpack.Decoder(FromCloud)


def encode(message: FromEdge | FromCloud) -> bytes:
    return _encoder.encode(message)


def decode_from_edge(frame: bytes) -> FromEdge:
    return _decode(_from_edge, frame)


def decode_from_cloud(frame: bytes) -> FromCloud:
    return _decode(_from_cloud, frame)


def _decode(decoder: msgspec.msgpack.Decoder[T], frame: bytes) -> T:
    try:
        message = decoder.decode(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WireError(f"not a message of this protocol: {error}") from error
    return message
