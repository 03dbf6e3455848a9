"""A device profile: the channels of one kind of device and the points they come from, as data.

Profiles are YAML files in ``devices/profiles``. A profile that lacks a mandatory channel of its interface is refused.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from simems_edge.contracts.interfaces import INTERFACES, Kind, ValueKind

Sign = Literal[-1, 1]
Access = Literal["read", "write", "read_write"]
_FOLDER: Final = files("simems_edge.devices") / "profiles"


class ProfileError(ValueError):
    """A profile that does not exist or must not be used; the message says what to do."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PointRef(_Data):
    """One point of one of these SunSpec models (``group.point`` for a point inside a group)."""

    models: Annotated[tuple[int, ...], Field(min_length=1)]
    point: str


class SunSpecPoint(PointRef):
    """value = raw * 10**scale factor (the model's own) * sign * scale, in the channel's unit."""

    sign: Sign = 1
    """-1 where the model counts the other direction than the channel does."""
    scale: float = 1.0
    relative_to: PointRef | None = None
    """The point is a percentage of this other point."""
    bit: Annotated[int, Field(ge=0, le=31)] | None = None
    """The channel is this bit of a bit field."""
    values: dict[int, int] = {}
    """Enumerations: device's number -> the channel's number; a number not named here is passed on."""


class RegisterPoint(_Data):
    """A bare Modbus register: value = raw * sign * scale."""

    address: Annotated[int, Field(ge=0, le=65535)]
    table: Literal["holding", "input"] = "holding"
    type: Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
    word_order: Literal["big", "little"] = "big"
    sign: Sign = 1
    scale: float = 1.0


class Source(_Data):
    """Where a value is read: exactly one of the two."""

    sunspec: SunSpecPoint | None = None
    modbus: RegisterPoint | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.sunspec is None) == (self.modbus is None):
            raise ValueError("name exactly one of sunspec or modbus")
        return self


class Sink(Source):
    """Where a setpoint is written, and what must be set beside it."""

    arm: dict[str, int] = {}
    """Raw values of other points of the same model that make the device follow the setpoint; written with the first
    setpoint and again when the device no longer shows them."""
    disarm: dict[str, int] = {}
    """Raw values that hand the device back to itself, written on an orderly stop."""
    refresh_s: Annotated[float, Field(gt=0)] | None = None
    """An unchanged setpoint is written again this often (the device's own watchdog)."""


class ProfileChannel(_Data):
    """One channel of the device."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    unit: str = ""
    kind: ValueKind = "float"
    read: tuple[Source, ...] = ()
    """Tried in order: the first whose model the device has and whose value it implements."""
    write: tuple[Sink, ...] = ()
    """The first whose model the device has."""
    resolution: Annotated[float, Field(ge=0)] = 0.0
    """Recorded as multiples of this; 0: full double."""
    minimum: float | None = None
    maximum: float | None = None
    """A reading outside is bad; a setpoint outside is never sent."""
    poll_s: Annotated[float, Field(gt=0)] = 1.0
    stale_after_s: Annotated[float, Field(gt=0)] = 5.0
    labels: dict[int, str] = {}

    @property
    def readable(self) -> bool:
        return bool(self.read)

    @property
    def settable(self) -> bool:
        return bool(self.write)

    @property
    def access(self) -> Access:
        """read, write or read_write."""
        if self.read and self.write:
            return "read_write"
        return "write" if self.write else "read"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.read and not self.write:
            raise ValueError(f"channel {self.name} has neither read nor write; name where it comes from")
        if self.kind == "enum" and not self.labels:
            raise ValueError(f"channel {self.name} is an enum without labels; add labels")
        if self.read and self.stale_after_s <= self.poll_s:
            raise ValueError(
                f"channel {self.name} is stale before it is polled again; raise stale_after_s above poll_s"
            )
        return self


class Profile(_Data):
    """One kind of device, as data."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Kind
    description: str
    source: Annotated[str, Field(min_length=1)]
    """The document the points and signs were taken from."""
    untested: Annotated[str, Field(min_length=1)]
    """What nobody has yet seen work on real hardware."""
    protocol: Literal["sunspec", "modbus"] = "sunspec"
    channels: Annotated[tuple[ProfileChannel, ...], Field(min_length=1)]

    @field_validator("channels")
    @classmethod
    def _unique(cls, channels: tuple[ProfileChannel, ...]) -> tuple[ProfileChannel, ...]:
        names = [channel.name for channel in channels]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"channels named twice: {', '.join(doubled)}; keep one of each")
        return channels

    @model_validator(mode="after")
    def _fits_interface(self) -> Self:
        problems = self._missing() + [text for channel in self.channels if (text := self._misfit(channel))]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _missing(self) -> list[str]:
        readable = [channel.name for channel in self.channels if channel.readable]
        settable = [channel.name for channel in self.channels if channel.settable]
        missing = INTERFACES[self.kind].missing(readable, settable)
        return [f"lacks the mandatory channel {name} of a {self.kind}; add it under channels" for name in missing]

    def _misfit(self, channel: ProfileChannel) -> str | None:
        if self.kind == "sensor":
            return None
        spec = INTERFACES[self.kind].channel(channel.name)
        if spec is None:
            return f"channel {channel.name} is none of a {self.kind}; use a name of the interface"
        if (spec.unit, spec.kind) != (channel.unit, channel.kind):
            wanted, given = f"{spec.kind} in unit {spec.unit!r}", f"{channel.kind} in {channel.unit!r}"
            return f"channel {channel.name} must be {wanted}, not {given}"
        if channel.settable and not spec.settable:
            return f"channel {channel.name} cannot be set on a {self.kind}; remove its write"
        return None

    def channel(self, name: str) -> ProfileChannel:
        """The channel of this name; KeyError when the profile has none."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise KeyError(name)

    def models(self) -> frozenset[int]:
        """Every SunSpec model this profile can read or write."""
        return frozenset(
            model for channel in self.channels for source in _sources(channel) for model in _models(source)
        )


def _sources(channel: ProfileChannel) -> tuple[Source, ...]:
    return (*channel.read, *channel.write)


def _models(source: Source) -> tuple[int, ...]:
    if source.sunspec is None:
        return ()
    reference = source.sunspec.relative_to
    return source.sunspec.models + (reference.models if reference else ())


def profile_names() -> list[str]:
    """Names that :func:`load_profile` knows."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))


@lru_cache(maxsize=256)
def load_profile(name: str) -> Profile:
    """The shipped profile ``name``. Raises :class:`ProfileError` when there is none or it is not usable."""
    if name not in profile_names():
        raise ProfileError(f"there is no profile {name!r}; use one of {', '.join(profile_names())}")
    profile = parse_profile(yaml.safe_load((_FOLDER / f"{name}.yaml").read_text("utf-8")), name)
    if profile.id != name:
        raise ProfileError(f"profile file {name}.yaml calls itself {profile.id!r}; make id and file name equal")
    return profile


def parse_profile(data: object, name: str) -> Profile:
    """Check raw data of a profile file; ``name`` is for the messages."""
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        raise ProfileError(f"profile {name!r}: {_text(error)}") from error


def _text(error: ValidationError) -> str:
    return "; ".join(": ".join(filter(None, [".".join(map(str, e["loc"])), e["msg"]])) for e in error.errors())
