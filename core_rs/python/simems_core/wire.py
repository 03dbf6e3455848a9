"""Messages between edge and cloud: MessagePack maps, typed and versioned, readable by any plain reader.

One message is one ZeroMQ frame. ``type`` tells the kind. Times are UTC microseconds. A durable message
(telemetry, events) carries the sequence that the buffer gave it; (device, sequence) is its identity, and
the cloud acknowledges the highest contiguous sequence it has committed. The device is the authenticated
CURVE key of the connection, never a field.

Compatibility: unknown fields are ignored, new fields come with a default, and ``version`` rises only when an old
reader would misread a message; a version from the future is refused. A plain reader needs integer map keys allowed
(``labels``). Decoding checks types; :func:`inconsistency` checks what types cannot say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound="Message")
VERSION = 1
MAX_FRAME_BYTES = 4 * 1024 * 1024
"""A longer frame is refused before it is decoded."""
MAX_TIME_US = 253_402_300_799_000_000
"""The last second of the year 9999."""


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
    access: str = "read"
    """``read``, ``write`` or ``read_write``."""
    minimum: float | None = None
    maximum: float | None = None
    """In the channel's unit; None: no limit."""
    scale: float = 1.0
    offset: float = 0.0
    """How the device's number became the value: number * scale + offset. Done already; told for the record."""
    rollover: float = 0.0
    """Of a counting register: the value at which it starts again from zero; 0: not known."""
    description: str = ""
    source: str = ""
    """Where the device reads it, e.g. ``holding 40083 int16``."""


class ComponentInfo(msgspec.Struct, kw_only=True, frozen=True):
    """A device or virtual thing of the site. A controller is announced as ``kind="controller"`` with its type as
    ``profile``, so that the why-line can be told away from the site."""

    id: str
    kind: str
    profile: str = ""
    name: str = ""
    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    """Another one than before under the same id: the device was replaced."""
    protocol: str = ""
    firmware: str = ""


class Hello(Message, tag="hello", kw_only=True, frozen=True):
    """First message of each connection."""

    site: str
    site_name: str = ""
    time_zone: str
    currency: str = ""
    software: str
    time_us: int
    sequence: int
    """Highest durable sequence on the device, 0 when none."""
    oldest: int = 0
    """Lowest durable sequence still on the device; everything below it is gone or acknowledged, so the cloud does not
    wait for it. 0: not told (then the cloud waits)."""
    components: list[ComponentInfo]
    channels: list[ChannelInfo]
    settings: dict[str, float] = {}
    """Numbers screens need to draw, e.g. ``peak0/threshold_w``, ``site/import_limit_w``."""
    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    firmware: str = ""
    """Of the controller itself: who made it, and the version of the image it runs."""
    versions: list[int] = msgspec.field(default_factory=lambda: [VERSION])
    """Versions of this protocol that the device reads."""
    features: list[str] = []
    """What it understands beyond storing and acknowledging: ``welcome``, ``commands``."""
    signing_key: str = ""
    """Ed25519 public key of the device, hexadecimal: its signed records are checked with it."""


class Claim(Message, tag="claim", kw_only=True, frozen=True):
    """Of a box that no tenant has taken in yet, over its claim key: who it is. Nothing else is taken from that key."""

    public_key: str
    """The CURVE key that it will come with."""
    signing_key: str
    """Its Ed25519 key, 64 hexadecimal digits: what it signs can be checked with it."""
    software: str = ""
    vendor: str = ""
    model: str = ""
    serial_number: str = ""


class ClaimState(Message, tag="claimstate", kw_only=True, frozen=True):
    """Where a claim stands: ``waiting``, ``approved`` (come with your own key), ``refused``."""

    state: str
    reason: str = ""


class Rekey(Message, tag="rekey", kw_only=True, frozen=True):
    """The device made new keys and will come with them; the old ones end when the new ones were used."""

    public_key: str
    """CURVE."""
    signing_key: str = ""
    """Ed25519, 64 hexadecimal digits; empty: the signing key stays (a device that is older than this field)."""
    signature: str = ""
    """Of that new signing key over :func:`simems_core.rekeying.signed_announcement`, hexadecimal."""


class Rekeyed(Message, tag="rekeyed", kw_only=True, frozen=True):
    """Those keys may be used. ``reason`` says why not, then the old ones stay."""

    public_key: str
    reason: str = ""
    signing_key: str = ""
    """The signing key that is taken with it; empty: none, the old one stays (a cloud that is older than this field)."""


