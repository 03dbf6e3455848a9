"""Make a report that was asked for: read once, in one snapshot of the figures, then everything from that document."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.reporting.energy import QUERIES, read_quarters
from simems_cloud.reporting.files import MADE_BY, File, render_all
from simems_cloud.reporting.inputs import Site, document, pack
from simems_cloud.reporting.periods import Span
from simems_cloud.reporting.plant import report_plant

log = logging.getLogger(__name__)
MOST_SITES = 500


class CannotReportError(Exception):
    """There is nothing to report about; trying again would not help. The text is shown."""


async def make(pool: Pool, tenant_id: UUID, report_id: UUID) -> bool:
    """False: it was made before, or is gone. A worker that dies half-way leaves nothing; the job is tried again."""
    async with transaction(pool, tenant=tenant_id) as connection:
        wanted = await connection.fetchrow(QUERIES["to_make"], report_id)
    if wanted is None:
        return False
    try:
        async with transaction(pool, tenant=tenant_id, snapshot=True) as connection:
            packed, inputs_hash, files = await _rendered(connection, wanted)
    except CannotReportError as error:
        async with transaction(pool, tenant=tenant_id) as connection:
            await connection.execute(QUERIES["failed"], report_id, str(error))
        return True
    async with transaction(pool, tenant=tenant_id) as connection:
        return await _store(connection, report_id, packed, inputs_hash, files)


async def _rendered(connection: Connection, wanted: asyncpg.Record) -> tuple[bytes, str, Sequence[File]]:
    of = Span(wanted["period"], wanted["starts_on"], wanted["ends_on"], wanted["time_zone"])
    node = await connection.fetchrow(QUERIES["node"], wanted["node_id"])
    rows = await connection.fetch(QUERIES["sites_below"], wanted["node_id"])
    if node is None or not rows:
        raise CannotReportError("no site stands at or below this node")
    if len(rows) > MOST_SITES:
        raise CannotReportError(f"{len(rows)} sites; a report covers at most {MOST_SITES}: choose a node further down")
    sites = [await _site(connection, row, of) for row in rows]
    alarms = await connection.fetch(QUERIES["alarms"], [site.site_id for site in sites], of.start, of.end)
    inputs = document(
        {"id": str(node["node_id"]), "name": node["name"], "kind": node["kind"]},
        of,
        sites,
        {row["severity"]: row["count"] for row in alarms},
    )
    packed, inputs_hash = pack(inputs)
    return packed, inputs_hash, await asyncio.to_thread(render_all, inputs, inputs_hash)


async def _site(connection: Connection, row: asyncpg.Record, of: Span) -> Site:
    components = [(component, kind) for component, kind in json.loads(row["components"])]
    plant = report_plant(components, json.loads(row["labels"]))
    found = await read_quarters(connection, row["site_id"], plant, of.start, of.end)
    return Site(row["site_id"], row["name"], found)


async def _store(
    connection: Connection, report_id: UUID, packed: bytes, inputs_hash: str, files: Sequence[File]
) -> bool:
    if await connection.fetchrow(QUERIES["to_make"], report_id) is None:
        return False
    await connection.execute(QUERIES["drop_files"], report_id)
    for file in files:
        await connection.execute(QUERIES["add_file"], report_id, file.format, file.sha256, file.content)
    await connection.execute(QUERIES["made"], report_id, packed, inputs_hash, MADE_BY)
    return True
