"""Everything a tenant has, as JSON lines a table, with counts and hashes; no secret of anybody among it.

All tables are read in one snapshot. Left out: hashes of passwords and tokens, sealed secrets, and tables that hold
nothing but such (refresh tokens, sign-ins under way, answers kept for repeats).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.tenancy.service import QUERIES

SECRET_COLUMNS = ["password_hash", "token_hash", "code_hash", "sealed_secret", "last_step"]
SECRET_TABLES = ["refresh_tokens", "oidc_flows", "idempotency_keys", "recovery_codes"]
COPIES = ["export_chunks"]
"""Tables whose rows were made from others of the same tenant."""
ALSO = ["tenants", "audit_log"]
PREFETCH = 500


@dataclass
class Manifest:
    """What a complete export holds; lines of a table hashed in their order, each with its line feed."""

    tenant_id: UUID
    taken_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {"tenant_id": str(self.tenant_id), "taken_at": self.taken_at, "tables": self.tables}


async def lines(pool: Pool, tenant_id: UUID, manifest: Manifest) -> AsyncIterator[tuple[str, str]]:
    """(table, JSON of a row); the manifest is complete when this has ended."""
    async with transaction(pool, tenant=tenant_id, snapshot=True) as connection:
        tables = [row["name"] for row in await connection.fetch(QUERIES["tables"], [*SECRET_TABLES, *COPIES])]
        for table in [*ALSO, *tables]:
            count, digest = 0, hashlib.sha256()
            async for line in _rows(connection, table):
                count += 1
                digest.update(line.encode() + b"\n")
                yield table, line
            manifest.tables[table] = {"rows": count, "sha256": digest.hexdigest()}


async def write_folder(pool: Pool, tenant_id: UUID, folder: Path) -> Manifest:
    """``TABLE.jsonl`` each and ``manifest.json``, which is written last: without it the export is not complete."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - the command line waits for nothing else
    manifest, current, out = Manifest(tenant_id), "", None
    try:
        async for table, line in lines(pool, tenant_id, manifest):
            if out is None or table != current:
                if out is not None:
                    out.close()
                current, out = table, (folder / f"{table}.jsonl").open("w", encoding="utf-8")
            out.write(line + "\n")
    finally:
        if out is not None:
            out.close()
    (folder / "manifest.json").write_text(json.dumps(manifest.document(), indent=1) + "\n")
    return manifest


def zip_folder(folder: Path, target: Path) -> None:
    """The folder's files as one archive; complete or not there at all."""
    scratch = target.with_name(f".{target.name}.part")
    with zipfile.ZipFile(scratch, "x", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    scratch.rename(target)


async def stream(pool: Pool, tenant_id: UUID) -> AsyncIterator[bytes]:
    """One line a row, ``{"table", "row"}``; the last one is ``{"manifest"}``: without it the export is not complete."""
    manifest = Manifest(tenant_id)
    async for table, line in lines(pool, tenant_id, manifest):
        yield f'{{"table": {json.dumps(table)}, "row": {line}}}\n'.encode()
    yield json.dumps({"manifest": manifest.document()}).encode() + b"\n"


async def _rows(connection: Connection, table: str) -> AsyncIterator[str]:
    """``table`` comes from the catalogue, quoted by it. Only the audit log has an order that means something."""
    order = " order by serial" if table == "audit_log" else ""
    query = f"select (to_jsonb(t) - $1::text[])::text as line from {table} t where tenant_id = app_tenant()"  # noqa: S608 - see above
    async for row in connection.cursor(query + order, SECRET_COLUMNS, prefetch=PREFETCH):
        yield row["line"]
