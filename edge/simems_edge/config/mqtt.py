"""The broker of a site: devices that speak through it, what the site tells there, and what may be asked of it there."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simems_edge.config.connection import FilePath, Host, Port
from simems_edge.config.quantities import PositiveSeconds
from simems_edge.config.section import Strict

TopicBase = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_\-]+(/[A-Za-z0-9_\-]+)*$")]
ChannelPattern = Annotated[str, Field(max_length=100, pattern=r"^[a-z*][a-z0-9_*-]{0,31}/[a-z*][a-z0-9_*]{0,63}$")]
ChannelAddress = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}/[a-z][a-z0-9_]{0,63}$")]


def _list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class MqttTls(Strict):
    """TLS to the broker, whose certificate is always verified."""

    ca_file: FilePath | None = None
    """Certificate (PEM) of who signed the broker's; None: the system's authorities. Relative to the site file."""
    certificate_file: FilePath | None = None
    """The client's certificate (PEM), where the broker asks for one."""
    key_file: FilePath | None = None
    """Its private key (PEM), readable by its owner only."""

    @model_validator(mode="after")
    def _whole_pair(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("has half of the client's certificate; give certificate_file and key_file, or neither")
        return self


class MqttPublish(Strict):
    """What the site tells: channels, each retained on its own topic."""

    topic: TopicBase = "simems"
    """Topics are ``<topic>/<site id>/...``."""
    channels: Annotated[tuple[ChannelPattern, ...], BeforeValidator(_list), Field(max_length=100)] = ("*/*",)
    """Addresses; ``*`` stands for any letters."""
    interval_s: Annotated[PositiveSeconds, Field(alias="interval", ge=0.2, le=3600)] = 5.0
    """A channel is told no more often; unchanged values each minute."""
    discovery: TopicBase | None = "homeassistant"
    """Home Assistant's discovery prefix; null: nothing is announced."""


class MqttRequest(Strict):
    """Something that may be asked over the broker. Signed with its secret; taken as a bound with a lifetime."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    """Its topic is ``<topic>/<site id>/request/<name>``."""
    sets: Literal["import_limit", "export_limit", "dimming_limit"] | ChannelAddress
    """A limit of the connection, the limit of section 14a, or an actuator that is overridden."""
    secret_file: FilePath
    """File whose first line is the secret, 16 characters or more, readable by its owner only."""
    minimum: float
    """Smallest value that may be asked for, in W (A, var) as the actuator has it."""
    maximum: float
    longest_s: Annotated[PositiveSeconds, Field(alias="longest", le=86_400)] = 3600.0
    """Longest lifetime that may be asked for."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("has its minimum above its maximum; swap them")
        return self


class MqttSettings(Strict):
    """The site's broker."""

    host: Host
    port: Port | None = None
    """None: 8883 with tls, else 1883."""
    user: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    password_file: FilePath | None = None
    """File whose first line is the password, readable by its owner only; relative to the site file."""
    tls: MqttTls | None = None
    publish: MqttPublish | None = None
    """None: the site tells nothing."""
    requests: Annotated[tuple[MqttRequest, ...], BeforeValidator(_list), Field(max_length=20)] = ()
    """Empty: nothing can be asked."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("has half of its credentials; give user and password_file, or neither")
        names = [request.name for request in self.requests]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"requests named twice: {', '.join(doubled)}; give each its own name")
        if self.requests and self.publish is None:
            raise ValueError("has requests but no publish, whose topic they lie below; add publish: {}")
        return self

    @property
    def broker(self) -> tuple[str, int]:
        """Host and port."""
        return (self.host, self.port or (1883 if self.tls is None else 8883))
