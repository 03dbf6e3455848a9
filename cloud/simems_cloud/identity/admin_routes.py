"""``/users``, ``/invitations``, ``/roles`` and ``/tenant``: who works here and what they may."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.identity import invitations, people, roles, sessions, settings
from simems_cloud.identity.schemas import (
    Grants,
    Invitation,
    InvitationRequest,
    NewInvitation,
    NewRole,
    People,
    Person,
    PersonChange,
    Role,
    RoleName,
    RoleRequest,
    Session,
    TenantChange,
    TenantSettings,
)
from simems_cloud.kit import versions
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey, Once
from simems_cloud.kit.versions import IfMatch

router = APIRouter(tags=["people"], responses=documented(401, 403))
SeesPeople = Annotated[Principal, Depends(Requires(Permission.USERS_READ, everywhere=True))]
ManagesPeople = Annotated[Principal, Depends(Requires(Permission.USERS_WRITE))]
MakesRoles = Annotated[Principal, Depends(Requires(Permission.ROLES_WRITE, everywhere=True))]
SetsTenant = Annotated[Principal, Depends(Requires(Permission.TENANT_WRITE, everywhere=True))]
EDITED = documented(404, 409, 412, 428)


@router.get("/users", operation_id="list_users")
async def list_users(
    principal: SeesPeople,
    pool: Database,
    after: Annotated[str | None, Query(max_length=254, pattern=r"^[^\x00]*$")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> People:
    """By e-mail, a page at a time."""
    return await people.list_people(pool, principal, after, limit)


@router.get("/users/{user_id}", operation_id="get_user", responses=documented(404))
async def get_user(user_id: UUID, principal: SeesPeople, pool: Database, response: Response) -> Person:
    """With the ETag that changes need."""
    person = await people.get_person(pool, principal, user_id)
    versions.tag(response, person.version)
    return person


@router.patch("/users/{user_id}", operation_id="update_user", responses=EDITED)
async def patch_user(
    user_id: UUID,
    body: PersonChange,
    principal: ManagesPeople,
    pool: Database,
    response: Response,
    if_match: IfMatch = None,
) -> Person:
    """Rename, deactivate (which ends all sessions), activate."""
    person = await people.update_person(pool, principal, user_id, body, if_match)
    versions.tag(response, person.version)
    return person


@router.put("/users/{user_id}/roles", operation_id="set_user_roles", responses=EDITED)
async def put_user_roles(
    user_id: UUID, body: Grants, principal: ManagesPeople, pool: Database, response: Response, if_match: IfMatch = None
) -> Person:
    """All of a person's roles at once. Nobody gives or takes more than they have."""
    person = await people.set_grants(pool, principal, user_id, body, if_match)
    versions.tag(response, person.version)
    return person


@router.get("/users/{user_id}/sessions", operation_id="list_user_sessions")
async def list_user_sessions(user_id: UUID, principal: SeesPeople, pool: Database) -> list[Session]:
    """Sign-ins of a person that live."""
    return await sessions.list_sessions(pool, principal, user_id)


@router.delete(
    "/users/{user_id}/sessions", operation_id="end_user_sessions", status_code=204, responses=documented(404)
)
async def delete_user_sessions(user_id: UUID, principal: ManagesPeople, pool: Database) -> None:
    """All of them, at once."""
    await people.end_all_sessions(pool, principal, user_id)


@router.delete(
    "/users/{user_id}/second-factor",
    operation_id="reset_user_second_factor",
    status_code=204,
    responses=documented(404),
)
async def delete_user_second_factor(user_id: UUID, principal: ManagesPeople, pool: Database) -> None:
    """For a lost phone."""
    await people.reset_second_factor(pool, principal, user_id)


@router.get("/invitations", operation_id="list_invitations")
async def list_invitations(principal: SeesPeople, pool: Database) -> list[Invitation]:
    """Those still open, newest first."""
    return await invitations.open_invitations(pool, principal)


@router.post("/invitations", operation_id="invite", status_code=201, responses=documented(409))
async def post_invitation(
    request: Request, body: InvitationRequest, principal: ManagesPeople, pool: Database, key: IdempotencyKey = None
) -> NewInvitation:
    """The token is shown this once; give it to the person, who accepts it at ``/auth/accept-invitation``."""
    return await invitations.invite(pool, principal, body, Once(request.app.state.vault, principal.user_id, key, body))


@router.delete(
    "/invitations/{invitation_id}", operation_id="withdraw_invitation", status_code=204, responses=documented(404)
)
async def delete_invitation(invitation_id: UUID, principal: ManagesPeople, pool: Database) -> None:
    """Its token is worth nothing from now on."""
    await invitations.withdraw(pool, principal, invitation_id)


@router.get("/roles", operation_id="list_roles")
async def list_roles(principal: SeesPeople, pool: Database) -> list[Role]:
    """Built-in ones first, then the tenant's own."""
    return await roles.list_roles(pool, principal)


@router.post("/roles", operation_id="create_role", status_code=201, responses=documented(409))
async def post_role(body: NewRole, principal: MakesRoles, pool: Database, response: Response) -> Role:
    """A named set of permissions; its name is its key."""
    role = await roles.create_role(pool, principal, body)
    versions.tag(response, role.version)
    return role


@router.put("/roles/{role}", operation_id="update_role", responses=EDITED)
async def put_role(
    role: RoleName,
    body: RoleRequest,
    principal: MakesRoles,
    pool: Database,
    response: Response,
    if_match: IfMatch = None,
) -> Role:
    """Whoever has it has the new permissions with their next request."""
    changed = await roles.update_role(pool, principal, role, body, if_match)
    versions.tag(response, changed.version)
    return changed


@router.delete("/roles/{role}", operation_id="delete_role", status_code=204, responses=documented(404, 409))
async def delete_role(role: RoleName, principal: MakesRoles, pool: Database) -> None:
    """Only when nobody has it."""
    await roles.delete_role(pool, principal, role)


@router.get("/tenant", operation_id="get_tenant")
async def get_tenant(principal: SetsTenant, pool: Database, response: Response) -> TenantSettings:
    """Name and rules of one's own tenant."""
    found = await settings.get_settings(pool, principal)
    versions.tag(response, found.version)
    return found


@router.patch("/tenant", operation_id="update_tenant", responses=EDITED)
async def patch_tenant(
    body: TenantChange, principal: SetsTenant, pool: Database, response: Response, if_match: IfMatch = None
) -> TenantSettings:
    """With ``second_factor_required`` people without one can do nothing but enrol."""
    changed = await settings.update_settings(pool, principal, body, if_match)
    versions.tag(response, changed.version)
    return changed
