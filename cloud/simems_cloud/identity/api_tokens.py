"""API tokens for programs: some of a person's permissions, until a day, never more than the person has then."""

from __future__ import annotations

from uuid import UUID

from simems_cloud.access.principal import Principal
from simems_cloud.access.tokens import new_opaque
from simems_cloud.audit.log import Change, change
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.schemas import ApiToken, NewApiToken, TokenRequest
from simems_cloud.kit.database import Pool, fetch_one, transaction
from simems_cloud.kit.problems import ForbiddenError, NotFoundError
from simems_cloud.kit.repeats import Once


async def create_token(pool: Pool, principal: Principal, request: TokenRequest, once: Once) -> NewApiToken:
    """Raises ForbiddenError for a permission that the person does not have, or before the second factor is enrolled."""
    own = {permission for grant in principal.grants for permission in grant.permissions}
    missing = sorted(set(request.permissions) - own)
    if missing or principal.must_enrol:
        raise ForbiddenError(f"you do not have {', '.join(missing)}" if missing else "enrol a second factor first")
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        answer, new = await once.answer(made.connection, NewApiToken, lambda: _create(made, principal, request))
        made.repeated = not new
        return answer


async def _create(made: Change, principal: Principal, request: TokenRequest) -> NewApiToken:
    token, permissions = new_opaque("api", principal.tenant_id), sorted(set(request.permissions))
    row = await fetch_one(
        made.connection,
        QUERIES["add_api_token"],
        principal.user_id,
        request.name,
        token.digest,
        permissions,
        request.valid_days,
    )
    await made.record("api_token.create", row["id"], {"name": request.name, "permissions": permissions})
    return NewApiToken(**dict(row), token=token.text)


async def list_tokens(pool: Pool, principal: Principal) -> list[ApiToken]:
    """One's own, without their text."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return [ApiToken(**dict(row)) for row in await connection.fetch(QUERIES["api_tokens"], principal.user_id)]


async def revoke_token(pool: Pool, principal: Principal, token_id: UUID) -> None:
    """At once. Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        name = await made.connection.fetchval(QUERIES["revoke_api_token"], token_id, principal.user_id)
        if name is None:
            raise NotFoundError(f"no token {token_id}")
        await made.record("api_token.revoke", token_id, {"name": name})
