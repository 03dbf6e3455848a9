"""``/alarms`` and ``/sites/{site_id}/alarms``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.alarms import service
from simems_cloud.alarms.schemas import Alarm
from simems_cloud.kit.pages import After, link_next
from simems_cloud.kit.problems import documented

router = APIRouter(tags=["alarms"], responses=documented(401, 403))
SeesAlarms = Annotated[Principal, Depends(Requires(Permission.ALARMS_READ))]
Acknowledges = Annotated[Principal, Depends(Requires(Permission.ALARMS_ACKNOWLEDGE))]
Limit = Annotated[int, Query(ge=1, le=1000)]
Active = Annotated[bool | None, Query(description="Only those that stand (true) or have cleared (false).")]


@router.get("/alarms", operation_id="list_alarms")
async def list_alarms(
    request: Request,
    response: Response,
    principal: SeesAlarms,
    pool: Database,
    *,
    active: Active = None,
    after: After = None,
    limit: Limit = service.LIMIT,
) -> list[Alarm]:
    """Of all sites one may see: those that stand first, newest first. The `Link` header leads to the next page."""
    found, following = await service.list_alarms(pool, principal, None, active, after=after, limit=limit)
    link_next(request, response, following)
    return found


@router.get("/sites/{site_id}/alarms", operation_id="list_site_alarms", responses=documented(404))
async def list_site_alarms(
    request: Request,
    response: Response,
    site_id: str,
    principal: SeesAlarms,
    pool: Database,
    *,
    active: Active = None,
    after: After = None,
    limit: Limit = service.LIMIT,
) -> list[Alarm]:
    """Of one site. The `Link` header leads to the next page."""
    found, following = await service.list_alarms(pool, principal, site_id, active, after=after, limit=limit)
    link_next(request, response, following)
    return found


@router.post(
    "/alarms/{alarm_id}/acknowledge",
    operation_id="acknowledge_alarm",
    responses=documented(404),
)
async def acknowledge_alarm(alarm_id: str, principal: Acknowledges, pool: Database) -> Alarm:
    """Say that one has seen it. Acknowledging twice changes nothing."""
    return await service.acknowledge(pool, principal, alarm_id)
