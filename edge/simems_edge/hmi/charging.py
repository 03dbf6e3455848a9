"""Charging under ``/api/v1/charging``: sessions and stations for all; start, stop and wishes for who signed in."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from simems_edge.bridges.ocpp.office import (
    ChargingOffice,
    NoAnswerError,
    NotConnectedError,
    StationView,
)
from simems_edge.bridges.ocpp.office import RefusedError as StationRefusedError
from simems_edge.bridges.ocpp.orders import (
    GetDiagnostics,
    Order,
    RemoteStart,
    RemoteStop,
    Reset,
    Trigger,
    Triggered,
    UpdateFirmware,
)
from simems_edge.bridges.ocpp.sessions import Session
from simems_edge.hmi.errors import NotFoundError, RefusedError, UnacceptableError, responses
from simems_edge.hmi.routes import Actor, Edge
from simems_edge.hmi.schemas import Model

router = APIRouter(prefix="/api/v1/charging", tags=["charging"])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ACTS = responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)


class ChargingSession(Model):
    """One transaction of a station, as it was told."""

    number: int
    station: str
    connector: int
    id_tag: str
    started: datetime | None
    ended: datetime | None
    energy_wh: float | None
    reason: str = ""
    remark: str = Field("", description="What was odd: its start or end never told, told twice, a meter backwards.")


class ChargingConnector(Model):
    component: str
    connector: int
    status: str
    session: int | None


class ChargingStationState(Model):
    id: str
    model: str
    connected: bool
    connectors: list[ChargingConnector]


class ChargingStart(Model):
    id_tag: Annotated[str, Field(min_length=1, max_length=20)]


class ChargingReset(Model):
    kind: Literal["soft", "hard"] = "soft"


Location = Annotated[str, Field(max_length=512, pattern=r"^(https?|ftps?|sftp)://[^\s]+$")]
"""Where the station itself goes; credentials in it are not audited."""


class ChargingMessage(Model):
    """A message that the station shall send now."""

    message: Triggered
    component: str | None = Field(None, description="Of one connector; null: of the station.")


class ChargingFirmware(Model):
    location: Location
    retrieve: datetime | None = Field(None, description="Not before; null: now.")


class ChargingDiagnostics(Model):
    """The station uploads its diagnostics (2.0.1: its log) there."""

    location: Location


class ChargingWish(Model):
    """What the driver says. null takes it back."""

    energy_wh: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    departure: datetime | None = None


class Done(Model):
    """The station said that it does it."""

    done: bool = True


def office_of(request: Request) -> ChargingOffice:
    office: ChargingOffice | None = request.app.state.office
    if office is None:
        raise NotFoundError("this site has no charging stations of its own; add a section ocpp to the site file")
    return office


Office = Annotated[ChargingOffice, Depends(office_of)]


@router.get(
    "/sessions", responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
)
async def get_charging_sessions(
    office: Office, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[ChargingSession]:
    """Newest first, those that run among them."""
    try:
        found = await asyncio.to_thread(office.sessions, limit)
    except OSError as error:
        raise RefusedError(str(error)) from error
    return [_session(one) for one in found]


@router.get("/stations", responses=responses(HTTPStatus.NOT_FOUND))
async def get_charging_stations(office: Office) -> list[ChargingStationState]:
    """Every listed station, connected or not."""
    return [_station(one) for one in office.stations()]


@router.post("/connectors/{component}/start", responses=ACTS)
async def start_charging(component: str, body: ChargingStart, office: Office, edge: Edge, actor: Actor) -> Done:
    """Ask the station to begin a session at this connector."""
    station, number = _connector(office, component)
    await _ask(office, station, RemoteStart(number, body.id_tag))
    edge.audit("charging.start", actor, f"{component}: session asked for, id tag {body.id_tag}")
    return Done()


@router.post("/connectors/{component}/stop", responses=ACTS)
async def stop_charging(component: str, office: Office, edge: Edge, actor: Actor) -> Done:
    """Ask the station to end the session that runs at this connector."""
    station, number = _connector(office, component)
    transaction = office.transaction(component)
    if transaction is None:
        raise RefusedError(f"no session runs at {component}")
    await _ask(office, station, RemoteStop(transaction))
    edge.audit("charging.stop", actor, f"{component}: end of its session asked for (connector {number})")
    return Done()


@router.post("/connectors/{component}/wish", responses=ACTS)
async def set_charging_wish(component: str, body: ChargingWish, office: Office, edge: Edge, actor: Actor) -> Done:
    """Energy that the car shall get in this session, and when it leaves."""
    if body.departure is not None and body.departure.tzinfo is None:
        raise UnacceptableError(f"departure {body.departure.isoformat()} has no offset; add one, for example Z")
    departure_us = None if body.departure is None else (body.departure - _EPOCH) // timedelta(microseconds=1)
    _connector(office, component)
    try:
        office.need(component, body.energy_wh, departure_us)
    except NotConnectedError as error:
        raise RefusedError(str(error)) from error
    edge.audit("charging.wish", actor, f"{component}: {body.energy_wh} Wh until {body.departure}")
    return Done()


@router.post("/stations/{station}/reset", responses=ACTS)
async def reset_charging_station(station: str, body: ChargingReset, office: Office, edge: Edge, actor: Actor) -> Done:
    """Ask the station to start again."""
    await _ask(office, station, Reset(hard=body.kind == "hard"))
    edge.audit("charging.reset", actor, f"station {station}: {body.kind} reset asked for")
    return Done()


@router.post("/stations/{station}/trigger", responses=ACTS)
async def trigger_charging_message(
    station: str, body: ChargingMessage, office: Office, edge: Edge, actor: Actor
) -> Done:
    """Ask the station for a message: its status, meter values, a boot notification."""
    number = None
    if body.component is not None:
        owner, number = _connector(office, body.component)
        if owner != station:
            raise NotFoundError(f"{body.component!r} is no connector of station {station!r}")
    await _ask(office, station, Trigger(body.message, number))
    edge.audit("charging.trigger", actor, f"station {station}: {body.message} asked for")
    return Done()


@router.post("/stations/{station}/firmware", responses=ACTS)
async def update_charging_firmware(
    station: str, body: ChargingFirmware, office: Office, edge: Edge, actor: Actor
) -> Done:
    """Ask the station to fetch and install firmware. It tells its progress, which the log keeps."""
    retrieve = datetime.now(UTC) if body.retrieve is None else body.retrieve
    if retrieve.tzinfo is None:
        raise UnacceptableError(f"retrieve {retrieve.isoformat()} has no offset; add one, for example Z")
    retrieve_us = (retrieve - _EPOCH) // timedelta(microseconds=1)
    await _ask(office, station, UpdateFirmware(body.location, retrieve_us, _request_number()))
    edge.audit("charging.firmware", actor, f"station {station}: firmware from {_shown(body.location)} asked for")
    return Done()


@router.post("/stations/{station}/diagnostics", responses=ACTS)
async def get_charging_diagnostics(
    station: str, body: ChargingDiagnostics, office: Office, edge: Edge, actor: Actor
) -> Done:
    """Ask the station to upload its diagnostics."""
    await _ask(office, station, GetDiagnostics(body.location, _request_number()))
    edge.audit("charging.diagnostics", actor, f"station {station}: diagnostics to {_shown(body.location)} asked for")
    return Done()


def _request_number() -> int:
    """2.0.1 tells progress by it: seconds, so that no two alike are near each other."""
    return int(time.time()) % 2**31


def _shown(location: str) -> str:
    """Without user and password."""
    scheme, _, rest = location.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _connector(office: ChargingOffice, component: str) -> tuple[str, int]:
    try:
        station, number = office.connector(component)
    except KeyError as error:
        raise NotFoundError(f"{component!r} is no connector of a charging station") from error
    return station.id, number


async def _ask(office: ChargingOffice, station: str, order: Order) -> None:
    try:
        await office.ask(station, order)
    except KeyError as error:
        raise NotFoundError(f"there is no charging station {station!r}") from error
    except (NotConnectedError, StationRefusedError, NoAnswerError) as error:
        raise RefusedError(str(error)) from error


def _session(one: Session) -> ChargingSession:
    return ChargingSession(
        number=one.number,
        station=one.station,
        connector=one.connector,
        id_tag=one.id_tag,
        started=_time(one.started_us),
        ended=_time(one.ended_us),
        energy_wh=one.energy_wh,
        reason=one.reason,
        remark=one.remark,
    )


def _station(one: StationView) -> ChargingStationState:
    rows = [
        ChargingConnector(component=c.component, connector=c.connector, status=c.status, session=c.session)
        for c in one.connectors
    ]
    return ChargingStationState(id=one.id, model=one.model, connected=one.connected, connectors=rows)


def _time(time_us: int | None) -> datetime | None:
    return None if time_us is None else _EPOCH + timedelta(microseconds=time_us)
