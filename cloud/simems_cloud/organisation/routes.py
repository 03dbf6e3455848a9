"""``/organisation/...`` and ``/sites/{site_id}/facts``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit import versions
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey, Once
from simems_cloud.kit.versions import IfMatch
from simems_cloud.organisation import csv_import, facts, service
from simems_cloud.organisation.schemas import (
    Facts,
    FactsRequest,
    ImportResult,
    Move,
    Node,
    NodeRequest,
    Nodes,
    Rename,
)

router = APIRouter(tags=["organisation"], responses=documented(401, 403))
Sees = Annotated[Principal, Depends(Requires(Permission.ORGANISATION_READ))]
Writes = Annotated[Principal, Depends(Requires(Permission.ORGANISATION_WRITE))]
SeesSite = Annotated[Principal, Depends(Requires(Permission.SITES_READ))]
WritesSite = Annotated[Principal, Depends(Requires(Permission.SITES_WRITE))]
EDITED = documented(404, 409, 412, 428)
CSV = Annotated[
    str,
    Body(
        media_type="text/csv",
        max_length=4_000_000,
        examples=[
            "parent,kind,name,site_id,time_zone\n,enterprise,Harbour,,\nHarbour,site,Malmö,malmo-1,Europe/Stockholm\n"
        ],
    ),
]


@router.get("/organisation/nodes", operation_id="list_nodes", responses=documented(404))
async def list_nodes(
    principal: Sees,
    pool: Database,
    *,
    under: Annotated[UUID | None, Query(description="Only this node and what is below it.")] = None,
    archived: Annotated[bool, Query(description="Archived ones as well.")] = False,
    after: Annotated[str | None, Query(max_length=700, pattern=r"^[0-9a-f]{32}(\.[0-9a-f]{32})*$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Nodes:
    """The tree within one's reach, a page at a time."""
    return await service.list_nodes(pool, principal, under=under, archived=archived, after=after, limit=limit)


@router.post("/organisation/nodes", operation_id="create_node", status_code=201, responses=documented(409))
async def create_node(
    request: Request,
    body: NodeRequest,
    principal: Writes,
    pool: Database,
    response: Response,
    key: IdempotencyKey = None,
) -> Node:
    """A site's node may come before its device does."""
    once = Once(request.app.state.vault, principal.user_id, key, body)
    return _tagged(await service.create(pool, principal, body, once), response)


@router.get("/organisation/nodes/{node_id}", operation_id="get_node", responses=documented(404))
async def get_node(node_id: UUID, principal: Sees, pool: Database, response: Response) -> Node:
    """With the ETag that changes need."""
    return _tagged(await service.get_node(pool, principal, node_id), response)


@router.patch("/organisation/nodes/{node_id}", operation_id="rename_node", responses=EDITED)
async def rename_node(
    node_id: UUID, body: Rename, principal: Writes, pool: Database, response: Response, if_match: IfMatch = None
) -> Node:
    """Another name, free among its siblings."""
    return _tagged(await service.rename(pool, principal, node_id, body, if_match), response)


@router.post("/organisation/nodes/{node_id}/move", operation_id="move_node", responses=EDITED)
async def move_node(
    node_id: UUID, body: Move, principal: Writes, pool: Database, response: Response, if_match: IfMatch = None
) -> Node:
    """With all below it. Access follows the place."""
    return _tagged(await service.move(pool, principal, node_id, body.parent_id, if_match), response)


@router.post("/organisation/nodes/{node_id}/archive", operation_id="archive_node", responses=EDITED)
async def archive_node(
    node_id: UUID, principal: Writes, pool: Database, response: Response, if_match: IfMatch = None
) -> Node:
    """With all below it: hidden from lists; nothing is deleted."""
    found = await service.set_archived(pool, principal, node_id, archived=True, if_match=if_match)
    return _tagged(found, response)


@router.post("/organisation/nodes/{node_id}/restore", operation_id="restore_node", responses=EDITED)
async def restore_node(
    node_id: UUID, principal: Writes, pool: Database, response: Response, if_match: IfMatch = None
) -> Node:
    """With all below it."""
    found = await service.set_archived(pool, principal, node_id, archived=False, if_match=if_match)
    return _tagged(found, response)


@router.post("/organisation/import", operation_id="import_tree")
async def import_tree(
    body: CSV,
    principal: Writes,
    pool: Database,
    dry_run: Annotated[bool, Query(description="Say what would happen; write nothing.")] = True,
) -> ImportResult:
    """Nodes and site facts as CSV (UTF-8). With any problem nothing is written; each is named by line and field."""
    return await csv_import.import_tree(pool, principal, body, dry_run=dry_run)


@router.get("/sites/{site_id}/facts", operation_id="get_site_facts", responses=documented(404))
async def get_site_facts(site_id: str, principal: SeesSite, pool: Database, response: Response) -> Facts:
    """Zone, currency, limits, address, market zone; with the ETag that changes need."""
    found = await facts.get_facts(pool, principal, site_id)
    versions.tag(response, found.version)
    return found


@router.put("/sites/{site_id}/facts", operation_id="put_site_facts", responses=EDITED)
async def put_site_facts(
    site_id: str,
    body: FactsRequest,
    principal: WritesSite,
    pool: Database,
    response: Response,
    if_match: IfMatch = None,
) -> Facts:
    """All at once; null gives way to what the device announces. For bills and reports: no limit of the site itself."""
    found = await facts.put_facts(pool, principal, site_id, body, if_match)
    versions.tag(response, found.version)
    return found


def _tagged(node: Node, response: Response) -> Node:
    versions.tag(response, node.version)
    return node
