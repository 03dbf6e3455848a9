"""``simems-cloud ingest``."""

from __future__ import annotations

import asyncio

import click

from simems_cloud.cli.until_told import until_told
from simems_cloud.ingest.server import run_ingest
from simems_cloud.kit.descriptors import ask_for_all
from simems_cloud.kit.logs import configure
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import from_environment


@click.command("ingest", epilog="Example: SIMEMS_INGEST_ENDPOINT=tcp://0.0.0.0:7700 simems-cloud ingest")
def command() -> None:
    """The door for edge devices; start as many as wanted behind a TCP balancer."""
    configure("ingest")
    ask_for_all()
    settings = from_environment()
    if settings.ingest_url is not None:
        asyncio.run(until_told(run_ingest(settings, settings.ingest_url)))
        return
    with database_access(settings) as access:
        asyncio.run(until_told(run_ingest(settings, access.ingest_url)))
