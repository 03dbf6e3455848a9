"""``/sites/{site_id}/latest``, ``/history``, ``/measurements``, ``/energy`` and ``/summary``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit.problems import documented
from simems_cloud.telemetry.energy_by_interval import read_energy
from simems_cloud.telemetry.history import read_history
from simems_cloud.telemetry.intervals import Length
from simems_cloud.telemetry.latest import read_latest
from simems_cloud.telemetry.schemas import History, Latest, Resolution, SiteEnergy, Summary, ValuesPage
from simems_cloud.telemetry.summary import read_summary
from simems_cloud.telemetry.values_page import read_page

router = APIRouter(prefix="/sites/{site_id}", tags=["telemetry"], responses=documented(401, 403, 404))
SeesValues = Annotated[Principal, Depends(Requires(Permission.TELEMETRY_READ))]
From = Annotated[datetime, Query(alias="from", description="ISO 8601 with offset, included.")]
To = Annotated[datetime, Query(alias="to", description="ISO 8601 with offset, not included.")]
Channels = Annotated[list[str], Query(alias="channel", min_length=1, max_length=50, description="Addresses.")]


@router.get("/latest", operation_id="get_latest")
async def get_latest(request: Request, site_id: str, principal: SeesValues, pool: Database) -> Latest:
    """The newest value of each channel, and why the battery does what it does."""
    return await read_latest(pool, principal, site_id, request.app.state.settings.stale_after_s)


@router.get("/history", operation_id="get_history", response_model=History, responses=documented(422))
async def get_history(
    site_id: str,
    principal: SeesValues,
    pool: Database,
    *,
    channel: Channels,
    start: From,
    end: To,
    max_points: Annotated[int, Query(ge=2, le=40_000)] = 1000,
    resolution: Resolution = "auto",
) -> Response:
    """Mean, minimum and maximum per interval; `null` is a gap."""
    found = await read_history(
        pool, principal, site_id, channel, start=start, end=end, max_points=max_points, resolution=resolution
    )
    return Response(found.json(), media_type="application/json")


@router.get("/measurements", operation_id="get_measurements", responses=documented(422))
async def get_measurements(
    site_id: str,
    principal: SeesValues,
    pool: Database,
    *,
    channel: Channels,
    start: From,
    end: To,
    limit: Annotated[int, Query(ge=1, le=50_000)] = 1000,
) -> ValuesPage:
    """Raw values as rows, a page at a time: give ``next`` as ``from`` until it is null."""
    return await read_page(pool, principal, site_id, channel, start=start, end=end, limit=limit)


@router.get("/energy", operation_id="get_energy", responses=documented(422))
async def get_energy(
    site_id: str,
    principal: SeesValues,
    pool: Database,
    *,
    first: Annotated[date, Query(alias="from", description="A date at the site, included.")],
    last: Annotated[date, Query(alias="to", description="A date at the site, included.")],
    interval: Length = "day",
) -> SiteEnergy:
    """Energy per interval, component and direction, from the devices' registers where there are any."""
    return await read_energy(pool, principal, site_id, first=first, last=last, length=interval)


@router.get("/summary", operation_id="get_summary", responses=documented(422))
async def get_summary(site_id: str, principal: SeesValues, pool: Database, start: From, end: To) -> Summary:
    """Energy by direction and the highest quarter hour of import."""
    return await read_summary(pool, principal, site_id, start=start, end=end)
