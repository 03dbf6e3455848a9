"""How a component is reached, as the site file says it."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from simems_edge.config.charging import Ocpp
from simems_edge.config.quantities import PositiveSeconds
from simems_edge.config.section import Strict

Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:\-]+$")]
TimeOut = Annotated[PositiveSeconds, Field(alias="timeout", le=60)]
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


Modbus = ModbusTcp | ModbusRtuTcp | ModbusRtu
AnyConnection = Modbus | Ocpp
Protocol = Literal["modbus", "ocpp"]
KINDS: Final = ("modbus_tcp", "modbus_rtu_tcp", "modbus_rtu", "ocpp")


class Connection(Strict):
    """How a component is reached. Exactly one kind of connection."""

    modbus_tcp: ModbusTcp | None = None
    modbus_rtu_tcp: ModbusRtuTcp | None = None
    modbus_rtu: ModbusRtu | None = None
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
        return "ocpp" if isinstance(self.given, Ocpp) else "modbus"

    @property
    def modbus(self) -> Modbus:
        """Of a Modbus connection; TypeError for another."""
        one = self.given
        if isinstance(one, Ocpp):
            raise TypeError(f"a connection of kind {self.kind} has no Modbus unit")
        return one

    @property
    def line(self) -> str:
        """What several devices can share: ``host:port``, the serial device, the station; as in messages."""
        one = self.given
        if isinstance(one, Ocpp):
            return f"station {one.station}"
        return one.device if isinstance(one, ModbusRtu) else f"{one.host.lower()}:{one.port}"

    @property
    def place(self) -> str:
        """The one device on its line: a Modbus unit, a connector."""
        one = self.given
        return f"connector {one.connector}" if isinstance(one, Ocpp) else f"unit {one.unit}"

    @property
    def shown(self) -> str:
        """Line and place, for messages."""
        return f"{self.line} {self.place}"
