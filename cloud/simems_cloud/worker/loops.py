"""Loops side by side, each looking for its kind of work in the database and doing it until none is left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
from prometheus_client import Counter

from simems_cloud.kit.database import UNAVAILABLE, Pool
from simems_cloud.telemetry.months import Months
from simems_cloud.telemetry.packing import pack_all
from simems_cloud.telemetry.retention import enforce
from simems_cloud.telemetry.rolling import Rests, roll_up_all
from simems_cloud.worker.energy_watch import EnergyWatch
from simems_cloud.worker.exporting import export_next

log = logging.getLogger(__name__)
FAILURES = Counter("simems_worker_failures_total", "Turns of a job that failed and are tried again", ["job"])
AHEAD = timedelta(days=40)
Turn = Callable[[], Awaitable[int]]
"""Does one turn; how much it found to do: with none left it is asked again only after a pause."""


def loops(pool: Pool, rest_s: float) -> dict[str, tuple[Turn, float]]:
    """By job: its turn, and s of pause when there was nothing to do. ``pool``: of the role ``simems_worker``;
    ``rest_s``: between two turns of a site that keeps up."""
    months, watch, rests = Months(), EnergyWatch(pool), Rests(rest_s)

    async def roll() -> int:
        turns = await roll_up_all(pool, months, rests=rests)
        await watch.look(turns)
        return len(turns)

    async def keep() -> int:
        await enforce(pool)
        return 0

    return {
        "roll up": (roll, 1.0),
        "pack": (lambda: pack_all(pool, months), 30.0),
        "export": (lambda: export_next(pool), 2.0),
        "retention": (keep, 3600.0),
        "partitions": (lambda: make_ahead(pool, months), 3600.0),
    }


async def run_loops(pool: Pool, rest_s: float) -> None:
    """Until cancelled. As :func:`loops`."""
    found = loops(pool, rest_s)
    await asyncio.gather(*(for_ever(job, turn, pause_s=pause_s) for job, (turn, pause_s) in found.items()))


async def for_ever(job: str, turn: Turn, *, pause_s: float) -> None:
    """Until cancelled; a turn that fails is tried again after the pause, and counted."""
    while True:
        found = 0
        try:
            found = await turn()
        except UNAVAILABLE as error:
            log.warning("the database is away", extra={"job": job, "error": repr(error)})
        except (asyncpg.PostgresError, ValueError, OverflowError):
            FAILURES.labels(job).inc()
            log.exception("a job failed and is tried again", extra={"job": job})
        if not found:
            await asyncio.sleep(pause_s)


async def make_ahead(pool: Pool, months: Months) -> int:
    """The partitions of this month and the next one are there before anything wants them."""
    now = datetime.now(UTC)
    months.forget()
    await months.make(pool, now, now + AHEAD)
    return 0
