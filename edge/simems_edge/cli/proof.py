"""``simems-edge proof``: the signed record of limits from outside, exported and checked."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from simems_edge.cli.data_folder import DEFAULT
from simems_edge.cli.errors import WRONG, BadInputError, CommandError
from simems_edge.cli.limit_record import reader_of
from simems_edge.cli.output import json_option, print_json
from simems_edge.proof.verify import Broken, Proven, verify
from simems_edge.sync.identity import Identity, IdentityError

MOST_BYTES: Final = 512 * 1024 * 1024
EXAMPLES = """
\b
Examples:
  simems-edge proof --from 2026-11-01 --to 2026-12-01 -o november.proof
  simems-edge proof --from 2026-11-25T17:00+01:00 --to 2026-11-25T19:00+01:00 -o call.proof
  simems-edge proof verify november.proof --key 3f6c...e1
"""
_KEY = re.compile(r"[0-9a-f]{64}")


@click.group(invoke_without_command=True, epilog=EXAMPLES)
@click.option("--from", "start", metavar="TIME", help="From this time, ISO 8601; without an offset: UTC.")
@click.option("--to", "end", metavar="TIME", help="Until before this time.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, help="Data folder."
)
@click.pass_context
def command(ctx: click.Context, *, start: str | None, end: str | None, output: Path | None, data: Path) -> None:
    """Export what was asked of this site from outside, and how it was obeyed, with the measured power around it.

    Every line is signed with the key of this box and holds the hash of the one before. Works while the edge runs.
    """
    if ctx.invoked_subcommand is not None:
        return
    if start is None or end is None or output is None:
        raise BadInputError("proof: --from, --to and -o are needed; see `simems-edge proof --help`")
    from_us, to_us = _time(start, "--from"), _time(end, "--to")
    if from_us >= to_us:
        raise BadInputError(f"--from: {start}: is not before --to; swap them")
    lines = _export(data, from_us, to_us, output)
    click.echo(f"{output}: {lines} entries")


def _export(data: Path, from_us: int, to_us: int, output: Path) -> int:
    try:
        book = reader_of(data, Identity(data))
        lines = list(book.export(from_us, to_us, _now_us()))
        output.write_bytes(b"".join(lines))
    except FileNotFoundError as error:
        text = f"{data}: holds no record of limits; none came yet, or name the edge's folder with --data"
        raise CommandError(text) from error
    except IdentityError as error:
        raise BadInputError(str(error)) from error
    except OSError as error:
        raise BadInputError(f"{error.filename or output}: {error.strerror}; check the folder and the disk") from error
    return len(lines) - 2


@command.command("verify", epilog=EXAMPLES)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", metavar="HEX", help="The box's signing key, from its screen or the cloud.")
@json_option
def verify_file(*, file: Path, key: str | None, as_json: bool) -> None:
    """Check an exported record: exit code 1 when a single byte of it was changed.

    Without --key it is only shown that nothing was changed since, not whose record it is.
    """
    if key is not None and not _KEY.fullmatch(key):
        raise BadInputError(f"--key: {key}: is not 64 hexadecimal digits; see `simems-edge identity`")
    verdict = verify(_read(file), key)
    if isinstance(verdict, Broken):
        if as_json:
            print_json({"ok": False, "line": verdict.line, "problem": verdict.what})
            click.get_current_context().exit(WRONG)
        raise CommandError(f"{file}:{verdict.line}: {verdict.what}; ask the site for its record again")
    facts = _facts(verdict, pinned=key is not None)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        if shown != "":
            click.echo(f"{name.replace('_', ' ')}: {shown}")


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BadInputError(f"{file}: is larger than {MOST_BYTES} bytes; export a shorter span")
        return file.read_bytes()
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read ({error.strerror}); name an exported record") from error


def _facts(proven: Proven, *, pinned: bool) -> dict[str, Any]:
    counts = Counter(f"{entry['code']}.{entry['what']}" for entry in proven.entries)
    return {
        "ok": True,
        "site": proven.site,
        "signing_key": proven.signing_key,
        "former_keys": list(proven.former_keys),
        "key_expected": pinned,
        "from": _iso(proven.from_us),
        "to": _iso(proven.to_us),
        "entries": len(proven.entries),
        "events": dict(sorted(counts.items())),
    }


def _time(text: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(
            f"{option}: {text}: is no ISO 8601 time; write for example 2026-11-01T00:00+01:00"
        ) from error
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(known.timestamp() * 1e6)


def _iso(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat()


def _now_us() -> int:
    return round(datetime.now(UTC).timestamp() * 1e6)
