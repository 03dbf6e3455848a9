"""``simems-cloud audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from simems_cloud.audit.chain import Head, Verdict, heads, verify_all
from simems_cloud.audit.heads_file import read_heads, write_heads
from simems_cloud.cli.failing import WrongError
from simems_cloud.cli.output import as_json, show, show_one
from simems_cloud.cli.platform import as_owner, tenants
from simems_cloud.kit.database import Pool

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("audit")
def command() -> None:
    """The audit log: export its heads, verify its chains."""


@command.command(epilog="Example: simems-cloud audit head -o heads-2026-03-01.json")
@click.option("-o", "--output", type=FILE, required=True, help="Keep this file where the database cannot reach it.")
@as_json
def head(output: Path, json_wanted: bool) -> None:
    """Write the newest entry's hash of every chain to a file."""
    found = as_owner(heads)
    write_heads(output, found)
    show_one({"file": output, "chains": len(found)}, json_wanted=json_wanted)


@command.command(epilog="Example: simems-cloud audit verify --head heads-2026-03-01.json")
@click.option("--head", "head_file", type=FILE, help="Heads exported before; without them a cut tail goes unseen.")
@as_json
def verify(head_file: Path | None, json_wanted: bool) -> None:
    """Recompute every chain. Exit code 1 when one is broken; the output names tenant, serial and what is wrong."""
    exported = read_heads(head_file) if head_file else None
    verdicts, names = as_owner(lambda pool: _verify(pool, exported))
    show([_row(verdict, names) for verdict in verdicts], json_wanted=json_wanted)
    broken = [verdict.broken for verdict in verdicts if verdict.broken]
    if broken:
        texts = [
            f"tenant {b.tenant_id} ({names.get(b.tenant_id, 'gone')}), serial {b.serial}: {b.what}" for b in broken
        ]
        raise WrongError("the audit log is broken: " + "; ".join(texts))


async def _verify(pool: Pool, exported: dict[UUID, Head] | None) -> tuple[list[Verdict], dict[UUID, str]]:
    names = {UUID(str(row["tenant_id"])): row["name"] for row in await tenants(pool)}
    return await verify_all(pool, exported), names


def _row(verdict: Verdict, names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "tenant_id": verdict.tenant_id,
        "tenant": names.get(verdict.tenant_id),
        "entries": verdict.entries,
        "broken_at": verdict.broken.serial if verdict.broken else None,
        "what": verdict.broken.what if verdict.broken else "whole",
    }
