"""``/sites/{site_id}/commands``, ``/commands`` and ``/command-batches``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.commands import service
from simems_cloud.commands.schemas import Batch, BatchRequest, Command, CommandRequest, State
from simems_cloud.kit.pages import After, link_next
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey
from simems_cloud.kit.vault import Vault

router = APIRouter(tags=["commands"], responses=documented(401, 403))
Sees = Annotated[Principal, Depends(Requires(Permission.COMMANDS_READ))]
Sends = Annotated[Principal, Depends(Requires(Permission.COMMANDS_WRITE))]


def vault_of(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


States = Annotated[list[State] | None, Query(description="Only those in one of these states.", max_length=6)]
PageSize = Annotated[int, Query(ge=1, le=service.MOST)]
Seals = Annotated[Vault, Depends(vault_of)]


@router.post(
    "/sites/{site_id}/commands", operation_id="send_command", status_code=201, responses=documented(404, 409, 422)
)
async def send_command(
    site_id: str, body: CommandRequest, principal: Sends, pool: Database, vault: Seals, key: IdempotencyKey = None
) -> Command:
    """Sign a command for the site's device and queue it; it is sent as soon as the device is connected."""
    return await service.send_command(pool, vault, principal, site_id, body, key)


@router.get("/sites/{site_id}/commands", operation_id="list_commands", responses=documented(404, 422))
async def list_commands(
    request: Request,
    response: Response,
    site_id: str,
    principal: Sees,
    pool: Database,
    state: States = None,
    after: After = None,
    limit: PageSize = 50,
) -> list[Command]:
    """Newest first, a page at a time."""
    page = service.Page(site_id, list(state or ()), after, limit)
    found, following = await service.list_commands(pool, principal, page)
    link_next(request, response, following)
    return found


@router.get("/commands", operation_id="list_commands_of_all_sites", responses=documented(422))
async def list_commands_of_all_sites(
    request: Request,
    response: Response,
    principal: Sees,
    pool: Database,
    state: States = None,
    after: After = None,
    limit: PageSize = 50,
) -> list[Command]:
    """Of the sites within reach; newest first, a page at a time."""
    found, following = await service.list_commands(pool, principal, service.Page(None, list(state or ()), after, limit))
    link_next(request, response, following)
    return found


@router.get("/commands/{command_id}", operation_id="get_command", responses=documented(404))
async def get_command(command_id: UUID, principal: Sees, pool: Database) -> Command:
    """One of them."""
    return await service.get_command(pool, principal, command_id)


@router.get(
    "/commands/{command_id}/result",
    operation_id="get_command_result",
    responses=documented(404)
    | {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
    response_class=Response,
)
async def get_result(command_id: UUID, principal: Sees, pool: Database) -> Response:
    """What a diagnostics command brought back: a zip file."""
    content = await service.get_result(pool, principal, command_id)
    headers = {"Content-Disposition": f'attachment; filename="diagnostics-{command_id}.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


@router.post("/command-batches", operation_id="send_command_batch", status_code=201, responses=documented(409, 422))
async def send_batch(
    body: BatchRequest, principal: Sends, pool: Database, vault: Seals, key: IdempotencyKey = None
) -> Batch:
    """The same command to many sites; a result for each."""
    return await service.send_batch(pool, vault, principal, body, key)


@router.get("/command-batches/{batch_id}", operation_id="get_command_batch", responses=documented(404))
async def get_batch(batch_id: UUID, principal: Sees, pool: Database) -> Batch:
    """How far it is, site by site."""
    return await service.get_batch(pool, principal, batch_id)
