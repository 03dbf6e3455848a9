"""The worker's life: jobs until told to stop; what a dead worker left is taken up again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import psycopg
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from simems_cloud.kit.database import UNAVAILABLE
from simems_cloud.kit.settings import Settings
from simems_cloud.worker.context import Work, work_with
from simems_cloud.worker.loops import run_loops
from simems_cloud.worker.queue import make_app

log = logging.getLogger(__name__)
AT_ONCE = 4
STALLED_S = 30.0
AGAIN_S = 2.0


async def run_worker(settings: Settings, url: str, ready: Callable[[], None] | None = None) -> None:
    """Until cancelled: the loops and the queue. Start as many as wanted."""
    async with work_with(settings, url) as work:
        tasks = [
            asyncio.ensure_future(run_loops(work.pool, settings.roll_up_rest_s)),
            asyncio.ensure_future(_run_queue(work, url, ready)),
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _run_queue(work: Work, url: str, ready: Callable[[], None] | None) -> None:
    """Without a database it waits and tries again."""
    while True:
        app = make_app(url)
        try:
            async with app.open_async():
                if ready is not None:
                    ready()
                await _run_app(app, work)
        except (ConnectorException, psycopg.Error, *UNAVAILABLE) as error:
            log.warning("the queue cannot be reached, trying again", extra={"error": repr(error)})
        await asyncio.sleep(AGAIN_S)


async def _run_app(app: App, work: Work) -> None:
    rescuing = asyncio.create_task(rescue_for_ever(app))
    try:
        await app.run_worker_async(
            concurrency=AT_ONCE,
            install_signal_handlers=False,
            shutdown_graceful_timeout=5,
            stalled_worker_timeout=STALLED_S,
            additional_context={"work": work},
        )
    finally:
        rescuing.cancel()
        with suppress(asyncio.CancelledError):
            await rescuing


async def rescue_for_ever(app: App, period_s: float = STALLED_S) -> None:
    """Jobs whose worker is gone start again, all of them may run twice without harm; a periodic look comes anew
    anyway.
    """
    while True:
        with suppress(ConnectorException, psycopg.Error):
            await rescue(app)
        await asyncio.sleep(period_s)


async def rescue(app: App) -> int:
    found = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S))
    for job in found:
        log.warning("a job's worker is gone", extra={"task": job.task_name, "job": job.id})
        if job.queue == "periodic" and job.id is not None:
            await app.job_manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
        else:
            await app.job_manager.retry_job(job)
    return len(found)
