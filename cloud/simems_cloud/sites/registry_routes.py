"""``/devices``, ``/sites/{site_id}/equipment`` and ``/sites/{site_id}/channels``: the device registry."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit.problems import documented
from simems_cloud.sites import registry
from simems_cloud.sites.registry_schemas import (
    ChannelMetadata,
    Config,
    ConfigVersion,
    Device,
    DeviceReplacement,
    Equipment,
    EquipmentReplacement,
)

router = APIRouter(tags=["devices"], responses=documented(401, 403))
Sees = Annotated[Principal, Depends(Requires(Permission.DEVICES_READ))]
SeesSite = Annotated[Principal, Depends(Requires(Permission.SITES_READ))]
Writes = Annotated[Principal, Depends(Requires(Permission.DEVICES_WRITE))]
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/devices", operation_id="list_devices")
async def list_devices(request: Request, principal: Sees, pool: Database) -> list[Device]:
    """Edge controllers of the sites one may see, with their health; retired ones last."""
    return await registry.list_devices(pool, principal, request.app.state.settings.stale_after_s)


@router.get("/devices/{device_id}", operation_id="get_device", responses=documented(404))
async def get_device(request: Request, device_id: UUID, principal: Sees, pool: Database) -> Device:
    """One of them."""
    return await registry.get_device(pool, principal, device_id, request.app.state.settings.stale_after_s)


@router.get("/devices/{device_id}/configs", operation_id="list_device_configs", responses=documented(404))
async def list_device_configs(device_id: UUID, principal: Sees, pool: Database) -> list[ConfigVersion]:
    """What it announced of its site, each time it changed; newest first."""
    return await registry.list_configs(pool, principal, device_id)


@router.get("/devices/{device_id}/configs/{version}", operation_id="get_device_config", responses=documented(404))
async def get_device_config(device_id: UUID, version: Version, principal: Sees, pool: Database) -> Config:
    """One of them with its content."""
    return await registry.get_config(pool, principal, device_id, version)


@router.post(
    "/devices/{device_id}/replace", operation_id="replace_device", status_code=201, responses=documented(404, 409, 422)
)
async def replace_device(
    request: Request, device_id: UUID, body: DeviceReplacement, principal: Writes, pool: Database
) -> Device:
    """A new controller for the same site; history goes on. Its key is its idempotency key."""
    stale_after_s = request.app.state.settings.stale_after_s
    return await registry.replace_device(pool, principal, device_id, body, stale_after_s)


@router.post("/devices/{device_id}/revoke", operation_id="revoke_device", responses=documented(404, 409))
async def revoke_device(request: Request, device_id: UUID, principal: Writes, pool: Database) -> Device:
    """Shut it out for good; its data stay."""
    return await registry.revoke_device(pool, principal, device_id, request.app.state.settings.stale_after_s)


@router.get("/sites/{site_id}/equipment", operation_id="list_equipment", responses=documented(404))
async def list_equipment(
    request: Request,
    site_id: str,
    principal: Sees,
    pool: Database,
    history: Annotated[bool, Query(description="Also what stood there before.")] = False,
) -> list[Equipment]:
    """Meters, inverters, batteries behind the site's controller, with their health."""
    stale_after_s = request.app.state.settings.stale_after_s
    return await registry.list_equipment(pool, principal, site_id, stale_after_s, history=history)


@router.post(
    "/sites/{site_id}/equipment/{component}/replace",
    operation_id="replace_equipment",
    status_code=201,
    responses=documented(404, 422),
)
async def replace_equipment(
    site_id: str, component: str, body: EquipmentReplacement, principal: Writes, pool: Database
) -> Equipment:
    """Say that another device stands there now; values and reports go on under the same name."""
    return await registry.replace_equipment(pool, principal, site_id, component, body)


@router.get("/sites/{site_id}/channels", operation_id="list_channels", responses=documented(404))
async def list_channels(site_id: str, principal: SeesSite, pool: Database) -> list[ChannelMetadata]:
    """Unit, scaling, limits and meaning of each channel, also of those that are announced no more."""
    return await registry.list_channels(pool, principal, site_id)
