"""The edge as management system of charging stations (OCPP), as the site file says it."""

from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simems_edge.config.quantities import NonNegativeSeconds, PositiveCurrentA, PositiveSeconds
from simems_edge.config.section import Strict

STATION_ID_PATTERN: Final = r"^[A-Za-z0-9*_=:+|@.\-]{1,48}$"
"""identifierString of OCPP 2.0.1, which 1.6 contains."""
StationId = Annotated[str, Field(pattern=STATION_ID_PATTERN)]
IdTag = Annotated[str, Field(min_length=1, max_length=20)]
"""CiString20Type: compared without regard to case."""
FilePath = Annotated[str, Field(min_length=1, max_length=4096)]


def _list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Ocpp(Strict):
    """One connector of a charging station that connects to this edge. The station is listed under ``ocpp.stations``."""

    station: StationId
    connector: Annotated[int, Field(ge=1, le=99)] = 1
    """1.6: the connector. 2.0.1: the EVSE."""


class ChargingStation(Strict):
    """A station that may connect; any other is refused."""

    id: StationId
    """Its identity: the last part of the address that it calls, and the name that it authenticates with."""
    password_hash: Annotated[str, Field(pattern=r"^scrypt:[0-9a-f]{32}:[0-9a-f]{128}$")] | None = Field(
        None, repr=False
    )
    """Of its password, as `simems-edge ocpp-password` prints it; needed by security profiles 1 and 2."""
    limit_unit: Literal["A", "W"] = "A"
    """What it takes limits in (1.6: ChargingScheduleAllowedChargingRateUnit)."""
    maximum_current_a: PositiveCurrentA | None = None
    """Of all its connectors together (its fuse), told to the station as its own largest current."""


class OcppSettings(Strict):
    """Where stations connect, who may, and what they are told."""

    host: Annotated[str, Field(min_length=1, max_length=253)] = "0.0.0.0"  # noqa: S104 - stations are on the local network
    port: Annotated[int, Field(ge=1, le=65535)] = 8887
    security_profile: Literal[0, 1, 2, 3] = 2
    """1: password without encryption; 2: password over TLS; 3: TLS with the station's own certificate. 0: anybody who
    reaches the port and knows an identity: only on a network of its own."""
    certificate: FilePath | None = None
    """PEM, this edge's; profiles 2 and 3. Paths are relative to the site file."""
    private_key: FilePath | None = None
    client_authority: FilePath | None = None
    """PEM of who signs the stations' certificates; profile 3."""
    stations: Annotated[tuple[ChargingStation, ...], BeforeValidator(_list), Field(min_length=1, max_length=200)]
    authorise: Literal["listed", "everybody"] = "listed"
    """Who may charge: the ``id_tags``, or whoever presents any."""
    id_tags: Annotated[tuple[IdTag, ...], BeforeValidator(_list), Field(max_length=1000)] = ()
    """Also sent to the stations, for the time that they are offline."""
    offline_charging: bool = True
    """A station that cannot reach this edge lets listed id tags charge, at the safe current."""
    limit_lifetime_s: Annotated[PositiveSeconds, Field(alias="limit_lifetime", ge=20, le=900)] = 60.0
    """A limit ends by itself after this long unless it is renewed (at half of it): then the safe current holds."""
    clock_slack_s: Annotated[NonNegativeSeconds, Field(alias="clock_slack", le=60)] = 10.0
    """A station may end a limit this much later than told: so long it stays reserved."""
    answer_s: Annotated[PositiveSeconds, Field(alias="answer", ge=1, le=60)] = 10.0
    """A station that has not answered a request by then may or may not have taken it."""
    sample_s: Annotated[PositiveSeconds, Field(alias="sample", ge=1, le=900)] = 10.0
    """How often meter values are asked for while a car charges."""
    heartbeat_s: Annotated[PositiveSeconds, Field(alias="heartbeat", ge=10, le=3600)] = 60.0
    """A station that said nothing for two and a half of these is disconnected."""

    @model_validator(mode="after")
    def _files_of_its_profile(self) -> Self:
        needed = {2: ("certificate", "private_key"), 3: ("certificate", "private_key", "client_authority")}
        lacking = [name for name in needed.get(self.security_profile, ()) if getattr(self, name) is None]
        if lacking:
            raise ValueError(f"security profile {self.security_profile} needs {', '.join(lacking)}; name the PEM files")
        if self.limit_lifetime_s <= 2 * self.answer_s:
            raise ValueError("limit_lifetime must be above twice answer; a limit could end before it is renewed")
        return self

    def station(self, station_id: str) -> ChargingStation | None:
        """None when it may not connect."""
        return next((one for one in self.stations if one.id == station_id), None)
