"""Taking a box in: a person enters its claim code, the box comes with the claim key, a person approves.

The code's claim key lets the box say who it is and nothing else. What is approved is the key that came, by the
fingerprint that the screen of the box shows, so that a stolen code alone brings nobody in.
"""

from __future__ import annotations

from uuid import UUID

import asyncpg
from simems_core.claiming import ClaimCodeError, fingerprint

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.kit.curve import claim_key, claim_signing_key
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from simems_cloud.sites.claim_schemas import Claim, ClaimRequest
from simems_cloud.sites.registry import take_over
from simems_cloud.sites.service import QUERIES

Paths = list[str] | None
TAKEN = (
    "the key of this box is registered already, or was revoked, which is for good; "
    "make the box new with `simems-edge identity --renew` and enter its new code"
)


async def list_claims(pool: Pool, principal: Principal) -> list[Claim]:
    """Newest first."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await claims_within(connection, None, principal.paths(Permission.DEVICES_READ))


async def enter_code(pool: Pool, principal: Principal, request: ClaimRequest) -> Claim:
    """Raises InvalidRequestError, NotFoundError, ForbiddenError, ConflictError."""
    paths = principal.paths(Permission.DEVICES_WRITE)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        claim_id = await enter(made, request, paths)
        return await claim_within(made.connection, claim_id, paths)


async def approve_claim(pool: Pool, principal: Principal, claim_id: UUID, shown: str) -> Claim:
    """Raises NotFoundError, ConflictError, InvalidRequestError."""
    paths = principal.paths(Permission.DEVICES_WRITE)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await claim_within(made.connection, claim_id, paths)
        await approve(made, claim_id, shown)
        return await claim_within(made.connection, claim_id, paths)


async def refuse_claim(pool: Pool, principal: Principal, claim_id: UUID, reason: str) -> Claim:
    """Raises NotFoundError, ConflictError."""
    paths = principal.paths(Permission.DEVICES_WRITE)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await claim_within(made.connection, claim_id, paths)
        await refuse(made, claim_id, reason)
        return await claim_within(made.connection, claim_id, paths)


async def withdraw_claim(pool: Pool, principal: Principal, claim_id: UUID) -> None:
    """The code is worth nothing any more; a device that came of it stays. Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        found = await claim_within(made.connection, claim_id, principal.paths(Permission.DEVICES_WRITE))
        await made.connection.execute(QUERIES["withdraw_claim"], claim_id)
        await made.record("device_claim.withdraw", claim_id, {"name": found.name})


async def enter(made: Change, request: ClaimRequest, paths: Paths = None) -> UUID:
    """The claim's id. ``paths``: where the person may do so; None: everywhere."""
    try:
        key, signing_key = claim_key(request.code), claim_signing_key(request.code)
    except ClaimCodeError as error:
        raise InvalidRequestError(f"code: {error}") from error
    site_id = await _site(made.connection, request)
    await _within(made.connection, site_id, paths)
    row = (key, request.name, site_id, request.replaces, made.actor, request.valid_days, signing_key)
    try:
        claim_id = UUID(str(await made.connection.fetchval(QUERIES["add_claim"], *row)))
    except asyncpg.UniqueViolationError as error:
        raise ConflictError("code: it has been entered already; withdraw that claim or make a new code") from error
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFoundError(f"site_id: no site {site_id!r}") from error
    await made.record("device_claim.enter", claim_id, {"name": request.name, "site_id": site_id})
    return claim_id


async def approve(made: Change, claim_id: UUID, shown: str) -> UUID:
    """The new device's id. ``shown``: the fingerprint on the screen of the box."""
    claim = await _presented(made.connection, claim_id)
    if _plain(shown) != _plain(fingerprint(claim["public_key"])):
        raise ConflictError("fingerprint: the box that came has another one; compare again, or refuse it")
    device_id = await _admit(made, claim)
    await made.connection.execute(QUERIES["decide_claim"], claim_id, "approved", device_id, made.actor, "")
    await made.record("device_claim.approve", claim_id, {"device": device_id, "name": claim["name"]})
    return device_id


async def refuse(made: Change, claim_id: UUID, reason: str) -> None:
    claim = await made.connection.fetchrow(QUERIES["lock_claim"], claim_id)
    if claim is None or claim["state"] == "approved":
        raise ConflictError("it is approved already; revoke the device instead")
    await made.connection.execute(QUERIES["decide_claim"], claim_id, "refused", None, made.actor, reason)
    await made.record("device_claim.refuse", claim_id, {"name": claim["name"], "reason": reason})


async def claims_within(connection: Connection, claim_id: UUID | None, paths: Paths) -> list[Claim]:
    return [_claim(row) for row in await connection.fetch(QUERIES["claims"], claim_id, paths)]


async def claim_within(connection: Connection, claim_id: UUID, paths: Paths) -> Claim:
    """Raises NotFoundError."""
    found = await claims_within(connection, claim_id, paths)
    if not found:
        raise NotFoundError(f"no claim {str(claim_id)!r}")
    return found[0]


async def _admit(made: Change, claim: asyncpg.Record) -> UUID:
    try:
        if claim["replaces"] is not None:
            names = (claim["name"], claim["public_key"], claim["signing_key"])
            return await take_over(made, claim["replaces"], *names)
        row = (claim["name"], claim["public_key"], claim["site_id"], claim["vendor"], claim["model"])
        return UUID(str(await made.connection.fetchval(QUERIES["add_edge"], *row, claim["signing_key"])))
    except asyncpg.UniqueViolationError as error:
        raise ConflictError(TAKEN) from error


async def _presented(connection: Connection, claim_id: UUID) -> asyncpg.Record:
    claim = await connection.fetchrow(QUERIES["lock_claim"], claim_id)
    if claim is None:
        raise NotFoundError(f"no claim {str(claim_id)!r}")
    if claim["state"] != "presented" or claim["expired"]:
        state = "expired" if claim["expired"] else claim["state"]
        raise ConflictError(f"no box waits for approval with this code; the claim is {state}")
    return claim


async def _site(connection: Connection, request: ClaimRequest) -> str | None:
    """The site that it will speak for; None: whatever it says."""
    if request.replaces is None:
        return request.site_id
    old = await connection.fetchrow(QUERIES["site_of_device"], request.replaces)
    if old is None:
        raise NotFoundError(f"replaces: no device {str(request.replaces)!r} that is let in")
    if request.site_id not in (None, old["site_id"]):
        raise InvalidRequestError("site_id: a box that replaces another speaks for that one's site; leave it out")
    return None if old["site_id"] is None else str(old["site_id"])


_REACH = "select exists (select from org_nodes where site_id = $1 and path <@ any ($2::text[]::ltree[]))"


async def _within(connection: Connection, site_id: str | None, paths: Paths) -> None:
    """Who may add devices at some places only must name the site."""
    if paths is None:
        return
    if site_id is None:
        raise ForbiddenError("site_id: name a site of yours; only who adds devices everywhere may leave it open")
    if not await connection.fetchval(_REACH, site_id, paths):
        raise NotFoundError(f"site_id: no site {site_id!r}")


def _claim(row: asyncpg.Record) -> Claim:
    fields = {name: value for name, value in row.items() if name not in ("public_key", "expired")}
    if row["expired"] and row["state"] in ("open", "presented"):
        fields["state"] = "expired"
    key = row["public_key"]
    return Claim(**fields, fingerprint=None if key is None else fingerprint(key))


def _plain(text: str) -> str:
    return text.upper().replace("-", "").replace(" ", "")
