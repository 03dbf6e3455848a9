"""``GET /sites`` and ``GET /sites/{site_id}``."""

from __future__ import annotations

from fastapi import APIRouter, Request

from simems_cloud.kit.principal import Database, SignedIn
from simems_cloud.kit.problems import Problem
from simems_cloud.sites import service
from simems_cloud.sites.schemas import SiteDescription, SiteSummary

router = APIRouter(tags=["sites"], responses={401: {"model": Problem}})


@router.get("/sites", operation_id="list_sites")
async def list_sites(request: Request, principal: SignedIn, pool: Database) -> list[SiteSummary]:
    """All sites of the tenant with their newest figures."""
    return await service.list_sites(pool, principal, request.app.state.settings.stale_after_s)


@router.get("/sites/{site_id}", operation_id="get_site", responses={404: {"model": Problem}})
async def get_site(request: Request, site_id: str, principal: SignedIn, pool: Database) -> SiteDescription:
    """Components, channels and settings as the site's device announced them."""
    return await service.describe_site(pool, principal, site_id, request.app.state.settings.stale_after_s)
