"""``simems-cloud api``."""

from __future__ import annotations

import click
import uvicorn

from simems_cloud.api.app import create_app
from simems_cloud.kit.logs import configure
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import Settings, from_environment


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
    uvicorn.run(
        create_app(settings, url),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        ws_max_size=64 * 1024,
    )
