"""``simems-cloud api``."""

from __future__ import annotations

import gc

import click
import uvicorn

from simems_cloud.api.app import create_app
from simems_cloud.kit.logs import configure
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import Settings, from_environment

IDLE_CONNECTION_S = 75
"""A screen asks again every few to thirty seconds: it needs no new connection, and no new TLS handshake, for that."""
YOUNG_OBJECTS = 20_000
"""The collector looks at new objects after so many: an answer with a thousand sites is one of them."""


@click.command("api", epilog="Example: SIMEMS_HTTP_PORT=8001 simems-cloud api")
def command() -> None:
    """The HTTP API and the portal; start as many as wanted."""
    configure("api")
    settings = from_environment()
    if settings.app_url is not None:
        _run(settings, settings.app_url)
        return
    with database_access(settings) as access:
        _run(settings, access.app_url)


def _run(settings: Settings, url: str) -> None:
    application = create_app(settings, url)
    # What is loaded now stays: the collector need not walk through it while somebody waits for an answer.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    uvicorn.run(
        application,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=IDLE_CONNECTION_S,
        ws_max_size=64 * 1024,
    )
