"""The one declaration of a route: what it requires. A test walks all routes and refuses one without."""

# No deferred annotations here: FastAPI reads the signature of ``__call__`` as it stands.
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from simems_cloud.access.authenticate import authenticate
from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.rates import WRITES_PER_MINUTE, take_turn
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import ForbiddenError, NotFoundError, NotSignedInError

bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)
Token = Annotated[str | None, Depends(bearer)]
READS = ("GET", "HEAD", "OPTIONS")
ENROL = "this tenant requires a second factor; enrol one at /api/v1/me/second-factor first"
_AT_SITE = "select exists (select from org_nodes where site_id = $1 and path <@ any ($2::text[]::ltree[]))"
_AT_NODE = "select exists (select from org_nodes where node_id = $1 and path <@ any ($2::text[]::ltree[]))"


class Requires:
    """A permission. With ``site_id`` or ``node_id`` in the path it must hold at that place of the tree.

    ``everywhere``: it must hold in the whole tenant. Outside its reach a thing is not found, as if it were not there.
    """

    def __init__(self, permission: Permission, *, everywhere: bool = False) -> None:
        self.permission, self.everywhere = permission, everywhere

    async def __call__(self, request: Request, token: Token) -> Principal:
        principal = await signed_in(request, token)
        await self.check(principal, request.app.state.pool, request.path_params)
        return principal

    async def check(self, principal: Principal, pool: Pool, place: dict[str, str]) -> None:
        """Raises ForbiddenError, NotFoundError."""
        if principal.must_enrol:
            raise ForbiddenError(ENROL)
        paths = principal.paths(self.permission)
        if paths == [] or (self.everywhere and paths is not None):
            where = " in the whole tenant" if self.everywhere else ""
            raise ForbiddenError(f"this needs the permission {self.permission}{where}")
        if paths is not None:
            await _within(pool, principal, paths, place)


class OwnAccount:
    """A signed-in person, for what is theirs alone: no permission, and no API token."""

    async def __call__(self, request: Request, token: Token) -> Principal:
        principal = await signed_in(request, token)
        if principal.session_id is None:
            raise ForbiddenError("an API token may not touch the account itself; sign in")
        return principal


async def public() -> None:
    """Open to everybody: sign-in, health. Said, not forgotten."""


async def by_first_message() -> None:
    """A WebSocket that authenticates and checks with its first message."""


async def signed_in(request: Request, token: str | None) -> Principal:
    """Raises NotSignedInError; TooManyAttemptsError for one who writes too much."""
    if not token:
        raise NotSignedInError("no bearer token; sign in at /api/v1/auth/token")
    principal = await authenticate(request.app.state.pool, request.app.state.jwt_key, token)
    if request.method not in READS:
        await take_turn(request.app.state.pool, "writes", str(principal.user_id), WRITES_PER_MINUTE)
    return principal


async def _within(pool: Pool, principal: Principal, paths: list[str], place: dict[str, str]) -> None:
    checks = [(_AT_SITE, place["site_id"])] if "site_id" in place else []
    checks += [(_AT_NODE, place["node_id"])] if "node_id" in place else []
    for query, value in checks:
        async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
            if not await connection.fetchval(query, _node(value) if query is _AT_NODE else value, paths):
                raise NotFoundError(f"nothing here called {value!r}")


def _node(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFoundError(f"no node {text!r}") from error


def pool_of(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


Database = Annotated[Pool, Depends(pool_of)]
Self = Annotated[Principal, Depends(OwnAccount())]
