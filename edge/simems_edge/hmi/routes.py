"""The calls under ``/api/v1``. Reading is open on the local network; whatever acts needs a token and is audited."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from simems_edge.hmi.access import TOKEN_LIFETIME_S, Access
from simems_edge.hmi.errors import (
    LockedError,
    NotFoundError,
    RefusedError,
    UnacceptableError,
    UnauthorisedError,
    responses,
)
from simems_edge.hmi.schemas import (
    AccessToken,
    Alarm,
    ClaimCode,
    CycleHealth,
    DeviceIdentity,
    Fault,
    FaultsCleared,
    History,
    Latest,
    Override,
    OverrideRequest,
    PinLogin,
    SiteDescription,
    SyncStatus,
)
from simems_edge.hmi.service import EdgeService
from simems_edge.runtime import FaultRefusedError

OPERATOR = "operator"
DEFAULT_SPAN = timedelta(hours=24)
MAX_CHANNELS = 32

router = APIRouter(prefix="/api/v1")
_bearer = HTTPBearer(auto_error=False)


def edge_of(request: Request) -> EdgeService:
    service: EdgeService = request.app.state.service
    return service


def access_of(request: Request) -> Access:
    access: Access = request.app.state.access
    return access


Edge = Annotated[EdgeService, Depends(edge_of)]
Door = Annotated[Access, Depends(access_of)]


def signed_in(access: Door, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """Who acts."""
    if credentials is None or not access.allows(credentials.credentials):
        raise UnauthorisedError("sign in with the PIN first (POST /api/v1/auth/pin)")
    return OPERATOR


Actor = Annotated[str, Depends(signed_in)]


@router.get("/site", tags=["site"])
async def get_site(edge: Edge) -> SiteDescription:
    """What stands on this site."""
    return edge.site()


@router.get("/latest", tags=["site"])
async def get_latest(edge: Edge) -> Latest:
    """What the last cycle saw and decided."""
    return edge.latest()


@router.get("/history", tags=["site"], responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY))
async def get_history(
    edge: Edge,
    channel: Annotated[list[str], Query(min_length=1, max_length=MAX_CHANNELS)],
    start: Annotated[datetime | None, Query(alias="from")] = None,
    end: Annotated[datetime | None, Query(alias="to")] = None,
    max_points: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> History:
    """Recorded values; without `from` and `to` the last 24 hours."""
    until = _utc(end) if end else edge.now()
    since = _utc(start) if start else until - DEFAULT_SPAN
    if since >= until:
        raise UnacceptableError("`from` must be before `to`")
    try:
        return await edge.history(channel, since, until, max_points)
    except KeyError as error:
        raise NotFoundError(f"there is no channel {error.args[0]!r} on this site") from error


def _utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise UnacceptableError(f"time {time.isoformat()} has no offset; add one, for example {time.isoformat()}Z")
    return time.astimezone(UTC)


@router.get("/alarms", tags=["alarms"], responses=responses(HTTPStatus.UNPROCESSABLE_ENTITY))
async def get_alarms(edge: Edge, active: bool | None = None) -> list[Alarm]:
    """Newest first; `active=true` gives those whose cause still stands."""
    return edge.alarms(active=active)


@router.post(
    "/alarms/{alarm_id}/acknowledge",
    tags=["alarms"],
    responses=responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def acknowledge_alarm(alarm_id: str, edge: Edge, actor: Actor) -> Alarm:
    """Note that a person has seen it; the alarm stays until its cause goes."""
    try:
        return edge.acknowledge_alarm(alarm_id, actor)
    except KeyError as error:
        raise NotFoundError(f"there is no alarm {alarm_id!r}") from error


@router.get("/faults", tags=["faults"])
async def get_faults(edge: Edge) -> list[Fault]:
    """Faults that stand now, in the catalogue's order; docs/faults.md explains each code."""
    return edge.faults()


@router.post(
    "/faults/{code}/clear",
    tags=["faults"],
    responses=responses(
        HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
    ),
)
async def clear_fault(code: str, edge: Edge, actor: Actor) -> FaultsCleared:
    """Clear a latched fault (`code`, or `code:component`); refused, saying why, while its cause stands."""
    try:
        return FaultsCleared(cleared=await edge.clear_fault(code, actor))
    except KeyError as error:
        raise NotFoundError(f"{code!r} is no fault that this site can have") from error
    except FaultRefusedError as error:
        raise RefusedError(str(error)) from error


@router.post(
    "/auth/pin",
    tags=["auth"],
    responses=responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def sign_in_with_pin(body: PinLogin, request: Request, edge: Edge, access: Door) -> AccessToken:
    """Trade the PIN for a short-lived token; five wrong tries lock for a minute."""
    lock: asyncio.Lock = request.app.state.sign_in_lock
    async with lock:
        if wait_s := access.locked_for_s():
            raise LockedError(wait_s)
        accepted = await asyncio.to_thread(access.try_pin, body.pin)
    _audit_sign_in(edge, request, accepted=accepted)
    if not accepted:
        raise UnauthorisedError("wrong PIN")
    return AccessToken(access_token=access.issue(), expires_in=TOKEN_LIFETIME_S, role=OPERATOR)


def _audit_sign_in(edge: EdgeService, request: Request, *, accepted: bool) -> None:
    host = request.client.host if request.client else "unknown"
    outcome = "accepted" if accepted else "refused"
    edge.audit(f"sign_in.{outcome}", OPERATOR if accepted else "unknown", f"PIN {outcome} from {host}")


@router.get("/overrides", tags=["overrides"])
async def get_overrides(edge: Edge) -> list[Override]:
    """Manual preferences that stand now."""
    return edge.overrides()


@router.post(
    "/overrides",
    tags=["overrides"],
    status_code=HTTPStatus.CREATED,
    responses=responses(
        HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
    ),
)
async def set_override(body: OverrideRequest, edge: Edge, actor: Actor) -> Override:
    """Prefer a value by hand for a while; guards still apply."""
    try:
        return edge.set_override(body, actor)
    except KeyError as error:
        raise NotFoundError(f"{body.target!r} is not a settable channel of this site") from error
    except ValueError as error:
        raise UnacceptableError(str(error)) from error
    except OSError as error:
        raise RefusedError(f"it cannot be kept over a restart ({error.strerror}); check the disk") from error


@router.delete(
    "/overrides/{target:path}",
    tags=["overrides"],
    status_code=HTTPStatus.NO_CONTENT,
    responses=responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def clear_override(target: str, edge: Edge, actor: Actor) -> Response:
    """Give the actuator back to the controllers."""
    try:
        edge.clear_override(target, actor)
    except KeyError as error:
        raise NotFoundError(f"there is no override on {target!r}") from error
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/cycle", tags=["health"])
async def get_cycle(edge: Edge) -> CycleHealth:
    """Statistics of the control cycle."""
    return edge.cycle()


@router.get("/sync", tags=["health"])
async def get_sync(edge: Edge) -> SyncStatus:
    """The link to the cloud and what waits for it."""
    return await edge.sync()


@router.get("/identity", tags=["health"])
async def get_identity(edge: Edge) -> DeviceIdentity:
    """Who this box is to the cloud."""
    return edge.identity()


@router.get("/identity/claim", tags=["health"], responses=responses(HTTPStatus.UNAUTHORIZED))
async def get_claim_code(edge: Edge, actor: Actor) -> ClaimCode:
    """The claim code with its QR image, for who takes the box in; kept in the audit list."""
    edge.audit("claim_code.shown", actor, "The claim code was shown")
    return edge.claim_code()
