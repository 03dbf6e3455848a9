"""``/jobs``."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.audit.log import change
from simems_cloud.jobs.queue import QUERIES
from simems_cloud.jobs.schemas import Job, Jobs, Retried, Status
from simems_cloud.kit.database import transaction
from simems_cloud.kit.problems import NotFoundError, documented

router = APIRouter(tags=["jobs"], responses=documented(401, 403))
Sees = Annotated[Principal, Depends(Requires(Permission.JOBS_READ, everywhere=True))]
Starts = Annotated[Principal, Depends(Requires(Permission.JOBS_WRITE, everywhere=True))]
WORDS: dict[str, Status] = {"todo": "waiting", "doing": "running", "succeeded": "succeeded", "failed": "failed"}


@router.get("/jobs", operation_id="list_jobs")
async def list_jobs(
    principal: Sees,
    pool: Database,
    *,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="Id; from the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Jobs:
    """Background jobs of the tenant, newest first; those that ended are forgotten after a week."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["list"], before, limit + 1)
    items = [
        Job(
            **{
                **dict(row),
                "arguments": json.loads(row["arguments"]),
                "status": WORDS.get(row["status"], "cancelled"),
            }
        )
        for row in rows[:limit]
    ]
    return Jobs(items=items, next=items[-1].id if len(rows) > limit else None)


@router.post("/jobs/{job_id}/retry", operation_id="retry_job", responses=documented(404))
async def retry_job(job_id: Annotated[int, Path(ge=1, lt=2**63)], principal: Starts, pool: Database) -> Retried:
    """A job that has failed for good, once more."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        if not await made.connection.fetchval(QUERIES["retry"], job_id):
            raise NotFoundError(f"no failed job {job_id}")
        await made.record("job.retry", job_id)
    return Retried(id=job_id)
