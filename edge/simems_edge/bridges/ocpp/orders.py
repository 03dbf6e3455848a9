"""What this edge may ask of a station, whatever its version; and what a station is, whatever it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from simems_edge.bridges.ocpp.measurands import Measured
from simems_edge.bridges.ocpp.sessions import Report, Session

CONFIGURE_PARTS = 6
SAFE_STACK, LIMIT_STACK = 0, 1
"""Stack levels of a transaction's profiles: the permanent safe current, and above it the limit that ends by itself."""

Triggered = Literal[
    "BootNotification",
    "Heartbeat",
    "StatusNotification",
    "MeterValues",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
]


@dataclass(frozen=True, slots=True)
class DefaultCurrent:
    """TxDefaultProfile: what every transaction to come begins with."""

    connector: int
    limit_a: float


@dataclass(frozen=True, slots=True)
class StationMaximum:
    """ChargePointMaxProfile (2.0.1: ChargingStationMaxProfile) of the whole station."""

    limit_a: float


@dataclass(frozen=True, slots=True)
class SessionCurrent:
    """TxProfile of a running transaction. With a duration it ends by itself; without, it is the safe current."""

    connector: int
    transaction: str
    limit_a: float
    start_us: int | None = None
    """UTC by the station's clock."""
    duration_s: int | None = None
    phases: int | None = None


@dataclass(frozen=True, slots=True)
class Configure:
    """The settings that this edge relies on; stations lack some of them. 1.6 takes them one by one, so that a limit
    never waits for all of them: ``part`` says which."""

    sample_s: int
    offline_charging: bool
    heartbeat_s: int
    part: int = 0


@dataclass(frozen=True, slots=True)
class LocalList:
    """All id tags that may charge while the station is offline."""

    version: int
    id_tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    what: Triggered
    connector: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteStart:
    connector: int
    id_tag: str


@dataclass(frozen=True, slots=True)
class RemoteStop:
    transaction: str


@dataclass(frozen=True, slots=True)
class Reset:
    hard: bool = False


@dataclass(frozen=True, slots=True)
class UpdateFirmware:
    location: str
    retrieve_us: int
    request: int = 1


@dataclass(frozen=True, slots=True)
class GetDiagnostics:
    location: str
    request: int = 1


Action = Trigger | RemoteStart | RemoteStop | Reset | UpdateFirmware | GetDiagnostics
Order = DefaultCurrent | StationMaximum | SessionCurrent | Configure | LocalList | Action


class Desk(Protocol):
    """Where a version's adapter brings what the station says."""

    def booted(self, vendor: str, model: str, firmware: str) -> None: ...

    def status(self, connector: int, status: str, error: str) -> None: ...

    def allows(self, id_tag: str) -> bool: ...

    def report(self, report: Report) -> Session:
        """On disk when it returns."""

    def progress(self, report: Report) -> None:
        """A reading of the energy register in a transaction."""

    def measured(self, connector: int, values: Measured) -> None: ...

    def needs(self, connector: int, energy_wh: float | None, departure_us: int | None) -> None:
        """What the car asks for (ISO 15118)."""

    def told_time(self, time_us: int | None) -> None:
        """The station's clock, as a message shows it."""

    def told(self, what: str, text: str) -> None:
        """For the log: firmware, diagnostics, security events."""

    def utc_us(self) -> int: ...


class Link(Protocol):
    """A connected station."""

    async def run(self) -> None:
        """Until it ends."""

    async def ask(self, order: Order) -> None:
        """Done. Raises NoAnswerError or RefusedError (:mod:`simems_edge.bridges.ocpp.peer`)."""
