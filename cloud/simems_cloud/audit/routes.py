"""``GET /audit``."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.audit.log import QUERIES
from simems_cloud.audit.schemas import AuditEntry, AuditPage
from simems_cloud.kit.database import transaction
from simems_cloud.kit.problems import InvalidRequestError, documented

router = APIRouter(tags=["audit"], responses=documented(401, 403))
Reader = Annotated[Principal, Depends(Requires(Permission.AUDIT_READ, everywhere=True))]
Exact = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Action = Annotated[
    str | None,
    Query(
        max_length=100, pattern=r"^[a-z0-9_.]*$", description="An action, or all of a kind: `user` finds `user.create`."
    ),
]


@router.get("/audit", operation_id="list_audit")
async def list_audit(  # noqa: PLR0913 - each a filter of the address
    principal: Reader,
    pool: Database,
    *,
    actor: Exact = None,
    action: Action = None,
    on: Annotated[str | None, Query(alias="object", max_length=300, pattern=r"^[^\x00]*$")] = None,
    start: Annotated[datetime | None, Query(alias="from", description="ISO 8601 with offset, included.")] = None,
    end: Annotated[datetime | None, Query(alias="to", description="ISO 8601 with offset, not included.")] = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="Serial; from the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """Who did what, newest first, a page at a time."""
    if any(moment is not None and moment.tzinfo is None for moment in (start, end)):
        raise InvalidRequestError("from, to: without an offset; write 2026-03-01T00:00:00Z")
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        wanted = (before, actor, action, on, start, end, limit + 1)
        rows = await connection.fetch(QUERIES["list_entries"], *wanted)
    items = [AuditEntry(**{**dict(row), "details": json.loads(row["details"])}) for row in rows[:limit]]
    return AuditPage(items=items, next=items[-1].serial if len(rows) > limit else None)
