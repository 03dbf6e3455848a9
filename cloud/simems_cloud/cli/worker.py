"""``simems-cloud worker``."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import click

from simems_cloud.kit.logs import configure
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import Settings, from_environment


@click.command("worker", epilog="Example: simems-cloud worker")
def command() -> None:
    """Rollups, alarm rules, notifications, reports; start as many as wanted."""
    configure("worker")
    settings = from_environment()
    if settings.worker_url is not None:
        asyncio.run(_until_told(settings, settings.worker_url))
        return
    with database_access(settings) as access:
        asyncio.run(_until_told(settings, access.worker_url))


async def _until_told(settings: Settings, url: str) -> None:
    from simems_cloud.worker.run import run_worker  # noqa: PLC0415 - keeps --help fast

    task = asyncio.ensure_future(run_worker(settings, url))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
