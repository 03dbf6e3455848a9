"""``simems-cloud user``."""

from __future__ import annotations

import sys
from uuid import UUID

import asyncpg
import click

from simems_cloud.access.permissions import ADMIN, BUILT_IN
from simems_cloud.audit.log import COMMAND_LINE, change
from simems_cloud.cli.failing import BadInputError, WrongError
from simems_cloud.cli.output import as_json, show, show_one
from simems_cloud.cli.platform import as_owner, of_tenants, tenant_named
from simems_cloud.identity.passwords import WeakPasswordError, hash_password
from simems_cloud.identity.queries import QUERIES
from simems_cloud.kit.database import Pool


@click.group("user")
def command() -> None:
    """People: create, list, deactivate."""


@command.command(
    epilog="Example: echo $PASSWORD | simems-cloud user create ada@example.com --tenant Demo --password-stdin"
)
@click.argument("email")
@click.option("--tenant", required=True, help="Name or id of the tenant.")
@click.option("--name", default="", help="The person's name.")
@click.option("--role", type=click.Choice(list(BUILT_IN)), default=ADMIN, show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@as_json
def create(email: str, tenant: str, name: str, role: str, password_stdin: bool, json_wanted: bool) -> None:
    """Create the person EMAIL; the password is asked for."""
    email = email.strip().lower()
    if email.count("@") != 1 or email.startswith("@") or email.endswith("@"):
        raise BadInputError(f"EMAIL: {email!r}: not an e-mail address")
    password_hash = _hashed(_password(from_stdin=password_stdin))
    user_id = as_owner(lambda pool: _create(pool, tenant, (email, name, role, password_hash)))
    show_one({"user_id": user_id, "email": email, "role": role}, json_wanted=json_wanted)


@command.command("list", epilog="Example: simems-cloud user list --tenant Demo --json")
@click.option("--tenant", help="Only of this tenant.")
@as_json
def list_(tenant: str | None, json_wanted: bool) -> None:
    """All people, without their passwords."""
    show(as_owner(lambda pool: of_tenants(pool, tenant, QUERIES["list_users"])), json_wanted=json_wanted)


@command.command(epilog="Example: simems-cloud user deactivate ada@example.com --tenant Demo")
@click.argument("email")
@click.option("--tenant", required=True, help="Name or id of the tenant.")
@as_json
def deactivate(email: str, tenant: str, json_wanted: bool) -> None:
    """Shut the person EMAIL out and end their sessions."""
    as_owner(lambda pool: _deactivate(pool, tenant, email.strip().lower()))
    show_one({"deactivated": email}, json_wanted=json_wanted)


async def _deactivate(pool: Pool, tenant: str, email: str) -> None:
    async with change(pool, tenant=await tenant_named(pool, tenant), actor=COMMAND_LINE) as made:
        row = await made.connection.fetchrow(QUERIES["active_user_by_email"], email)
        if row is None:
            raise WrongError(f"EMAIL: {email!r}: nobody active of that name in this tenant")
        await made.connection.execute(QUERIES["deactivate_user"], row["user_id"])
        await made.connection.execute(QUERIES["revoke_sessions"], row["user_id"], None)
        await made.record("user.deactivate", row["user_id"], {"email": email})


def _password(*, from_stdin: bool) -> str:
    if from_stdin or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _hashed(password: str) -> str:
    try:
        return hash_password(password)
    except WeakPasswordError as error:
        raise BadInputError(str(error)) from error


async def _create(pool: Pool, tenant: str, row: tuple[str, str, str, str]) -> UUID:
    tenant_id = await tenant_named(pool, tenant)
    email, name, role, password_hash = row
    try:
        async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
            user_id = UUID(str(await made.connection.fetchval(QUERIES["create_user"], email, name, password_hash)))
            await made.connection.execute(QUERIES["add_grant"], user_id, role, None)
            await made.record("user.create", user_id, {"email": email, "role": role})
    except asyncpg.UniqueViolationError as error:
        raise WrongError(f"EMAIL: {email!r} is there already") from error
    return user_id
