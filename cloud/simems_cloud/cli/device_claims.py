"""``simems-cloud device claim`` and what follows of it."""

from __future__ import annotations

from uuid import UUID

import click
from pydantic import ValidationError

from simems_cloud.audit.log import COMMAND_LINE, change
from simems_cloud.cli.failing import BadInputError, WrongError, refused_as_wrong
from simems_cloud.cli.output import as_json, show, show_one
from simems_cloud.cli.platform import as_owner, tenant_named
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.sites import claims
from simems_cloud.sites.claim_schemas import Claim, ClaimRequest
from simems_cloud.sites.device_names import device_named

tenant_option = click.option("--tenant", required=True, help="Name or id of the tenant.")
COLUMNS = ("name", "state", "fingerprint", "vendor", "model", "serial_number", "site_id", "presented_at", "expires_at")


@click.command("claim", epilog="Example: simems-cloud device claim 0H3N-7RKA-4VXQ-92MD-T5E4 --name box-1 --tenant Demo")
@click.argument("code")
@tenant_option
@click.option("--name", required=True, help="What the device is called here.")
@click.option("--site", help="Id of the site that it will speak for; without it, the box says so.")
@click.option("--replaces", metavar="DEVICE", help="Name or key of the device whose place it takes.")
@as_json
def claim(code: str, tenant: str, name: str, site: str | None, replaces: str | None, json_wanted: bool) -> None:
    """Enter the claim CODE that a box shows; the box may then say who it is, and waits to be approved."""
    fields = {"code": code, "name": name, "site_id": site}
    show_one(_row(as_owner(lambda pool: _enter(pool, tenant, fields, replaces))), json_wanted=json_wanted)


@click.command("claims", epilog="Example: simems-cloud device claims --tenant Demo --json")
@tenant_option
@as_json
def claims_(tenant: str, json_wanted: bool) -> None:
    """Codes that were entered, and the boxes that came with them."""
    show([_row(found) for found in as_owner(lambda pool: _list(pool, tenant))], json_wanted=json_wanted)


@click.command(epilog="Example: simems-cloud device approve box-1 --fingerprint 5QZ1-0B9G-XK2W-7JTM --tenant Demo")
@click.argument("name")
@tenant_option
@click.option("--fingerprint", required=True, help="As the screen of the box, or `simems-edge identity`, shows it.")
@as_json
def approve(name: str, tenant: str, fingerprint: str, json_wanted: bool) -> None:
    """Let in the box that came with the claim NAME, when it is the one with this fingerprint."""
    show_one(_row(as_owner(lambda pool: _approve(pool, tenant, name, fingerprint))), json_wanted=json_wanted)


@click.command(epilog='Example: simems-cloud device refuse box-1 --reason "not ours" --tenant Demo')
@click.argument("name")
@tenant_option
@click.option("--reason", default="", help="What the box shows.")
@as_json
def refuse(name: str, tenant: str, reason: str, json_wanted: bool) -> None:
    """Do not let in the box that came with the claim NAME."""
    show_one(_row(as_owner(lambda pool: _refuse(pool, tenant, name, reason))), json_wanted=json_wanted)


def _row(found: Claim) -> dict[str, object]:
    fields = found.model_dump(mode="json")
    return {"id": fields["id"], **{name: fields[name] for name in COLUMNS}, "device_id": fields["device_id"]}


async def _enter(pool: Pool, tenant: str, fields: dict[str, str | None], replaces: str | None) -> Claim:
    tenant_id = await tenant_named(pool, tenant)
    async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
        old = None if replaces is None else await refused_as_wrong(device_named(made.connection, replaces))
        try:
            request = ClaimRequest.model_validate(fields | {"replaces": old})
        except ValidationError as error:
            (first, *_) = error.errors()
            raise BadInputError(f"--{first['loc'][0]}: {first['msg']}") from error
        claim_id = await refused_as_wrong(claims.enter(made, request))
        return await claims.claim_within(made.connection, claim_id, None)


async def _list(pool: Pool, tenant: str) -> list[Claim]:
    async with transaction(pool, tenant=await tenant_named(pool, tenant)) as connection:
        return await claims.claims_within(connection, None, None)


async def _approve(pool: Pool, tenant: str, name: str, fingerprint: str) -> Claim:
    tenant_id = await tenant_named(pool, tenant)
    async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
        claim_id = _named(await claims.claims_within(made.connection, None, None), name)
        await refused_as_wrong(claims.approve(made, claim_id, fingerprint))
        return await claims.claim_within(made.connection, claim_id, None)


async def _refuse(pool: Pool, tenant: str, name: str, reason: str) -> Claim:
    tenant_id = await tenant_named(pool, tenant)
    async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
        claim_id = _named(await claims.claims_within(made.connection, None, None), name)
        await refused_as_wrong(claims.refuse(made, claim_id, reason))
        return await claims.claim_within(made.connection, claim_id, None)


def _named(found: list[Claim], name: str) -> UUID:
    """The undecided claim of that name or id. Raises WrongError."""
    fitting = [one.id for one in found if name in (one.name, str(one.id)) and one.state in ("open", "presented")]
    if len(fitting) != 1:
        what = "no claim waits under that name" if not fitting else "several claims have this name; give the id"
        raise WrongError(f"NAME: {name!r}: {what}; see `simems-cloud device claims`")
    return fitting[0]
