"""Where a channel's value lies in what a device says in whole documents and messages (HTTP answers, MQTT payloads, CAN
frames), and what must be sent to set it: the inner parts of such a profile, as data."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from simems_edge.devices.data import Data, Sign

VALUE: Final = "{value}"
"""Stands for the setpoint in a path, a body or a payload."""
Pointer = Annotated[str, Field(max_length=200, pattern=r"^(/[^/]*)*$")]
"""RFC 6901; empty: the whole document."""
RequestPath = Annotated[str, Field(max_length=400, pattern=r"^/[\x21-\x7e]*$")]
"""Path with query, percent-encoded."""
TOPIC: Final = "{topic}"
"""Stands for the topic that the site file names."""
SubTopic = Annotated[str, Field(max_length=200, pattern=r"^([^+#\x00\s{}]+/)?\{topic\}(/[^+#\x00\s{}]+)?$")]
"""``{topic}``, ``{topic}/set``, ``tele/{topic}/SENSOR``."""
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Scalar = bool | int | float | str | None


class ContentPoint(Data):
    """value = number * sign * scale, in the channel's unit."""

    sign: Sign = 1
    """-1 where the device counts the other direction than the channel does."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    invalid: tuple[float, ...] = ()
    """Numbers that say "no value"."""


class JsonPoint(ContentPoint):
    """One number, text or truth in a JSON document."""

    pointer: Pointer
    values: dict[str, int] = Field(default_factory=dict)
    """Texts (or numbers, as text) -> the channel's number. A text that is not named here is no value."""
    number_text: bool = False
    """The device writes its numbers as text."""
    null_is: float | None = None
    """What an explicit null means, where the device's document says so; else null is no value."""


class HttpPoint(JsonPoint):
    """In the answer to a GET of ``path``."""

    path: RequestPath


class MqttPoint(JsonPoint):
    """In the newest message on ``topic``. A payload that is no JSON is taken as one text."""

    topic: SubTopic = TOPIC


class CanPoint(ContentPoint):
    """One signal of a message in the profile's DBC file; its own factor and offset are the file's."""

    message: Name
    signal: Name
    multiplex: Annotated[int, Field(ge=0)] | None = None
    """Of a multiplexed signal: the multiplexer's value that brings it."""
    values: dict[int, int] = Field(default_factory=dict)
    """Enumerations: device's number -> the channel's number; a number not named here is passed on."""


# ---- setting


class Check(Data):
    """What a document must show."""

    pointer: Pointer
    equals: Scalar


class HttpRequest(Data):
    """One request that sets something; ``{value}`` in the path, or as a value of the body, is the number."""

    path: RequestPath
    method: Literal["GET", "POST", "PUT"] = "GET"
    body: dict[str, Any] | None = None
    """Sent as JSON."""
    answer: Check | None = None
    """What the answer must show; else the device has not taken it."""

    @model_validator(mode="after")
    def _body_fits(self) -> Self:
        if self.body is not None and self.method == "GET":
            raise ValueError("a GET has no body; use POST or PUT")
        return self


class Numbered(Data):
    """How a setpoint becomes the number that is sent: value * sign / scale, to ``decimals``."""

    sign: Sign = 1
    scale: Annotated[float, Field(gt=0)] = 1.0
    decimals: Annotated[int, Field(ge=0, le=6)] = 0


class HttpSink(Numbered):
    """Exactly one of ``request`` (any number) and ``requests`` (one for each value that can be set)."""

    request: HttpRequest | None = None
    requests: dict[int, HttpRequest] = Field(default_factory=dict)
    hand_back: HttpRequest | None = None
    """Gives the device back to itself, on an orderly stop and when nobody repeats the setpoint."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.request is None) == (not self.requests):
            raise ValueError("name exactly one of request or requests")
        if self.request is not None and not _mentions_value(self.request):
            raise ValueError("the request must hold {value} in its path or body")
        return self


def _mentions_value(request: HttpRequest) -> bool:
    return VALUE in request.path or VALUE in _leaves(request.body)


def _leaves(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    return [value]


class MqttSink(Numbered):
    """Exactly one of ``payload`` (``{value}`` in it is the number) and ``payloads`` (one for each value)."""

    topic: SubTopic
    payload: Annotated[str, Field(max_length=1000)] | None = None
    payloads: dict[int, Annotated[str, Field(max_length=1000)]] = Field(default_factory=dict)
    hand_back: Annotated[str, Field(max_length=1000)] | None = None
    """Payload that gives the device back to itself."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.payload is None) == (not self.payloads):
            raise ValueError("name exactly one of payload or payloads")
        if self.payload is not None and VALUE not in self.payload:
            raise ValueError("the payload must hold {value}")
        return self


class CanSink(ContentPoint):
    """A signal of a message that the profile transmits; signal = value * sign / scale."""

    message: Name
    signal: Name


# ---- what is said of a whole device


class Alive(Data):
    """Something that must change, or the device is frozen and nothing of it is believed. Exactly one of the three."""

    http: HttpPoint | None = None
    mqtt: MqttPoint | None = None
    can: CanPoint | None = None
    within_s: Annotated[float, Field(gt=0, le=3600)]

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if [self.http is not None, self.mqtt is not None, self.can is not None].count(True) != 1:
            raise ValueError("name exactly one of http, mqtt or can")
        return self


CrcKind = Literal["crc8_sae_j1850", "crc8_autosar", "xor8"]


class Protection(Data):
    """How a message is protected: an alive counter, a checksum over its other bytes."""

    message: Name
    counter: Name | None = None
    """Signal that counts up by one each time and wraps at its largest value."""
    crc: Name | None = None
    """Signal of one byte, at a byte boundary."""
    crc_kind: CrcKind = "crc8_sae_j1850"
    crc_seed: tuple[Annotated[int, Field(ge=0, le=255)], ...] = ()
    """Bytes that are reckoned in before the data (a data id)."""


class Transmit(Data):
    """A message sent every period while control lives."""

    message: Name
    period_s: Annotated[float, Field(ge=0.01, le=10)]
    idle: dict[Name, float]
    """Value of each signal (counter and checksum excepted) while nobody gives a setpoint, in the DBC's units."""
    active: dict[Name, float] = Field(default_factory=dict)
    """Signals that differ while a setpoint lives (an enable bit)."""


class CanNetwork(Data):
    """What a CAN device says and hears, beside the channels."""

    database: Annotated[str, Field(pattern=r"^[a-z0-9_]+\.dbc$")]
    """File beside the profile."""
    longer: tuple[Name, ...] = ()
    """Messages to which some devices append bytes: what the file lays out is read, what follows is nobody's."""
    protect: tuple[Protection, ...] = ()
    transmit: tuple[Transmit, ...] = ()
