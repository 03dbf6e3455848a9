"""Where a channel's value lies in a device and how it is written there: the inner parts of a profile, as data."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from simems_edge.devices.content_points import CanPoint, CanSink, HttpPoint, HttpSink, MqttPoint, MqttSink
from simems_edge.devices.data import Data, Sign
from simems_edge.devices.tables import BIT_TABLES, WRITABLE_TABLES, Table

NumberType = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bit"]
Carries = Literal["value", "magnitude", "positive", "negative", "direction"]
WORDS: dict[str, int] = {
    "bit": 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
Address = Annotated[int, Field(ge=0, le=65535)]
UnitId = Annotated[int, Field(ge=0, le=255)]
BitNumber = Annotated[int, Field(ge=0, le=63)]
PROTOCOLS: Final = ("sunspec", "modbus", "http", "mqtt", "can", "ocpp")
ANY_OF: Final = "sunspec, modbus, http, mqtt, can or ocpp"
REGISTERS: Final = ("sunspec", "modbus")
CONTENT: Final = ("http", "mqtt", "can")
"""Devices that speak in documents and messages."""


def given(part: Data) -> list[str]:
    """Protocols that a part of a profile names a point of."""
    return [name for name in PROTOCOLS if getattr(part, name, None) is not None]


class PointRef(Data):
    """One point of one of these SunSpec models (``group.point`` in a group, ``group.2.point`` in a repeated one)."""

    models: Annotated[tuple[int, ...], Field(min_length=1)]
    point: str


class SunSpecPoint(PointRef):
    """value = raw * 10**scale factor (the model's own) * sign * scale, in the channel's unit."""

    sign: Sign = 1
    """-1 where the model counts the other direction than the channel does."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    relative_to: PointRef | None = None
    """The point is a percentage of this other point."""
    bit: BitNumber | None = None
    """The channel is this bit of a bit field."""
    values: dict[int, int] = Field(default_factory=dict)
    """Enumerations: device's number -> the channel's number; a number not named here is passed on."""


class Register(Data):
    """One number in the registers of a device. Addresses count from 0, as they stand in the frame."""

    address: Address
    table: Table = "holding"
    type: NumberType
    word_order: Literal["big", "little"] = "big"
    """Which word of a longer number comes first: the high one (big) or the low one (little)."""
    unit: UnitId | None = None
    """Another unit of the same connection than the site file names (gateways that show each device as one)."""

    @property
    def words(self) -> int:
        return WORDS[self.type]

    @model_validator(mode="after")
    def _type_fits_table(self) -> Self:
        if (self.type == "bit") != (self.table in BIT_TABLES):
            raise ValueError(
                "a coil or discrete input is of type bit, a register of a number's type; correct one of them"
            )
        if self.address + self.words > 65536:
            raise ValueError(f"register {self.address} of {self.words} words runs past 65535; correct the address")
        return self


class FlagBit(Register):
    """A bit of a register, counted from the lowest."""

    type: NumberType = "uint16"
    bit: BitNumber


class RegisterPoint(Register):
    """value = raw * sign * scale, in the channel's unit."""

    sign: Sign = 1
    """-1 where the device counts the other direction than the channel does."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    invalid: tuple[int, ...] = ()
    """Raw numbers (as the type reads them) that say "no value"; of floats NaN and infinity always do."""
    bit: BitNumber | None = None
    """The channel is this bit of the register."""
    values: dict[int, int] = Field(default_factory=dict)
    """Enumerations: device's number -> the channel's number; a number not named here is passed on."""
    negative_when: FlagBit | None = None
    """The device gives a magnitude; the value is negative while this bit is set."""

    @model_validator(mode="after")
    def _bits_of_integers(self) -> Self:
        if self.type.startswith("float") and (self.bit is not None or self.values or self.invalid):
            raise ValueError("a float has no bits, values or invalid numbers; remove them")
        return self


class OcppPoint(Data):
    """What a charging station tells of a connector, or takes; in the channel's unit."""

    value: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Name among those that the OCPP bridge publishes or sends."""


class Term(Data):
    """One number of the device: exactly one of these."""

    sunspec: SunSpecPoint | None = None
    modbus: RegisterPoint | None = None
    http: HttpPoint | None = None
    mqtt: MqttPoint | None = None
    can: CanPoint | None = None
    ocpp: OcppPoint | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(given(self)) != 1:
            raise ValueError(f"name exactly one of {ANY_OF}")
        return self


class Source(Data):
    """Where a value is read: exactly one of these."""

    sunspec: SunSpecPoint | None = None
    modbus: RegisterPoint | None = None
    http: HttpPoint | None = None
    mqtt: MqttPoint | None = None
    can: CanPoint | None = None
    ocpp: OcppPoint | None = None
    sum: tuple[Term, ...] = ()
    """The value is the sum of these; missing when one is missing."""
    product: tuple[Term, ...] = ()
    """The value is the product of these (a current limit and a voltage); missing when one is missing."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(given(self)) + bool(self.sum) + bool(self.product) != 1:
            raise ValueError(f"name exactly one of {ANY_OF}, or the sum or product of several")
        return self

    @property
    def terms(self) -> tuple[Term, ...]:
        return self.sum or self.product or (Term(**{name: getattr(self, name) for name in given(self)}),)


class Codes(Data):
    """Raw numbers that stand for the setpoint's direction."""

    positive: int
    negative: int
    zero: int


class Part(Term):
    """A register that carries a setpoint, or one side of it."""

    carries: Carries = "value"
    """value; its magnitude; what is positive of it (else 0); the magnitude of what is negative of it (else 0); its
    direction as one of ``codes``."""
    codes: Codes | None = None
    encode: dict[int, int] = Field(default_factory=dict)
    """Enumerations: the channel's number -> the raw number; nothing else can be set."""
    floor: Annotated[float, Field(gt=0)] | None = None
    """The smallest value that the register takes; 0 is written as this (another part then switches off), and what lies
    between cannot be set."""
    function: Literal[6, 16] = 16
    """Modbus function of a write of one register, for devices that know only one of the two."""

    @model_validator(mode="after")
    def _codes_for_directions(self) -> Self:
        if (self.carries == "direction") != (self.codes is not None):
            raise ValueError("codes belong to carries: direction, and only there")
        if not set(given(self)) <= set(REGISTERS):
            raise ValueError("parts of a setpoint are registers; use sunspec or modbus")
        if self.modbus is not None and self.modbus.table not in WRITABLE_TABLES:
            raise ValueError(f"table {self.modbus.table} cannot be written; use holding or coil")
        return self


class RegisterValue(Register):
    """A raw number that is written beside a setpoint."""

    value: int
    function: Literal[6, 16] = 16
    memory: Literal["volatile", "persistent"] = "volatile"
    """persistent: counts to the ``daily_writes`` of its setpoint."""

    @model_validator(mode="after")
    def _writable(self) -> Self:
        if self.table not in WRITABLE_TABLES or self.type.startswith("float"):
            raise ValueError("only integers in holding registers and coils are written beside a setpoint")
        return self


class Sink(Data):
    """Where a setpoint is written, and what must be set beside it."""

    sunspec: SunSpecPoint | None = None
    modbus: RegisterPoint | None = None
    ocpp: OcppPoint | None = None
    parts: tuple[Part, ...] = ()
    """Several registers carry the setpoint, written in this order."""
    http: HttpSink | None = None
    mqtt: MqttSink | None = None
    can: CanSink | None = None
    memory: Literal["volatile", "persistent"] | None = None
    """persistent: the device keeps it over a power cut and its memory wears out. Then it is never written cyclically,
    only when it really changed, and at most ``daily_writes`` times. To be said of bare registers, HTTP and MQTT; the
    controls of SunSpec and CAN are volatile."""
    daily_writes: Annotated[int, Field(ge=1, le=1000)] = 24
    """Budget of a persistent setpoint in 24 h."""
    watchdog_s: Annotated[float, Field(gt=0)] | None = None
    """The device drops a setpoint that is not repeated for this long; it is written again at half of it."""
    minimum_interval_s: Annotated[float, Field(ge=0)] = 0.1
    """The shortest time between two writes."""
    deadband: Annotated[float, Field(ge=0)] = 0.0
    """A change smaller than this, in the channel's unit, is not written (a change to 0 always is)."""
    on_silence: Literal["hand_back", "hold"] = "hand_back"
    """What becomes of the last setpoint when the cycle died, on a device without a watchdog: ``disarm`` is written, or
    it stays (a limit that protects the grid)."""
    read_back: bool = True
    """False: the registers can only be written."""
    arm: dict[str, int] = Field(default_factory=dict)
    """Raw values of other points of the same SunSpec model that make the device follow the setpoint; written with the
    first setpoint and again when the device no longer shows them."""
    disarm: dict[str, int] = Field(default_factory=dict)
    """Raw values that hand the device back to itself, written on an orderly stop."""
    arm_registers: tuple[RegisterValue, ...] = ()
    """As ``arm``, for bare registers."""
    disarm_registers: tuple[RegisterValue, ...] = ()
    """As ``disarm``, for bare registers."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(given(self)) + bool(self.parts) != 1:
            raise ValueError(f"name exactly one of {ANY_OF}, or several parts")
        bare = any(part.modbus is not None for part in self.pieces)
        if (bare or self.http is not None or self.mqtt is not None) and self.memory is None:
            raise ValueError("say of a bare register (or HTTP, MQTT) whether its memory is volatile or persistent")
        if self.memory == "persistent" and self.watchdog_s is not None:
            raise ValueError("a persistent register must not be written cyclically; remove watchdog_s")
        if bare and (self.arm or self.disarm):
            raise ValueError("arm and disarm name SunSpec points; use arm_registers and disarm_registers")
        return self

    @property
    def pieces(self) -> tuple[Part, ...]:
        """Registers; none where the setpoint is a request, a message or a charging profile."""
        if self.sunspec is None and self.modbus is None:
            return self.parts
        return (Part(sunspec=self.sunspec, modbus=self.modbus),)

    @property
    def persistent(self) -> bool:
        return self.memory == "persistent"

    @property
    def refresh_s(self) -> float | None:
        """How often an unchanged setpoint is written again; None: never."""
        return None if self.watchdog_s is None else self.watchdog_s / 2


class Identity(Data):
    """A register that tells which device this is."""

    modbus: Register
    equals: Annotated[tuple[int, ...], Field(min_length=1)]
    """Raw numbers of the devices that the profile is for."""
