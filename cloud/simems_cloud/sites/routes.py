"""``GET /sites`` and ``GET /sites/{site_id}``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit.problems import documented
from simems_cloud.sites import service
from simems_cloud.sites.schemas import SiteDescription, SiteSummary

router = APIRouter(tags=["sites"], responses=documented(401, 403))
_SUMMARIES = TypeAdapter(list[SiteSummary])
"""Written straight out: a thousand sites are not checked a second time."""
SeesSites = Annotated[Principal, Depends(Requires(Permission.SITES_READ))]


@router.get("/sites", operation_id="list_sites", response_model=list[SiteSummary])
async def list_sites(request: Request, principal: SeesSites, pool: Database) -> Response:
    """The sites one may see, with their newest figures."""
    found = await service.list_sites(pool, principal, request.app.state.settings.stale_after_s)
    return Response(_SUMMARIES.dump_json(found), media_type="application/json")


@router.get("/sites/{site_id}", operation_id="get_site", responses=documented(404))
async def get_site(request: Request, site_id: str, principal: SeesSites, pool: Database) -> SiteDescription:
    """Components, channels and settings as the site's device announced them."""
    return await service.describe_site(pool, principal, site_id, request.app.state.settings.stale_after_s)
