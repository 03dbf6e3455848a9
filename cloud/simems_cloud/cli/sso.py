"""``simems-cloud sso``."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import click

from simems_cloud.audit.log import COMMAND_LINE, change
from simems_cloud.cli.failing import BadInputError, WrongError
from simems_cloud.cli.output import as_json, show, show_one
from simems_cloud.cli.platform import as_owner, of_tenants, tenant_named
from simems_cloud.identity.queries import QUERIES
from simems_cloud.kit.database import Pool
from simems_cloud.kit.settings import from_environment
from simems_cloud.kit.vault import Vault

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.group("sso")
def command() -> None:
    """OpenID Connect providers of tenants: set, list, remove."""


@command.command(
    "set",
    epilog="Example: simems-cloud sso set corporate --tenant Demo --issuer https://id.example --client-id ems < secret",
)
@click.argument("name")
@click.option("--tenant", required=True, help="Name or id of the tenant.")
@click.option("--issuer", required=True, help="As the provider writes it; this server will call it.")
@click.option("--client-id", required=True)
@as_json
def set_(name: str, tenant: str, issuer: str, client_id: str, json_wanted: bool) -> None:
    """Set the provider NAME; the client's secret is the first line of standard input."""
    parts = urlsplit(issuer)
    if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        raise BadInputError(f"--issuer: {issuer!r}: not an https address")
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise BadInputError("standard input: no client secret in the first line")
    sealed = Vault(from_environment().data_dir).seal(secret)
    as_owner(lambda pool: _set(pool, tenant, (name, issuer, client_id, sealed)))
    show_one({"provider": name, "issuer": issuer, "client_id": client_id}, json_wanted=json_wanted)


@command.command("list", epilog="Example: simems-cloud sso list --tenant Demo")
@click.option("--tenant", help="Only of this tenant.")
@as_json
def list_(tenant: str | None, json_wanted: bool) -> None:
    """All providers, without their secrets."""
    show(as_owner(lambda pool: of_tenants(pool, tenant, QUERIES["providers"])), json_wanted=json_wanted)


@command.command(epilog="Example: simems-cloud sso remove corporate --tenant Demo")
@click.argument("name")
@click.option("--tenant", required=True, help="Name or id of the tenant.")
@as_json
def remove(name: str, tenant: str, json_wanted: bool) -> None:
    """Forget the provider NAME and who came in by it; sessions under way go on."""
    as_owner(lambda pool: _remove(pool, tenant, name))
    show_one({"removed": name}, json_wanted=json_wanted)


async def _set(pool: Pool, tenant: str, row: tuple[str, str, str, bytes]) -> None:
    async with change(pool, tenant=await tenant_named(pool, tenant), actor=COMMAND_LINE) as made:
        await made.connection.execute(QUERIES["put_provider"], *row)
        await made.record("oidc_provider.set", row[0], {"issuer": row[1], "client_id": row[2]})


async def _remove(pool: Pool, tenant: str, name: str) -> None:
    async with change(pool, tenant=await tenant_named(pool, tenant), actor=COMMAND_LINE) as made:
        if not await made.connection.fetchval(QUERIES["drop_provider"], name):
            raise WrongError(f"NAME: {name!r}: no such provider")
        await made.record("oidc_provider.remove", name)
