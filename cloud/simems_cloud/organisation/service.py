"""The tree: list, add, rename, move, archive. One change of a tenant's tree at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.kit import versions
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from simems_cloud.kit.repeats import Once
from simems_cloud.kit.sql import load_queries
from simems_cloud.organisation.schemas import Node, NodeRequest, Nodes, Rename
from simems_cloud.organisation.tree import DEEPEST, is_within, misplaced, path_below

QUERIES = load_queries("simems_cloud.organisation")
WRITE = Permission.ORGANISATION_WRITE


async def list_nodes(
    pool: Pool, principal: Principal, *, under: UUID | None, archived: bool, after: str | None, limit: int
) -> Nodes:
    """Within the principal's reach, one page. Raises NotFoundError."""
    reach = principal.paths(Permission.ORGANISATION_READ)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        root = None if under is None else (await node(connection, under)).path
        rows = await connection.fetch(QUERIES["nodes"], reach, root, archived, after, limit + 1)
    items = [Node(**dict(row)) for row in rows[:limit]]
    return Nodes(items=items, next=items[-1].path if len(rows) > limit else None)


async def get_node(pool: Pool, principal: Principal, node_id: UUID) -> Node:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await node(connection, node_id)


async def create(pool: Pool, principal: Principal, request: NodeRequest, once: Once) -> Node:
    """Raises InvalidRequestError (wrong place), ConflictError (name or site taken), ForbiddenError."""
    async with _changing(pool, principal) as made:
        answer, new = await once.answer(made.connection, Node, lambda: _create(made, principal, request))
        made.repeated = not new
        return answer


async def _create(made: Change, principal: Principal, request: NodeRequest) -> Node:
    parent = None if request.parent_id is None else await parent_node(made.connection, request.parent_id)
    may_write(principal, parent)
    added = await add(made.connection, request, parent)
    await made.record("node.create", added.id, request.model_dump(mode="json"))
    return added


async def add(connection: Connection, request: NodeRequest, parent: Node | None) -> Node:
    """Raises InvalidRequestError; a name that is taken raises asyncpg's UniqueViolationError."""
    wrong = misplaced(request.kind, parent.kind if parent else None)
    if wrong or (request.site_id is not None) != (request.kind == "site"):
        raise InvalidRequestError(wrong or "site_id: a site has one, nothing else has")
    node_id = uuid4()
    path = path_below(parent.path if parent else None, node_id)
    if path.count(".") >= DEEPEST:
        raise InvalidRequestError(f"parent_id: the tree is at most {DEEPEST} deep")
    if request.site_id is not None:
        await connection.execute(QUERIES["add_site"], request.site_id, request.name, "UTC", "")
    row = (node_id, request.parent_id, request.kind, request.name, path, request.site_id)
    await connection.execute(QUERIES["add_node"], *row)
    return await node(connection, node_id)


async def rename(pool: Pool, principal: Principal, node_id: UUID, request: Rename, if_match: str | None) -> Node:
    """Raises NotFoundError, ConflictError, PreconditionFailedError."""
    async with _changing(pool, principal) as made:
        found = await _checked(made, principal, node_id, if_match)
        await made.connection.execute(QUERIES["rename"], node_id, request.name)
        await made.record("node.rename", node_id, {"from": found.name, "to": request.name})
        return await node(made.connection, node_id)


async def move(pool: Pool, principal: Principal, node_id: UUID, parent_id: UUID | None, if_match: str | None) -> Node:
    """With all below it; who had access at the old place loses it, who has it at the new one gains it.

    Raises NotFoundError, InvalidRequestError, ConflictError, ForbiddenError, PreconditionFailedError.
    """
    async with _changing(pool, principal) as made:
        found = await _checked(made, principal, node_id, if_match)
        parent = None if parent_id is None else await parent_node(made.connection, parent_id)
        may_write(principal, parent)
        await _check_move(made.connection, found, parent)
        above = parent.path if parent else ""
        await made.connection.execute(QUERIES["move"], found.path, above, node_id, parent_id)
        await made.record("node.move", node_id, {"from": found.parent_id, "to": parent_id})
        return await node(made.connection, node_id)


async def set_archived(
    pool: Pool, principal: Principal, node_id: UUID, *, archived: bool, if_match: str | None
) -> Node:
    """With all below it: hidden from lists; nothing is deleted, access stays. Raises NotFoundError, ConflictError."""
    async with _changing(pool, principal) as made:
        found = await _checked(made, principal, node_id, if_match)
        if not archived and found.parent_id is not None and (await node(made.connection, found.parent_id)).archived:
            raise ConflictError("what it stands under is archived; restore that first")
        await made.connection.execute(QUERIES["archive" if archived else "restore"], found.path)
        await made.record("node.archive" if archived else "node.restore", node_id, {"name": found.name})
        return await node(made.connection, node_id)


async def node(connection: Connection, node_id: UUID) -> Node:
    """Raises NotFoundError."""
    row = await connection.fetchrow(QUERIES["node"], node_id)
    if row is None:
        raise NotFoundError(f"no node {node_id}")
    return Node(**dict(row))


async def parent_node(connection: Connection, parent_id: UUID) -> Node:
    """Raises InvalidRequestError, ConflictError."""
    row = await connection.fetchrow(QUERIES["node"], parent_id)
    if row is None:
        raise InvalidRequestError(f"parent_id: {parent_id}: no such node")
    if row["archived"]:
        raise ConflictError("the parent is archived")
    return Node(**dict(row))


def may_write(principal: Principal, place: Node | None) -> None:
    """At that node; None: at the root, which needs the whole tenant. Raises ForbiddenError."""
    if not principal.holds(WRITE, place.path if place else None):
        raise ForbiddenError(f"this needs the permission {WRITE} at {place.name if place else 'the root'}")


@asynccontextmanager
async def _changing(pool: Pool, principal: Principal) -> AsyncIterator[Change]:
    try:
        async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
            await made.connection.execute(QUERIES["lock_tree"])
            yield made
    except asyncpg.UniqueViolationError as error:
        taken = "site_id" if error.constraint_name == "org_nodes_tenant_id_site_id_key" else "name"
        raise ConflictError(f"{taken}: is taken here already") from error


async def _checked(made: Change, principal: Principal, node_id: UUID, if_match: str | None) -> Node:
    """As it stands now that the tree is locked; what the route checked may have moved since."""
    found = await node(made.connection, node_id)
    may_write(principal, found)
    versions.check(if_match, found.version)
    return found


async def _check_move(connection: Connection, moved: Node, parent: Node | None) -> None:
    wrong = misplaced(moved.kind, parent.kind if parent else None)
    if wrong:
        raise InvalidRequestError(f"parent_id: {wrong}")
    if parent is None:
        return
    if is_within(parent.path, moved.path):
        raise InvalidRequestError("parent_id: stands at or below the node itself")
    below = await connection.fetchval(QUERIES["depth"], moved.path) - moved.path.count(".")
    if parent.path.count(".") + 1 + below > DEEPEST:
        raise InvalidRequestError(f"parent_id: the tree would be more than {DEEPEST} deep")
