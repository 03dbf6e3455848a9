"""``/device-claims``: taking boxes in."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit.problems import documented
from simems_cloud.sites import claims
from simems_cloud.sites.claim_schemas import ApprovalRequest, Claim, ClaimRequest, RefusalRequest

router = APIRouter(tags=["devices"], responses=documented(401, 403))
Sees = Annotated[Principal, Depends(Requires(Permission.DEVICES_READ))]
Writes = Annotated[Principal, Depends(Requires(Permission.DEVICES_WRITE))]


@router.get("/device-claims", operation_id="list_device_claims")
async def list_claims(principal: Sees, pool: Database) -> list[Claim]:
    """Codes that were entered and what became of them; newest first."""
    return await claims.list_claims(pool, principal)


@router.post("/device-claims", operation_id="enter_claim_code", status_code=201, responses=documented(404, 409, 422))
async def enter_code(body: ClaimRequest, principal: Writes, pool: Database) -> Claim:
    """Let the box with this code say who it is. The code is its idempotency key."""
    return await claims.enter_code(pool, principal, body)


@router.post("/device-claims/{claim_id}/approve", operation_id="approve_device_claim", responses=documented(404, 409))
async def approve(claim_id: UUID, body: ApprovalRequest, principal: Writes, pool: Database) -> Claim:
    """Let the box that came in as a device, when the fingerprint on its screen is this one."""
    return await claims.approve_claim(pool, principal, claim_id, body.fingerprint)


@router.post("/device-claims/{claim_id}/refuse", operation_id="refuse_device_claim", responses=documented(404, 409))
async def refuse(claim_id: UUID, body: RefusalRequest, principal: Writes, pool: Database) -> Claim:
    """The box that came is not let in; it hears the reason."""
    return await claims.refuse_claim(pool, principal, claim_id, body.reason)


@router.delete(
    "/device-claims/{claim_id}", operation_id="withdraw_device_claim", status_code=204, responses=documented(404)
)
async def withdraw(claim_id: UUID, principal: Writes, pool: Database) -> None:
    """The code is worth nothing any more."""
    await claims.withdraw_claim(pool, principal, claim_id)
