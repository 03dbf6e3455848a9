"""Invitations: a token for one person, good for days, that makes an account with the roles it names."""

from __future__ import annotations

import json
from uuid import UUID

import asyncpg

from simems_cloud.access.principal import Principal
from simems_cloud.access.tokens import new_opaque, read_opaque
from simems_cloud.audit.log import Change, change
from simems_cloud.identity import attempts
from simems_cloud.identity.people import checked_hash
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.roles import check_grant, give, grants_from
from simems_cloud.identity.schemas import (
    Acceptance,
    Invitation,
    InvitationRequest,
    NewInvitation,
    SignedInTokens,
)
from simems_cloud.identity.sessions import Lifetimes, open_session
from simems_cloud.kit.database import Pool, fetch_one, transaction
from simems_cloud.kit.problems import ConflictError, NotFoundError
from simems_cloud.kit.repeats import Once

GONE = "this invitation is not valid any more; ask for a new one"


async def invite(pool: Pool, principal: Principal, request: InvitationRequest, once: Once) -> NewInvitation:
    """Raises ForbiddenError when it would give more than the inviter has, InvalidRequestError for an unknown role."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        answer, new = await once.answer(made.connection, NewInvitation, lambda: _invite(made, principal, request))
        made.repeated = not new
        return answer


async def _invite(made: Change, principal: Principal, request: InvitationRequest) -> NewInvitation:
    for grant in request.grants:
        await check_grant(made.connection, principal, grant)
    token = new_opaque("invite", principal.tenant_id)
    grants = json.dumps([grant.model_dump(mode="json") for grant in request.grants])
    row = await fetch_one(
        made.connection,
        QUERIES["add_invitation"],
        *(request.email, request.name, grants, token.digest, principal.actor, request.valid_days * 86_400.0),
    )
    await made.record("invitation.create", row["id"], request.model_dump(mode="json"))
    return NewInvitation(**_fields(row), token=token.text)


async def open_invitations(pool: Pool, principal: Principal) -> list[Invitation]:
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return [Invitation(**_fields(row)) for row in await connection.fetch(QUERIES["open_invitations"])]


async def withdraw(pool: Pool, principal: Principal, invitation_id: UUID) -> None:
    """Needs as much as giving it. Raises NotFoundError, ForbiddenError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        row = await made.connection.fetchrow(QUERIES["revoke_invitation"], invitation_id)
        if row is None:
            raise NotFoundError(f"no open invitation {invitation_id}")
        for grant in grants_from(row["grants"]):
            await check_grant(made.connection, principal, grant)
        await made.record("invitation.withdraw", invitation_id, {"email": row["email"]})


async def accept(pool: Pool, request: Acceptance, *, address: str, client: str, lifetimes: Lifetimes) -> SignedInTokens:
    """The account and its first session. Raises NotFoundError, ConflictError, InvalidRequestError."""
    await attempts.count(pool, "address", address, attempts.PER_ADDRESS)
    token = read_opaque("invite", request.token)
    if token is None:
        raise NotFoundError(GONE)
    hashed = await checked_hash(request.password)
    try:
        async with change(pool, tenant=token.tenant_id, actor="invitation") as made:
            row = await made.connection.fetchrow(QUERIES["invitation_by_token"], token.digest)
            if row is None:
                raise NotFoundError(GONE)
            user_id = await _admit(made, row, request.name or row["name"], hashed)
            return await open_session(
                made,
                tenant_id=token.tenant_id,
                user_id=user_id,
                method="invitation",
                client=client,
                lifetimes=lifetimes,
            )
    except asyncpg.UniqueViolationError as error:
        raise ConflictError("somebody with this e-mail is there already; sign in") from error


async def _admit(made: Change, invitation: asyncpg.Record, name: str, password_hash: str) -> UUID:
    """What was checked when it was given is given now."""
    made.actor = invitation["email"]
    user_id = UUID(
        str(await made.connection.fetchval(QUERIES["create_user"], invitation["email"], name, password_hash))
    )
    await give(made.connection, None, user_id, grants_from(invitation["grants"]))
    await made.connection.execute(QUERIES["accept_invitation"], invitation["invitation_id"])
    await made.record("invitation.accept", invitation["invitation_id"], {"user_id": user_id})
    return user_id


def _fields(row: asyncpg.Record) -> dict[str, object]:
    return {**dict(row), "grants": json.loads(row["grants"])}
