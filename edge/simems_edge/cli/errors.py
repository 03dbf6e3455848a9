"""What a command may raise, and how every error is printed: one line each on stderr, never a traceback unasked."""

import json
import sys
import traceback
from typing import Final

import click

from simems_edge.config import SiteError

WRONG: Final = 1
BAD_INPUT: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130


class CommandError(Exception):
    """Ends a command with one line on stderr: what is wrong; what to do."""

    exit_code = WRONG


class BadInputError(CommandError):
    """A file, argument or answer that cannot be used."""

    exit_code = BAD_INPUT


class UnreachableError(CommandError):
    """Somebody who must answer does not: a device, the edge, the cloud."""

    exit_code = UNREACHABLE


def exit_code_of(error: BaseException) -> int:
    """The exit code that tells this error."""
    if isinstance(error, CommandError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(error, ConnectionError | TimeoutError):
        return UNREACHABLE
    return BAD_INPUT if isinstance(error, SiteError | click.ClickException | ValueError | OSError) else WRONG


def print_error(error: BaseException, *, as_json: bool, debug: bool) -> int:
    """Print ``error`` and return the exit code."""
    code = exit_code_of(error)
    if debug:
        traceback.print_exception(error)
    for line in lines_of(error):
        click.echo(line, err=True)
    if as_json:
        click.echo(json.dumps({"ok": False, "exit_code": code, "problems": _as_data(error)}, ensure_ascii=False))
    return code


def lines_of(error: BaseException) -> list[str]:
    """The lines for people."""
    if isinstance(error, SiteError):
        return [str(problem) for problem in error.problems]
    if isinstance(error, click.ClickException):
        return [*_usage(error), f"error: {error.format_message()}"]
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return ["interrupted"]
    if isinstance(error, CommandError | ValueError | OSError):
        return [f"error: {error}"]
    return [f"error: unexpected {type(error).__name__}: {error}; run again with --debug and report it"]


def _usage(error: click.ClickException) -> list[str]:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return [] if context is None else [context.get_usage(), f"Try '{context.command_path} --help'."]


def _as_data(error: BaseException) -> list[dict[str, str | int]]:
    if isinstance(error, SiteError):
        return [problem.as_dict() for problem in error.problems]
    return [{"message": "; ".join(lines_of(error)[-1:])}]


def silence_closed_pipe() -> None:
    """Whoever read our output has gone; do not complain about it again at exit."""
    sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115 - lives until the process ends
