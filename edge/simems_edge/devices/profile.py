"""A device profile: the channels of one kind of device and the points they come from, as data.

Profiles are YAML files in ``devices/profiles``. A profile that lacks a mandatory channel of its interface is refused.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from simems_edge.contracts.interfaces import INTERFACES, Kind, ValueKind
from simems_edge.devices.content_points import Alive, CanNetwork
from simems_edge.devices.data import Data
from simems_edge.devices.points import CONTENT, Identity, Sink, Source, SunSpecPoint, Term, given

Access = Literal["read", "write", "read_write"]
_FOLDER: Final = files("simems_edge.devices") / "profiles"


class ProfileError(ValueError):
    """A profile that does not exist or must not be used; the message says what to do."""


class ProfileChannel(Data):
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
    optional: bool = False
    """Not every device of this kind has it: it is asked for apart, and left alone once the device refused it."""
    labels: dict[int, str] = Field(default_factory=dict)

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


class Profile(Data):
    """One kind of device, as data."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Kind
    description: str
    source: Annotated[str, Field(min_length=1)]
    """The document the points and signs were taken from."""
    verified: Annotated[str, Field(min_length=1)] | None = None
    """Which of it was compared with another public source, and which; None: nothing was."""
    untested: Annotated[str, Field(min_length=1)]
    """What nobody has yet seen work on real hardware."""
    protocol: Literal["sunspec", "modbus", "http", "mqtt", "can", "ocpp"] = "sunspec"
    """sunspec: the models are found in the device. modbus: registers at fixed addresses. http: JSON documents that are
    asked for. mqtt: messages that the device sends to a broker. can: frames, as a DBC file lays them out. ocpp: a
    charging station."""
    device: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    """Profiles of one device name it alike (a hybrid inverter's battery, PV and meter); components with such profiles
    may stand at one unit."""
    identify: tuple[Identity, ...] = ()
    """Registers that must show the right device before anything of it is believed."""
    max_registers: Annotated[int, Field(ge=1, le=125)] = 125
    """Most registers that the device answers at once."""
    max_gap: Annotated[int, Field(ge=0, le=100)] = 0
    """Registers that no channel needs and that may be read over to save a request; 0 where a device refuses gaps."""
    alive: tuple[Alive, ...] = ()
    """What must change all the time (a counter, the device's clock); of protocols http, mqtt and can."""
    can: CanNetwork | None = None
    """The frames of a CAN device."""
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
        problems = (
            self._missing() + self._foreign() + [text for channel in self.channels if (text := self._misfit(channel))]
        )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _missing(self) -> list[str]:
        readable = [channel.name for channel in self.channels if channel.readable]
        settable = [channel.name for channel in self.channels if channel.settable]
        missing = INTERFACES[self.kind].missing(readable, settable)
        return [f"lacks the mandatory channel {name} of a {self.kind}; add it under channels" for name in missing]

    def _foreign(self) -> list[str]:
        """Points of another protocol, and parts that this one does not have."""
        found = [
            f"{name} names {other}, but the protocol is {self.protocol}; correct one of them"
            for name, other in self._named()
            if other != self.protocol
        ]
        if self.identify and self.protocol != "modbus":
            found.append(f"identify names modbus, but the protocol is {self.protocol}; correct one of them")
        if (self.can is not None) != (self.protocol == "can"):
            found.append("the section can belongs to protocol can; add it or remove it")
        if self.alive and self.protocol not in CONTENT:
            found.append(f"alive is nothing of protocol {self.protocol}; remove it")
        return found

    def _named(self) -> list[tuple[str, str]]:
        """Who names a point of which protocol."""
        rows = [(c.name, protocol) for c in self.channels for term in _terms(c) for protocol in given(term)]
        rows += [(c.name, protocol) for c in self.channels for sink in c.write for protocol in given(sink)]
        rows += [("alive", protocol) for one in self.alive for protocol in given(one)]
        return list(dict.fromkeys(rows))

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
        points = [term.sunspec for channel in self.channels for term in _terms(channel) if term.sunspec is not None]
        return frozenset(model for point in points for model in _models(point))


def _terms(channel: ProfileChannel) -> list[Term]:
    """Of all its sources and sinks."""
    return [t for source in channel.read for t in source.terms] + [p for sink in channel.write for p in sink.pieces]


def _models(point: SunSpecPoint) -> tuple[int, ...]:
    return point.models + (point.relative_to.models if point.relative_to is not None else ())


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
