"""From errors to one line on standard error and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Awaitable
from typing import TypeVar

import asyncpg
import click
import psycopg

from simems_cloud.audit.heads_file import HeadsFileError
from simems_cloud.kit.database import UNAVAILABLE
from simems_cloud.kit.postgres.account import PostgresError
from simems_cloud.kit.problems import ProblemError
from simems_cloud.kit.settings import SettingsError

T = TypeVar("T")
WRONG, BAD_INPUT, UNREACHABLE = 1, 2, 3


class WrongError(Exception):
    """What was checked is wrong; exit code 1."""


class BadInputError(Exception):
    """What was given cannot be used; exit code 2."""


_MIGRATE = "the database has not been migrated; run `simems-cloud migrate`"
_AWAY = "the database cannot be reached: {}"
_CODES: dict[type[Exception], tuple[int, str]] = {
    SettingsError: (BAD_INPUT, "{}"),
    BadInputError: (BAD_INPUT, "{}"),
    WrongError: (WRONG, "{}"),
    HeadsFileError: (BAD_INPUT, "{}"),
    asyncpg.UndefinedTableError: (WRONG, _MIGRATE),
    asyncpg.UndefinedFunctionError: (WRONG, _MIGRATE),
    asyncpg.InvalidAuthorizationSpecificationError: (WRONG, _MIGRATE),
    asyncpg.InvalidParameterValueError: (WRONG, _MIGRATE),
    asyncpg.InsufficientPrivilegeError: (WRONG, "{}; was the database migrated by this version?"),
    PostgresError: (UNREACHABLE, "{}"),
    psycopg.OperationalError: (UNREACHABLE, _AWAY),
    **dict.fromkeys(UNAVAILABLE, (UNREACHABLE, _AWAY)),
}
"""What an error means for who called; the first kind that fits."""


async def refused_as_wrong(work: Awaitable[T]) -> T:
    """What the API would answer with a problem ends the command with exit code 1."""
    try:
        return await work
    except ProblemError as error:
        raise WrongError(error.detail) from error


def explained(group: click.Group) -> int:
    """Run the command line; the exit code."""
    try:
        return int(group.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return BAD_INPUT
    except click.Abort:
        return _say("stopped", 130)
    except tuple(_CODES) as error:
        code, text = next(found for kind, found in _CODES.items() if isinstance(error, kind))
        return _say(text.format(error), code)


def _say(what: object, code: int) -> int:
    click.echo(f"simems-cloud: {what}", err=True)
    sys.stderr.flush()
    return code
