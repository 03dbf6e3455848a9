"""``GET /sites`` and ``GET /sites/{site_id}``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import TypeAdapter

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit.database import Pool
from simems_cloud.kit.pages import After, link_next
from simems_cloud.kit.problems import documented
from simems_cloud.sites import overview, service
from simems_cloud.sites.schemas import SiteDescription, SiteSummary

router = APIRouter(tags=["sites"], responses=documented(401, 403))
_SUMMARIES = TypeAdapter(list[SiteSummary])
"""Written straight out: a thousand sites are not checked a second time."""
SeesSites = Annotated[Principal, Depends(Requires(Permission.SITES_READ))]


@router.get("/sites", operation_id="list_sites", response_model=list[SiteSummary])
async def list_sites(
    request: Request,
    principal: SeesSites,
    pool: Database,
    *,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=overview.MOST)] = overview.MOST,
) -> Response:
    """The sites one may see by name, with their newest figures. The `Link` header leads to the next page."""
    reach = principal.paths(Permission.SITES_READ)
    body, following = await request.app.state.site_lists.ask(
        (principal.tenant_id, None if reach is None else tuple(reach), after, limit),
        lambda: _listed(pool, principal, request.app.state.settings.stale_after_s, after, limit),
    )
    answer = Response(body, media_type="application/json")
    link_next(request, answer, following)
    return answer


async def _listed(
    pool: Pool, principal: Principal, stale_after_s: float, after: str | None, limit: int
) -> tuple[bytes, str | None]:
    """The list as it is sent, and the next page's cursor; the same for all of a tenant with the same reach."""
    found, following = await overview.list_sites(pool, principal, stale_after_s, after=after, limit=limit)
    return _SUMMARIES.dump_json(found), following


@router.get("/sites/{site_id}", operation_id="get_site", responses=documented(404))
async def get_site(request: Request, site_id: str, principal: SeesSites, pool: Database) -> SiteDescription:
    """Components, channels and settings as the site's device announced them."""
    return await service.describe_site(pool, principal, site_id, request.app.state.settings.stale_after_s)
