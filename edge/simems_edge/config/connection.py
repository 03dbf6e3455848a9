"""How a component is reached, as the site file says it."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from simems_edge.config.charging import Ocpp
from simems_edge.config.quantities import PositiveSeconds
from simems_edge.config.section import Strict

Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:\-]+$")]
TimeOut = Annotated[PositiveSeconds, Field(alias="timeout", le=60)]
FilePath = Annotated[str, Field(min_length=1, max_length=4096)]
BusUnit = Annotated[int, Field(ge=1, le=247)]
"""Nobody answers to unit 0 (broadcast) on a serial line (Modbus over Serial Line 1.02, 2.2)."""


class ModbusTcp(Strict):
    """Modbus TCP: each answer carries the number of its question."""

    host: Host
    port: Port = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    timeout_s: TimeOut = 1.0


class ModbusRtuTcp(Strict):
    """Modbus RTU frames through a serial server (RTU over TCP)."""

    host: Host
    port: Port = 502
    unit: BusUnit = 1
    timeout_s: TimeOut = 1.0


class ModbusRtu(Strict):
    """Modbus RTU on a serial line of this machine, several units on one line."""

    device: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9._:/\-]+$")]
    """E.g. ``/dev/ttyUSB0``; better a name below ``/dev/serial/by-id``: it does not change with the order of plugs."""
    baud: Annotated[int, Field(ge=300, le=1_000_000)] = 9600
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    unit: BusUnit = 1
    timeout_s: TimeOut = 1.0

    @property
    def line(self) -> tuple[int, str, int]:
        """What all units of one line must agree on."""
        return (self.baud, self.parity, self.stop_bits)


class Http(Strict):
    """A device that answers JSON over HTTP. Components with the same section share one connection, one question at a
    time."""

    url: Annotated[
        str, Field(max_length=300, pattern=r"^https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/\-]*)?$")
    ]
    """``http://192.168.1.30``, without a path unless every request begins with it; IPv4 address or host name."""
    timeout_s: TimeOut = 3.0
    auth: Literal["basic", "digest"] | None = None
    user: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    password_file: FilePath | None = None
    """File whose first line is the password, readable by its owner only; relative to the site file."""
    ca_file: FilePath | None = None
    """Certificate (PEM) of the device or of who signed it, where no public authority did; relative to the site file."""

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        given = [self.auth is not None, self.user is not None, self.password_file is not None]
        if any(given) and not all(given):
            raise ValueError("has half of its credentials; give auth, user and password_file, or none of them")
        if self.ca_file is not None and not self.url.startswith("https:"):
            raise ValueError("has a ca_file but no https; write the url with https:// or remove ca_file")
        return self


class Mqtt(Strict):
    """A device that sends its messages to the broker of the section ``mqtt``."""

    topic: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^+#\x00\s/]+(/[^+#\x00\s/]+)*$")]
    """Its topic, e.g. ``zigbee2mqtt/main_meter``."""
    timeout_s: Annotated[PositiveSeconds, Field(alias="timeout", le=3600)] = 60.0
    """Silent for so long it counts as gone."""


class Can(Strict):
    """A device on a CAN bus of this machine."""

    channel: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9._\-]+$")]
    """The interface, e.g. ``can0``; its bit rate is set by the system."""
    interface: Literal["socketcan", "virtual"] = "socketcan"
    timeout_s: TimeOut = 2.0
    """Silent for so long it counts as gone."""


Modbus = ModbusTcp | ModbusRtuTcp | ModbusRtu
AnyConnection = Modbus | Http | Mqtt | Can | Ocpp
Protocol = Literal["modbus", "http", "mqtt", "can", "ocpp"]
KINDS: Final = ("modbus_tcp", "modbus_rtu_tcp", "modbus_rtu", "http", "mqtt", "can", "ocpp")
_PROTOCOLS: Final[dict[type[Strict], Protocol]] = {Http: "http", Mqtt: "mqtt", Can: "can", Ocpp: "ocpp"}
"""Those that are not Modbus."""


class Connection(Strict):
    """How a component is reached. Exactly one kind of connection."""

    modbus_tcp: ModbusTcp | None = None
    modbus_rtu_tcp: ModbusRtuTcp | None = None
    modbus_rtu: ModbusRtu | None = None
    http: Http | None = None
    mqtt: Mqtt | None = None
    can: Can | None = None
    ocpp: Ocpp | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError(
                f"must name exactly one kind of connection; "
                f"use one of {', '.join(KINDS)}, e.g. modbus_tcp: {{host: ..., port: ..., unit: ...}}"
            )
        return self

    def _given(self) -> list[str]:
        return [kind for kind in KINDS if getattr(self, kind) is not None]

    @property
    def kind(self) -> str:
        """One of :data:`KINDS`."""
        return self._given()[0]

    @property
    def given(self) -> AnyConnection:
        """The one that is given."""
        found: AnyConnection = getattr(self, self.kind)
        return found

    @property
    def protocol(self) -> Protocol:
        """Which bridge serves it."""
        return _PROTOCOLS.get(type(self.given), "modbus")

    @property
    def modbus(self) -> Modbus:
        """Of a Modbus connection; TypeError for another."""
        one = self.given
        if isinstance(one, Http | Mqtt | Can | Ocpp):
            raise TypeError(f"a connection of kind {self.kind} has no Modbus unit")
        return one

    @property
    def line(self) -> str:
        """What several devices can share: ``host:port``, the serial device, the broker, the bus, the station; as in
        messages."""
        one = self.given
        if isinstance(one, Http):
            return one.url.lower().rstrip("/")
        if isinstance(one, Mqtt):
            return "the broker"
        if isinstance(one, Can):
            return one.channel
        if isinstance(one, Ocpp):
            return f"station {one.station}"
        return one.device if isinstance(one, ModbusRtu) else f"{one.host.lower()}:{one.port}"

    @property
    def place(self) -> str:
        """The one device on its line: a Modbus unit, a topic, a connector; empty where a line has one device."""
        one = self.given
        if isinstance(one, Http | Can):
            return ""
        if isinstance(one, Ocpp):
            return f"connector {one.connector}"
        return f"topic {one.topic}" if isinstance(one, Mqtt) else f"unit {one.unit}"

    @property
    def shown(self) -> str:
        """Line and place, for messages."""
        return f"{self.line} {self.place}".strip()
