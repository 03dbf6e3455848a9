"""``/alarms/{alarm_id}/comments``, ``/changes``, ``/silence`` and ``/alarm-silences``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.alarms import life
from simems_cloud.alarms.schemas import (
    AlarmChange,
    AlarmChanges,
    CommentRequest,
    Silence,
    SilenceAlarm,
    SilenceRequest,
)
from simems_cloud.kit.pages import After, link_next
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey, Once

router = APIRouter(tags=["alarms"], responses=documented(401, 403))
Sees = Annotated[Principal, Depends(Requires(Permission.ALARMS_READ))]
Acts = Annotated[Principal, Depends(Requires(Permission.ALARMS_ACKNOWLEDGE))]


@router.get("/alarms/{alarm_id}/changes", operation_id="list_alarm_changes", responses=documented(404))
async def list_alarm_changes(
    alarm_id: UUID,
    principal: Sees,
    pool: Database,
    *,
    after: Annotated[int | None, Query(ge=0, lt=2**63, description="Id; from the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> AlarmChanges:
    """The alarm's story, comments among it."""
    return await life.story(pool, principal, alarm_id, after, limit)


@router.post(
    "/alarms/{alarm_id}/comments", operation_id="comment_alarm", status_code=201, responses=documented(404, 409)
)
async def comment_alarm(
    request: Request, alarm_id: UUID, body: CommentRequest, principal: Acts, pool: Database, key: IdempotencyKey = None
) -> AlarmChange:
    """For whoever looks next; nobody is told."""
    once = Once(request.app.state.vault, principal.user_id, key, body, alarm_id)
    return await life.comment(pool, principal, alarm_id, body, once)


@router.post(
    "/alarms/{alarm_id}/silence", operation_id="silence_alarm", status_code=201, responses=documented(404, 409)
)
async def silence_alarm(
    request: Request, alarm_id: UUID, body: SilenceAlarm, principal: Acts, pool: Database, key: IdempotencyKey = None
) -> Silence:
    """Nobody is told of this one, nor of others of its code and component at its site, until then."""
    once = Once(request.app.state.vault, principal.user_id, key, body, alarm_id)
    return await life.silence_alarm(pool, principal, alarm_id, body, once)


@router.get("/alarm-silences", operation_id="list_silences")
async def list_silences(
    request: Request,
    response: Response,
    principal: Sees,
    pool: Database,
    *,
    ended: Annotated[bool, Query(description="Those that are over as well.")] = False,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> list[Silence]:
    """Newest first. The `Link` header leads to the next page."""
    found, following = await life.silences(pool, principal, ended=ended, after=after, limit=limit)
    link_next(request, response, following)
    return found


@router.post("/alarm-silences", operation_id="create_silence", status_code=201, responses=documented(404, 409))
async def create_silence(
    request: Request, body: SilenceRequest, principal: Acts, pool: Database, key: IdempotencyKey = None
) -> Silence:
    """By site, code and component, e.g. for maintenance."""
    once = Once(request.app.state.vault, principal.user_id, key, body)
    return await life.silence(pool, principal, body, once)


@router.post("/alarm-silences/{silence_id}/end", operation_id="end_silence", responses=documented(404))
async def end_silence(silence_id: UUID, principal: Acts, pool: Database) -> Silence:
    """Before its time. Alarms that still stand are told now."""
    return await life.end_silence(pool, principal, silence_id)
