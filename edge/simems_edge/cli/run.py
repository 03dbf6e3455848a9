"""``simems-edge run SITE.yaml``."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import click
from simems_core import Clock

from simems_edge.bridges.shared_clock import read_clock
from simems_edge.buffer import StorageError
from simems_edge.cli.box import problems_of
from simems_edge.cli.data_folder import DEFAULT, locked_folder
from simems_edge.cli.edge_process import EdgeOptions, run_edge
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.site_file import checked_site
from simems_edge.commands.configuration import Configuration
from simems_edge.commands.diagnostics import RecentLog
from simems_edge.config import Site, SiteError
from simems_edge.runtime import configure_logging
from simems_edge.runtime.logs import JsonFormatter
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
    recent = RecentLog(JsonFormatter())
    logging.getLogger().addHandler(recent)
    clock = Clock.monotonic() if clock_file is None else read_clock(clock_file).clock()
    configuration = Configuration(Path(site_file), data, problems_of(""))
    with locked_folder(data) as folder:
        site = _site_on_trial(configuration, site_file)
        pin = os.environ.get("SIMEMS_HMI_PIN") or None
        options = EdgeOptions(folder, clock, pin=pin, record=record, site_file=Path(site_file), recent_log=recent)
        try:
            again = asyncio.run(run_edge(site, options))
        except (StorageError, IdentityError) as error:
            raise BadInputError(str(error)) from error
        except Exception as error:
            again = _taken_back(configuration, error)
            if not again:
                raise
    if again:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves, with our arguments


def _site_on_trial(configuration: Configuration, site_file: str) -> Site:
    """The site to run with; what is on trial and cannot be read is taken back first."""
    try:
        configuration.before_start()
        return checked_site(site_file)
    except SiteError as error:
        if not _taken_back(configuration, error):
            raise
    except OSError as error:
        raise BadInputError(f"{site_file}: the trial of a configuration cannot be noted ({error.strerror})") from error
    return checked_site(site_file)


def _taken_back(configuration: Configuration, error: Exception) -> bool:
    """The edge ended with an error: was that the new configuration's first start?"""
    if configuration.trial is None:
        return False
    configuration.roll_back(f"the edge ended with an error: {error}")
    return True
