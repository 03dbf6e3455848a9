"""``/platform/tenants``: for whoever runs the platform."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit.problems import ConflictError, documented
from simems_cloud.tenancy import export, service
from simems_cloud.tenancy.schemas import CreatedTenant, Deletion, DeletionConfirmed, NewTenant, Tenant

router = APIRouter(prefix="/platform/tenants", tags=["platform"], responses=documented(401, 403))
Platform = Annotated[Principal, Depends(Requires(Permission.PLATFORM_TENANTS, everywhere=True))]
CHANGED = documented(404, 409)


@router.get("", operation_id="list_tenants")
async def list_tenants(principal: Platform, pool: Database) -> list[Tenant]:
    """All tenants; deleted ones stay as tombstones."""
    return await service.list_tenants(pool, principal)


@router.post("", operation_id="create_tenant", status_code=201, responses=documented(409))
async def create_tenant(body: NewTenant, principal: Platform, pool: Database) -> CreatedTenant:
    """A new tenant and the invitation of its first administrator. Its name is its idempotency key."""
    return await service.create(pool, _actor(principal), body)


@router.post("/{tenant_id}/suspend", operation_id="suspend_tenant", responses=CHANGED)
async def suspend_tenant(tenant_id: UUID, principal: Platform, pool: Database) -> Tenant:
    """Its people and devices stay outside; nothing is lost."""
    _not_own(principal, tenant_id)
    return await service.suspend(pool, _actor(principal), tenant_id)


@router.post("/{tenant_id}/resume", operation_id="resume_tenant", responses=CHANGED)
async def resume_tenant(tenant_id: UUID, principal: Platform, pool: Database) -> Tenant:
    """Let it in again."""
    return await service.resume(pool, _actor(principal), tenant_id)


@router.get(
    "/{tenant_id}/export",
    operation_id="export_tenant",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}, **documented(404)},
)
async def export_tenant(tenant_id: UUID, principal: Platform, pool: Database) -> StreamingResponse:
    """A line a row; the last line is the manifest with counts and hashes. No password, no token, no secret."""
    await service.note_export(pool, _actor(principal), tenant_id)
    return StreamingResponse(export.stream(pool, tenant_id), media_type="application/x-ndjson")


@router.post("/{tenant_id}/deletion", operation_id="ask_tenant_deletion", responses=CHANGED)
async def ask_tenant_deletion(request: Request, tenant_id: UUID, principal: Platform, pool: Database) -> Deletion:
    """First step, for a suspended tenant: nothing happens yet."""
    _not_own(principal, tenant_id)
    return await service.ask_deletion(pool, _actor(principal), tenant_id, request.app.state.jwt_key)


@router.post(
    "/{tenant_id}/deletion/confirm", operation_id="confirm_tenant_deletion", status_code=202, responses=CHANGED
)
async def confirm_tenant_deletion(
    request: Request, tenant_id: UUID, body: DeletionConfirmed, principal: Platform, pool: Database
) -> Tenant:
    """Second step: everything but the audit log is deleted, in batches; it cannot be undone."""
    _not_own(principal, tenant_id)
    return await service.confirm_deletion(pool, _actor(principal), tenant_id, body, request.app.state.jwt_key)


def _actor(principal: Principal) -> str:
    return f"platform: {principal.actor}"


def _not_own(principal: Principal, tenant_id: UUID) -> None:
    if principal.tenant_id == tenant_id:
        raise ConflictError("this is your own tenant; another one of the platform's people must do it")
