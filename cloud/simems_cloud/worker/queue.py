"""procrastinate's application: which tasks there are, when the periodic ones are due, how often one is tried."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from prometheus_client import Counter

from simems_cloud.jobs.queue import DELIVER, MAKE_REPORT
from simems_cloud.worker import looks
from simems_cloud.worker.context import Work

log = logging.getLogger(__name__)
JOBS = Counter("simems_worker_jobs_total", "Jobs by task and how they ended", ["task", "outcome"])
SCHEMA = "-c search_path=jobs,pg_temp"
KEPT_H = 7 * 24
PATIENCE = RetryStrategy(max_attempts=8, exponential_wait=4)
"""4, 16, 64 s ...: about a day in all."""
PERIODIC: dict[str, tuple[str, Callable[[Work], Awaitable[object]]]] = {
    "watch_values": ("* * * * * */10", looks.watch_values),
    "watch_minutes": ("* * * * * 20", looks.watch_minutes),
    "deliver_notifications": ("* * * * * */5", looks.deliver),
    "schedule_reports": ("*/5 * * * * 0", looks.schedule_reports),
}
"""Cron with seconds in the last place."""
ASKED: dict[str, Callable[..., Awaitable[object]]] = {MAKE_REPORT: looks.make_report, DELIVER: looks.deliver_tenant}


def make_app(url: str) -> App:
    """``url``: of the role ``simems_worker``; connected to when opened."""
    connector = PsycopgConnector(conninfo=url, kwargs={"options": SCHEMA}, min_size=1, max_size=4)
    app = App(connector=connector, periodic_defaults={"max_delay": 60})
    for name, (cron, look) in PERIODIC.items():
        _add_periodic(app, name, cron, look)
    for name, job in ASKED.items():
        _add_asked(app, name, job)
    _add_cleaning(app)
    return app


def _add_periodic(app: App, name: str, cron: str, look: Callable[[Work], Awaitable[object]]) -> None:
    """One waits at most, one runs at most: a slow look delays the next one and is never doubled."""

    @app.periodic(cron=cron)
    @app.task(name=name, queue="periodic", lock=name, queueing_lock=name, pass_context=True)
    async def run(context: JobContext, timestamp: int) -> None:
        await _counted(name, look(_work(context)))


def _add_asked(app: App, name: str, job: Callable[..., Awaitable[object]]) -> None:
    @app.task(name=name, queue="tenant", retry=PATIENCE, pass_context=True)
    async def run(context: JobContext, /, tenant_id: str, **arguments: str) -> None:
        await _counted(name, job(_work(context), UUID(tenant_id), **arguments))


def _add_cleaning(app: App) -> None:
    @app.periodic(cron="17 * * * * 0")
    @app.task(name="forget_old_jobs", queue="periodic", queueing_lock="forget_old_jobs")
    async def run(timestamp: int) -> None:
        await app.job_manager.delete_old_jobs(nb_hours=1, queue="periodic", include_failed=True)
        await app.job_manager.delete_old_jobs(nb_hours=KEPT_H, include_failed=True, include_cancelled=True)


def _work(context: JobContext) -> Work:
    work = context.additional_context["work"]
    if not isinstance(work, Work):
        raise TypeError("the worker was started without what its jobs need")
    return work


async def _counted(name: str, job: Awaitable[object]) -> None:
    try:
        await job
    except Exception:
        JOBS.labels(name, "failed").inc()
        raise
    JOBS.labels(name, "succeeded").inc()
