"""The roles: an owner nobody signs in as, app, ingest and worker that own nothing, lookup, audit, purge and backup.

Roles belong to the whole server, so several databases share them; making them twice or at the same time is harmless.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import psycopg
from psycopg import errors, sql

log = logging.getLogger(__name__)

OWNER, APP, INGEST, LOOKUP, BACKUP = "simems_owner", "simems_app", "simems_ingest", "simems_lookup", "simems_backup"
WORKER = "simems_worker"
AUDIT = "simems_audit"
"""Owns the one function that appends to the audit log, and nothing else."""
PURGE = "simems_purge"
"""Owns the one function that deletes a tenant's rows, and nothing else."""
JOBS = "simems_jobs"
"""Owns the functions through which a tenant reaches its own jobs, and nothing else."""
_SAFE = "nosuperuser nocreatedb nocreaterole noreplication noinherit"
ATTRIBUTES = {
    OWNER: f"nologin {_SAFE}",
    LOOKUP: f"nologin {_SAFE}",
    AUDIT: f"nologin {_SAFE}",
    PURGE: f"nologin {_SAFE}",
    JOBS: f"nologin {_SAFE}",
    APP: f"login {_SAFE}",
    INGEST: f"login {_SAFE}",
    WORKER: f"login {_SAFE}",
}
_RACES = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_, errors.SerializationFailure)
_TRIES = 20


def prepare_roles(url: str, passwords: Mapping[str, str]) -> None:
    """Make what is missing; give the signing-in roles these passwords (none: left as they are)."""
    with psycopg.connect(url, autocommit=True) as connection:
        for role, attributes in ATTRIBUTES.items():
            _make(connection, role, attributes)
        _make_backup(connection)
        _grant_all(connection)
        for role, password in passwords.items():
            statement = sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password))
            _patiently(connection, statement)


def _make(connection: psycopg.Connection, role: str, attributes: str) -> None:
    if not _exists(connection, role):
        statement = sql.SQL("create role {} {}").format(sql.Identifier(role), sql.SQL(attributes))
        _patiently(connection, statement)


def _make_backup(connection: psycopg.Connection) -> None:
    try:
        _make(connection, BACKUP, f"login bypassrls {_SAFE}")
    except errors.InsufficientPrivilege:
        log.warning("may not create %s with BYPASSRLS; backups need an administrator to create it", BACKUP)


def _grant_all(connection: psycopg.Connection) -> None:
    """The migrating role acts as the owner; the owner hands functions to the others."""
    database = sql.Identifier(connection.info.dbname)
    me = connection.execute("select current_user").fetchone()
    if me is None:
        raise RuntimeError("no current_user")
    for statement in (
        sql.SQL("grant {} to {}").format(sql.Identifier(LOOKUP), sql.Identifier(OWNER)),
        sql.SQL("grant {} to {}").format(sql.Identifier(AUDIT), sql.Identifier(OWNER)),
        sql.SQL("grant {} to {}").format(sql.Identifier(PURGE), sql.Identifier(OWNER)),
        sql.SQL("grant {} to {}").format(sql.Identifier(JOBS), sql.Identifier(OWNER)),
        sql.SQL("grant {} to {}").format(sql.Identifier(OWNER), sql.Identifier(me[0])),
        sql.SQL("revoke all on database {} from public").format(database),
        sql.SQL("grant create, connect, temporary on database {} to {}").format(database, sql.Identifier(OWNER)),
        sql.SQL("grant connect on database {} to {}, {}, {}").format(
            database, sql.Identifier(APP), sql.Identifier(INGEST), sql.Identifier(WORKER)
        ),
        sql.SQL("revoke create on schema public from public"),
        sql.SQL("grant create, usage on schema public to {} with grant option").format(sql.Identifier(OWNER)),
    ):
        _patiently(connection, statement)
    if _exists(connection, BACKUP):
        grant = sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(BACKUP))
        _patiently(connection, grant)


def _exists(connection: psycopg.Connection, role: str) -> bool:
    return connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is not None


def _patiently(connection: psycopg.Connection, statement: sql.SQL | sql.Composed) -> None:
    """Shared catalogues have no lock to take: who loses a race tries again, who finds the thing made is content."""
    for attempt in range(_TRIES):
        try:
            connection.execute(statement)
        except (errors.DuplicateObject, errors.UniqueViolation):
            return
        except _RACES:
            if attempt == _TRIES - 1:
                raise
        else:
            return
