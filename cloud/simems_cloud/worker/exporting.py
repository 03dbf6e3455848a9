"""Makes the files of exports: a window of time a transaction, with the progress that people follow.

A worker that dies leaves the job held for some minutes; then another one begins it anew. After three deaths it fails.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.telemetry.export_files import (
    QUALITIES,
    RAW_COLUMNS,
    ROLLUP_COLUMNS,
    FileWriter,
    MissingParquetError,
    Row,
    file_writer,
)
from simems_cloud.telemetry.retention import QUERIES
from simems_cloud.telemetry.rollup import moment
from simems_cloud.telemetry.samples import raw_values

log = logging.getLogger(__name__)
WINDOWS = {"raw": timedelta(hours=6), "1min": timedelta(days=7), "15min": timedelta(days=60)}
LARGEST_PART = 4 * 1024 * 1024
MOST_ATTEMPTS = 3


class TakenOverError(Exception):
    """Deleted, or held by another worker: what this one wrote last is rolled back."""


async def export_next(pool: Pool) -> int:
    """One job from beginning to end; 0: none waits."""
    async with transaction(pool) as connection:
        waiting = await connection.fetchrow(QUERIES["waiting_exports"], 1)
    if waiting is None:
        return 0
    await run_export(pool, waiting["tenant_id"], waiting["export_id"])
    return 1


async def run_export(pool: Pool, tenant_id: UUID, export_id: UUID) -> None:
    async with transaction(pool, tenant=tenant_id) as connection:
        job = await connection.fetchrow(QUERIES["claim_export"], export_id)
        if job is None:
            return
        await connection.execute(QUERIES["clear_chunks"], export_id)
    try:
        if job["attempts"] > MOST_ATTEMPTS:
            raise ValueError("given up: the worker died at it three times; ask for less at once")  # noqa: TRY301
        await _write(pool, tenant_id, job)
    except TakenOverError:
        log.info("an export was deleted or taken over", extra={"export": str(export_id)})
    except (MissingParquetError, ValueError, OverflowError, asyncpg.DataError) as error:
        async with transaction(pool, tenant=tenant_id) as connection:
            await connection.execute(QUERIES["export_failed"], export_id, job["attempts"], str(error)[:500])


async def _write(pool: Pool, tenant_id: UUID, job: asyncpg.Record) -> None:
    out = file_writer(job["format"], RAW_COLUMNS if job["resolution"] == "raw" else ROLLUP_COLUMNS)
    windows, part = list(_windows(job)), 0
    for number, (start, end) in enumerate(windows, start=1):
        async with transaction(pool, tenant=tenant_id) as connection:
            rows = await _rows(connection, job, start, end)
            last = number == len(windows)
            part = await _keep(connection, job, out, rows, part, number / len(windows), last=last)


def _windows(job: asyncpg.Record) -> Iterator[tuple[datetime, datetime]]:
    start = job["start_at"]
    while start < job["end_at"]:
        end = min(start + WINDOWS[job["resolution"]], job["end_at"])
        yield start, end
        start = end


async def _keep(
    connection: Connection,
    job: asyncpg.Record,
    out: FileWriter,
    rows: list[Row],
    part: int,
    progress: float,
    *,
    last: bool,
) -> int:
    """The number of the next part."""
    data = out.write(rows) + (out.end() if last else b"")
    status = "done" if last else "running"
    row = (job["export_id"], job["attempts"], progress, len(rows), len(data), status)
    if not await connection.fetchval(QUERIES["export_goes_on"], *row):
        raise TakenOverError
    for low in range(0, len(data), LARGEST_PART):
        await connection.execute(QUERIES["add_chunk"], job["export_id"], part, data[low : low + LARGEST_PART])
        part += 1
    return part


async def _rows(connection: Connection, job: asyncpg.Record, start: datetime, end: datetime) -> list[Row]:
    """In order of time, then channel."""
    if job["resolution"] != "raw":
        name = f"rollup_rows_{job['resolution']}"
        found = await connection.fetch(QUERIES[name], job["site_id"], job["channels"], start, end)
        columns = ("start_at", "channel", "count", "mean", "minimum", "maximum", "energy_wh")
        return [tuple(row[column] for column in columns) for row in found]
    ids = await connection.fetch(QUERIES["channel_ids"], job["site_id"], job["channels"])
    values = await raw_values(connection, job["site_id"], [row["channel_id"] for row in ids], start, end)
    rows = [
        (time_us, row["address"], None if value != value else value, QUALITIES[code])  # noqa: PLR0124 - NaN: none
        for row in ids
        for time_us, value, code in zip(
            *(column.tolist() for column in vars(values[row["channel_id"]]).values()), strict=True
        )
    ]
    return [(moment(time_us), *rest) for time_us, *rest in sorted(rows, key=lambda row: row[:2])]