class KeyChange(msgspec.Struct, kw_only=True, frozen=True):
    """A statement of the tenant's old command key: from now on that new one; see :mod:`simems_core.key_changes`."""

    tenant: str
    number: int
    """1 for the first change of a tenant's key; it rises by one with each."""
    old_key: str
    new_key: str
    """Ed25519 public keys, hexadecimal."""
    old_until_us: int
    """From this time of the cloud on nothing that the old key signed is done."""
    signature: str
    """Of the old key, hexadecimal."""


class Welcome(Message, tag="welcome", kw_only=True, frozen=True):
    """After the hello of a device that asks for it: who it is here, and whose commands it shall believe."""

    tenant: str
    device: str
    command_keys: list[str] = []
    """Ed25519 public keys of the tenant, hexadecimal, the one that signs now last. A device that believes none yet
    takes them; any other one only follows ``key_changes``."""
    key_changes: list[KeyChange] | None = None
    """From the tenant's first key to the one that signs now, in order. None: a cloud that knows no changes."""
    command_counter: int = 0
    """Of the newest command there is: a device that has no counter of its own starts from it."""
    versions: list[int] = msgspec.field(default_factory=lambda: [VERSION])
    server_time_us: int = 0


class KeyTaken(Message, tag="keytaken", kw_only=True, frozen=True):
    """Which command key the device believes after a welcome that told of changes."""

    key: str
    number: int
    reason: str = ""
    """Why it does not believe the one that signs now; empty: it does."""


class Command(Message, tag="command", kw_only=True, frozen=True):
    """Something that the device shall do; see :mod:`simems_core.orders` for what is signed and checked."""

    id: str
    tenant: str
    device: str
    counter: int
    kind: str
    not_before_us: int
    expires_us: int
    actor: str
    """Who asked for it."""
    payload: str
    """JSON; what stands in it depends on the kind."""
    payload_sha256: str
    key: str
    """The Ed25519 public key that it is signed with, hexadecimal."""
    signature: str
    """Hexadecimal."""


class CommandAck(Message, tag="commandack", kw_only=True, frozen=True):
    """What became of a command: ``accepted`` (it is being done), ``done``, ``rejected`` or ``expired``."""

    id: str
    state: str
    time_us: int
    reason: str = ""
    attachment: bytes = b""
    """What was asked for, e.g. a diagnostics bundle."""


class Column(msgspec.Struct, kw_only=True, frozen=True):
    """Values of one channel at the frame's times. ``None``: no valid value at that time."""

    channel: str
    resolution: float
    """0: values are doubles; else integers, and value = integer * resolution."""
    values: list[float | int | None]
    quality: list[int] | None = None
    """One code per value when any is not good (0 good, 1 stale, 2 bad, 3 forced)."""


class Telemetry(Message, tag="telemetry", kw_only=True, frozen=True):
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


class Events(Message, tag="events", kw_only=True, frozen=True):
    sequence: int
    events: list[Event]


class Ack(Message, tag="ack", kw_only=True, frozen=True):
    """Everything up to and including ``sequence`` is committed."""

    sequence: int


class Refused(Message, tag="refused", kw_only=True, frozen=True):
    """The message with this sequence cannot be stored and never will be; the edge sets it aside and alarms."""

    sequence: int
    reason: str


class Ping(Message, tag="ping", kw_only=True, frozen=True):
    time_us: int


class Pong(Message, tag="pong", kw_only=True, frozen=True):
    time_us: int
    """Echo of the ping."""
    server_time_us: int


class Bye(Message, tag="bye", kw_only=True, frozen=True):
    reason: str = ""


Durable = Telemetry | Events
FromEdge = Hello | Telemetry | Events | Ping | Bye | Claim | Rekey | CommandAck | KeyTaken
FromCloud = Ack | Refused | Pong | Bye | ClaimState | Rekeyed | Welcome | Command

_encoder = msgspec.msgpack.Encoder()
_from_edge: msgspec.msgpack.Decoder[FromEdge] = msgspec.msgpack.Decoder(FromEdge)
_from_cloud: msgspec.msgpack.Decoder[FromCloud] = msgspec.msgpack.Decoder(FromCloud)


def encode(message: FromEdge | FromCloud) -> bytes:
    return _encoder.encode(message)


