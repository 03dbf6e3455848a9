"""``simems-cloud worker``."""

from __future__ import annotations

import asyncio

import click

from simems_cloud.cli.until_told import until_told
from simems_cloud.kit.logs import configure
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import from_environment


@click.command("worker", epilog="Example: simems-cloud worker")
def command() -> None:
    """Rollups, alarm rules, notifications, reports; start as many as wanted."""
    from simems_cloud.worker.run import run_worker  # noqa: PLC0415 - keeps --help fast

    configure("worker")
    settings = from_environment()
    if settings.worker_url is not None:
        asyncio.run(until_told(run_worker(settings, settings.worker_url)))
        return
    with database_access(settings) as access:
        asyncio.run(until_told(run_worker(settings, access.worker_url)))
