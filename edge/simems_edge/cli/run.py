"""``simems-edge run SITE.yaml``."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click
from simems_core import Clock

from simems_edge.bridges.shared_clock import read_clock
from simems_edge.buffer import StorageError
from simems_edge.cli.data_folder import DEFAULT, locked_folder
from simems_edge.cli.edge_process import EdgeOptions, run_edge
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.site_file import checked_site
from simems_edge.runtime import configure_logging
from simems_edge.sync.identity import IdentityError

EXAMPLES = """
\b
Examples:
  simems-edge run site.yaml
  simems-edge run site.yaml --data /var/lib/simems --log-level warning
  simems-edge run site.yaml --record input.csv                for simems-edge replay
  simems-edge run site.yaml --clock-file plant-clock.json     with simems-edge sim --speed

\b
Environment: SIMEMS_HMI_PIN sets the PIN of the screen, SIMEMS_HMI_DIR the folder of the built screens.
"""
LEVELS = click.Choice(["debug", "info", "warning", "error"], case_sensitive=False)


@click.command(epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=click.Path())
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, help="Data folder."
)
@click.option("--clock-file", type=click.Path(path_type=Path), help="Share the clock of a virtual plant.")
@click.option("--record", metavar="INPUT.csv", type=click.Path(path_type=Path), help="Record each cycle's inputs.")
@click.option("--log-level", type=LEVELS, default="info", show_default=True)
def command(*, site_file: str, data: Path, clock_file: Path | None, record: Path | None, log_level: str) -> None:
    """Run a site until SIGTERM or Ctrl-C: bridges, cycle, controllers, recorder, buffer, uplink and screen.

    Logs are JSON lines on stderr. Exit code 0: stopped cleanly; 1: a part failed; 2: not usable.
    """
    configure_logging(log_level)
    site = checked_site(site_file)
    clock = Clock.monotonic() if clock_file is None else read_clock(clock_file).clock()
    with locked_folder(data) as folder:
        options = EdgeOptions(folder, clock, pin=os.environ.get("SIMEMS_HMI_PIN") or None, record=record)
        try:
            asyncio.run(run_edge(site, options))
        except (StorageError, IdentityError) as error:
            raise BadInputError(str(error)) from error
