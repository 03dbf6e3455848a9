"""``simems-cloud worker``."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import click

from simems_cloud.kit.logs import configure
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import from_environment
from simems_cloud.worker.run import run_worker


@click.command("worker", epilog="Example: simems-cloud worker")
def command() -> None:
    """Rollups, packing, retention, exports; start as many as wanted."""
    configure("worker")
    settings = from_environment()
    if settings.worker_url is not None:
        asyncio.run(_until_told(settings.worker_url))
        return
    with database_access(settings) as access:
        asyncio.run(_until_told(access.worker_url))


async def _until_told(url: str) -> None:
    task = asyncio.ensure_future(run_worker(url))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
