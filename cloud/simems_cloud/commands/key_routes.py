"""``/command-key``: the key that signs a tenant's commands; and the same for whoever runs the platform."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.commands import keys
from simems_cloud.commands.key_schemas import CommandKey, KeyChangeRequest
from simems_cloud.commands.routes import Seals
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey

router = APIRouter(responses=documented(401, 403))
Sees = Annotated[Principal, Depends(Requires(Permission.DEVICES_READ, everywhere=True))]
Changes = Annotated[Principal, Depends(Requires(Permission.TENANT_WRITE, everywhere=True))]
Platform = Annotated[Principal, Depends(Requires(Permission.PLATFORM_TENANTS, everywhere=True))]


@router.get("/command-key", operation_id="get_command_key", tags=["commands"])
async def get_command_key(principal: Sees, pool: Database) -> CommandKey:
    """The key that devices believe, and which of them do not believe it yet."""
    return await keys.show(pool, principal.tenant_id)


@router.post(
    "/command-key/change", operation_id="change_command_key", tags=["commands"], responses=documented(409, 422)
)
async def change_command_key(
    body: KeyChangeRequest, principal: Changes, pool: Database, vault: Seals, key: IdempotencyKey = None
) -> CommandKey:
    """A new key on the old one's word: devices follow it as they come; the old one ends after the overlap."""
    return await keys.change_own(pool, vault, principal, body, key)


@router.post(
    "/platform/tenants/{tenant_id}/command-key/change",
    operation_id="change_command_key_of_tenant",
    tags=["platform"],
    responses=documented(404, 422),
)
async def change_command_key_of_tenant(
    tenant_id: UUID, body: KeyChangeRequest, principal: Platform, pool: Database, vault: Seals
) -> CommandKey:
    """The same for any tenant, written into that tenant's log."""
    return await keys.change_of(pool, vault, f"platform: {principal.actor}", tenant_id, body.overlap_s)
