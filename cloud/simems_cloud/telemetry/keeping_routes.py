"""``/tenant/retention`` and ``/sites/{site_id}/exports``: how long values are kept, and taking them away."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit import versions
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey, Once
from simems_cloud.kit.versions import IfMatch
from simems_cloud.telemetry import exports, retention
from simems_cloud.telemetry.schemas import Export, ExportRequest, Retention, RetentionRequest

router = APIRouter(tags=["telemetry"], responses=documented(401, 403))
SeesValues = Annotated[Principal, Depends(Requires(Permission.TELEMETRY_READ))]
SeesTenant = Annotated[Principal, Depends(Requires(Permission.TELEMETRY_READ))]
Administers = Annotated[Principal, Depends(Requires(Permission.TENANT_WRITE, everywhere=True))]
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


@router.get("/tenant/retention", operation_id="get_retention")
async def get_retention(principal: SeesTenant, pool: Database, response: Response) -> Retention:
    """Days that raw values, minutes and quarter hours are kept; with the ETag that changes need."""
    found = await retention.get_retention(pool, principal)
    versions.tag(response, found.version)
    return found


@router.put("/tenant/retention", operation_id="put_retention", responses=documented(412, 422, 428))
async def put_retention(
    body: RetentionRequest, principal: Administers, pool: Database, response: Response, if_match: IfMatch = None
) -> Retention:
    """All at once. What is older is deleted within the hour, for good."""
    found = await retention.put_retention(pool, principal, body, if_match)
    versions.tag(response, found.version)
    return found


@router.post(
    "/sites/{site_id}/exports", operation_id="create_export", status_code=202, responses=documented(404, 409, 422)
)
async def create_export(
    request: Request,
    site_id: str,
    body: ExportRequest,
    principal: SeesValues,
    pool: Database,
    key: IdempotencyKey = None,
) -> Export:
    """Begins a job; follow its ``progress`` until its ``status`` is done or failed."""
    once = Once(request.app.state.vault, principal.user_id, key, body)
    return await exports.create(pool, principal, site_id, body, once)


@router.get("/sites/{site_id}/exports", operation_id="list_exports", responses=documented(404))
async def list_exports(site_id: str, principal: SeesValues, pool: Database) -> list[Export]:
    """The newest hundred; each is kept for seven days."""
    return await exports.listed(pool, principal, site_id)


@router.get("/sites/{site_id}/exports/{export_id}", operation_id="get_export", responses=documented(404))
async def get_export(site_id: str, export_id: UUID, principal: SeesValues, pool: Database) -> Export:
    """How far it is."""
    return await exports.get(pool, principal, site_id, export_id)


@router.delete(
    "/sites/{site_id}/exports/{export_id}", operation_id="delete_export", status_code=204, responses=documented(404)
)
async def delete_export(site_id: str, export_id: UUID, principal: SeesValues, pool: Database) -> None:
    """The job and its file."""
    await exports.delete(pool, principal, site_id, export_id)


@router.get(
    "/sites/{site_id}/exports/{export_id}/file",
    operation_id="get_export_file",
    response_class=StreamingResponse,
    responses={
        200: {"content": {media: {"schema": {"type": "string", "format": "binary"}} for media in MEDIA.values()}},
        **documented(404, 409),
    },
)
async def get_export_file(site_id: str, export_id: UUID, principal: SeesValues, pool: Database) -> StreamingResponse:
    """The file of an export that is done."""
    export = await exports.get(pool, principal, site_id, export_id)
    parts = await exports.file_of(pool, principal, export)
    headers = {
        "Content-Disposition": f'attachment; filename="{export_id}.{export.format}"',
        "Content-Length": str(export.bytes),
    }
    return StreamingResponse(parts, media_type=MEDIA[export.format], headers=headers)
