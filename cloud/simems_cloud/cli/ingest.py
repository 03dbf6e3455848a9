"""``simems-cloud ingest``."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import click

from simems_cloud.ingest.server import run_ingest
from simems_cloud.kit.logs import configure
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import Settings, from_environment


@click.command("ingest", epilog="Example: SIMEMS_INGEST_ENDPOINT=tcp://0.0.0.0:7700 simems-cloud ingest")
def command() -> None:
    """The door for edge devices; start as many as wanted behind a TCP balancer."""
    configure("ingest")
    settings = from_environment()
    if settings.ingest_url is not None:
        asyncio.run(_until_told(settings, settings.ingest_url))
        return
    with database_access(settings) as access:
        asyncio.run(_until_told(settings, access.ingest_url))


async def _until_told(settings: Settings, url: str) -> None:
    task = asyncio.ensure_future(run_ingest(settings, url))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