_json_from_edge: msgspec.json.Decoder[FromEdge] = msgspec.json.Decoder(FromEdge)
_json_from_cloud: msgspec.json.Decoder[FromCloud] = msgspec.json.Decoder(FromCloud)


def encode_json(message: FromEdge | FromCloud) -> bytes:
    """The same message as JSON: bytes in base 64, keys of labels as text."""
    return msgspec.json.encode(message)


def decode_from_edge_json(text: bytes | str) -> FromEdge:
    """As :func:`decode_from_edge`."""
    return _decode(_json_from_edge.decode, text)


def decode_from_cloud_json(text: bytes | str) -> FromCloud:
    """As :func:`decode_from_cloud`."""
    return _decode(_json_from_cloud.decode, text)


def decode_from_edge(frame: bytes) -> FromEdge:
    """Raises WireError for anything that is not a message an edge sends."""
    return _decode(_from_edge.decode, frame)


def decode_from_cloud(frame: bytes) -> FromCloud:
    """Raises WireError for anything that is not a message the cloud sends."""
    return _decode(_from_cloud.decode, frame)


def _decode(decode: Callable[[Any], T], frame: bytes | str) -> T:
    if len(frame) > MAX_FRAME_BYTES:
        raise WireError(f"a frame of {len(frame)} bytes; at most {MAX_FRAME_BYTES} are taken")
    try:
        message = decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError) as error:
        raise WireError(f"not a message of this protocol: {error}") from error
    if message.version > VERSION:
        raise WireError(f"version {message.version} of the protocol; this side knows {VERSION}")
    return message


class _Envelope(msgspec.Struct):
    sequence: int


_envelope = msgspec.msgpack.Decoder(_Envelope)


def sequence_of(frame: bytes) -> int | None:
    """The sequence of a frame whose body may not be readable, so that it can be refused by name; None without one."""
    try:
        return _envelope.decode(frame).sequence
    except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError):
        return None


def differences_us(times_us: Sequence[int]) -> list[int]:
    """Absolute times as :attr:`Telemetry.times_us` carries them."""
    return [*times_us[:1], *(later - earlier for earlier, later in pairwise(times_us))]


def absolute_us(times_us: Sequence[int]) -> list[int]:
    """:attr:`Telemetry.times_us` as absolute times."""
    return list(accumulate(times_us))


def column_values(column: Column) -> list[float | None]:
    """A column's values in its unit; None where there is no valid one."""
    if column.resolution == 0:
        return [None if value is None else float(value) for value in column.values]
    return [None if value is None else value * column.resolution for value in column.values]


def inconsistency(message: Durable) -> str | None:
    """What makes a well-typed durable message impossible to store, in words; None when nothing does."""
    if message.sequence < 1:
        return f"sequence {message.sequence} is not positive"
    if isinstance(message, Telemetry):
        return _times_inconsistency(message.times_us) or _columns_inconsistency(message)
    return next((f"event {e.id!r}: time_us out of range" for e in message.events if not _is_time(e.time_us)), None)


def _times_inconsistency(times_us: list[int]) -> str | None:
    if not times_us:
        return "no times"
    if any(step <= 0 for step in times_us):
        return "times do not rise"
    return None if _is_time(sum(times_us)) else "times out of range"


def _is_time(time_us: int) -> bool:
    return 0 < time_us <= MAX_TIME_US


def _columns_inconsistency(message: Telemetry) -> str | None:
    names = {column.channel for column in message.columns}
    if len(names) != len(message.columns):
        return "a channel appears twice"
    problems = (_column_inconsistency(column, len(message.times_us)) for column in message.columns)
    return next((problem for problem in problems if problem), None)


def _column_inconsistency(column: Column, count: int) -> str | None:
    if len(column.values) != count or (column.quality is not None and len(column.quality) != count):
        return f"{column.channel}: not one value and quality per time"
    if not math.isfinite(column.resolution) or column.resolution < 0:
        return f"{column.channel}: resolution {column.resolution}"
    if column.resolution and any(isinstance(value, float) for value in column.values):
        return f"{column.channel}: a fraction where multiples of the resolution belong"
    if any(value is not None and not math.isfinite(value) for value in column.values):
        return f"{column.channel}: a value that is not finite"
    if any(not 0 <= code <= 3 for code in column.quality or ()):
        return f"{column.channel}: an unknown quality"
    return None
