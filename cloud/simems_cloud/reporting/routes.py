"""``/reports`` and ``/report-schedules``."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit import versions
from simems_cloud.kit.pages import After, link_next
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey, Once
from simems_cloud.kit.versions import IfMatch
from simems_cloud.reporting import service
from simems_cloud.reporting.files import MEDIA
from simems_cloud.reporting.schemas import Format, Report, ReportRequest, Schedule, ScheduleRequest, Verdict

router = APIRouter(tags=["reports"], responses=documented(401, 403))
Reads = Annotated[Principal, Depends(Requires(Permission.REPORTS_READ))]
Writes = Annotated[Principal, Depends(Requires(Permission.REPORTS_WRITE))]
EDITED = documented(404, 409, 412, 428)
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {media.partition(";")[0]: {} for media in MEDIA.values()}}
}


@router.get("/reports", operation_id="list_reports")
async def list_reports(
    request: Request,
    response: Response,
    principal: Reads,
    pool: Database,
    *,
    node: Annotated[UUID | None, Query(description="Only of this node.")] = None,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Report]:
    """Newest first. The `Link` header leads to the next page."""
    found, following = await service.list_reports(pool, principal, node, after=after, limit=limit)
    link_next(request, response, following)
    return found


@router.post("/reports", operation_id="create_report", status_code=202, responses=documented(404, 409))
async def create_report(
    request: Request, body: ReportRequest, principal: Writes, pool: Database, key: IdempotencyKey = None
) -> Report:
    """It is made in the background, usually within a second or two; of a period that lasts, of what is known by now."""
    once = Once(request.app.state.vault, principal.user_id, key, body)
    return await service.create(pool, principal, body, once)


@router.get("/reports/{report_id}", operation_id="get_report", responses=documented(404))
async def get_report(report_id: UUID, principal: Reads, pool: Database) -> Report:
    """Whether it is ready, and its files."""
    return await service.get(pool, principal, report_id)


@router.delete("/reports/{report_id}", operation_id="delete_report", status_code=204, responses=documented(404))
async def delete_report(report_id: UUID, principal: Writes, pool: Database) -> None:
    """With its files and inputs."""
    await service.delete(pool, principal, report_id)


@router.get(
    "/reports/{report_id}/files/{form}",
    operation_id="download_report",
    response_class=Response,
    responses={**documented(404, 409), **FILE},
)
async def download_report(report_id: UUID, form: Format, principal: Reads, pool: Database) -> Response:
    """The audit log records it."""
    report, file = await service.download(pool, principal, report_id, form)
    name = f"energy-{report.period}-{report.starts_on}.{form}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": SANDBOX,
        "ETag": f'"{file.sha256}"',
    }
    return Response(file.content, media_type=MEDIA[form], headers=headers)


@router.post("/reports/{report_id}/verify", operation_id="verify_report", responses=documented(404, 409))
async def verify_report(report_id: UUID, principal: Reads, pool: Database) -> Verdict:
    """Make the files again from the stored inputs and compare them byte for byte; changes nothing."""
    return await service.verify(pool, principal, report_id)


@router.get("/report-schedules", operation_id="list_report_schedules")
async def list_report_schedules(principal: Reads, pool: Database) -> list[Schedule]:
    """By node, at most 1000."""
    return await service.list_schedules(pool, principal)


@router.post(
    "/report-schedules", operation_id="create_report_schedule", status_code=201, responses=documented(404, 409)
)
async def create_report_schedule(
    request: Request,
    body: ScheduleRequest,
    principal: Writes,
    pool: Database,
    response: Response,
    key: IdempotencyKey = None,
) -> Schedule:
    """From the next period on that ends."""
    once = Once(request.app.state.vault, principal.user_id, key, body)
    return _tagged(await service.create_schedule(pool, principal, body, once), response)


@router.get("/report-schedules/{schedule_id}", operation_id="get_report_schedule", responses=documented(404))
async def get_report_schedule(schedule_id: UUID, principal: Reads, pool: Database, response: Response) -> Schedule:
    """With the ETag that changes need."""
    return _tagged(await service.get_schedule(pool, principal, schedule_id), response)


@router.put("/report-schedules/{schedule_id}", operation_id="update_report_schedule", responses=EDITED)
async def update_report_schedule(
    schedule_id: UUID,
    body: ScheduleRequest,
    principal: Writes,
    pool: Database,
    response: Response,
    if_match: IfMatch = None,
) -> Schedule:
    """All of it at once."""
    return _tagged(await service.update_schedule(pool, principal, schedule_id, body, if_match), response)


@router.delete(
    "/report-schedules/{schedule_id}",
    operation_id="delete_report_schedule",
    status_code=204,
    responses=documented(404),
)
async def delete_report_schedule(schedule_id: UUID, principal: Writes, pool: Database) -> None:
    """Its reports stay."""
    await service.delete_schedule(pool, principal, schedule_id)


def _tagged(schedule: Schedule, response: Response) -> Schedule:
    versions.tag(response, schedule.version)
    return schedule
