"""``simems-cloud openapi``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from simems_cloud.api.app import create_app
from simems_cloud.kit.settings import Settings


def document() -> str:
    """The same text from the same code, wherever it runs."""
    app = create_app(Settings(data_dir=Path("/nonexistent")), "postgresql://")
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


@click.command("openapi", epilog="Example: simems-cloud openapi > cloud-openapi.json")
def command() -> None:
    """The API's OpenAPI description as JSON."""
    click.echo(document(), nl=False)
