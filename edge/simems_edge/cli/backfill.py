"""``simems-edge backfill SITE.yaml``: gives a demonstration a past."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import click
from simems_core import wire

from simems_edge.buffer import StorageError, Store
from simems_edge.cli.data_folder import DEFAULT, locked_folder
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.simulated_past import ROW_S, simulated_frames
from simems_edge.cli.site_file import checked_site
from simems_edge.config import Site

EXAMPLES = """
\b
Examples:
  simems-edge backfill site.yaml --days 14
  simems-edge backfill site.yaml --days 14 --plant-state plant.json
  simems-edge backfill site.yaml --days 2 --data /var/lib/simems --json
"""
MEGABYTE = 1024 * 1024
MICROSECONDS = 1_000_000
DAY_S = 86_400
FRAMES_PER_COMMIT = 12


@click.command(epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=click.Path())
@click.option("--days", type=click.FloatRange(min=0, max=400), default=14, show_default=True)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, help="Data folder."
)
@click.option(
    "--plant-state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="State file of the virtual plant (sim --state), so that its battery goes on where the past ends.",
)
@json_option
def command(*, site_file: str, days: float, data: Path, plant_state: Path | None, as_json: bool) -> None:
    """Fill the buffer with the simulated past: one row a minute, from the last row it holds (or DAYS ago) until now.

    The site file needs a `simulation` section. Refused while an edge runs on the same data folder.
    """
    site = checked_site(site_file)
    if site.simulation is None:
        raise BadInputError(f"{site_file}: simulation: is missing; only a simulated site has a simulated past")
    with locked_folder(data):
        try:
            rows = _fill(site, data, days, plant_state, quiet=as_json)
        except StorageError as error:
            raise BadInputError(str(error)) from error
    if as_json:
        print_json({"ok": True, "rows": rows})
    else:
        click.echo(f"{rows} rows added" if rows else "nothing to add: the buffer is up to date")


def _fill(site: Site, data: Path, days: float, plant_state: Path | None, *, quiet: bool) -> int:
    """Rows added."""
    folder = data if site.buffer.path is None else Path(site.buffer.path)
    store = Store(folder, _now_us, site.buffer.max_size_mb * MEGABYTE)
    try:
        start_us, end_us = _span_us(days, store.status().newest_us)
        rows = (end_us - start_us) // (ROW_S * MICROSECONDS)
        if rows <= 0:
            return 0
        with _progress(rows, quiet=quiet) as progress:
            _append(store, simulated_frames(site, start_us, end_us, progress, plant_state))
        return rows
    finally:
        store.close()


@contextmanager
def _progress(rows: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar that is told how many rows are done."""
    shown = 0
    with click.progressbar(length=rows, label="Simulating the past", hidden=quiet) as bar:

        def show(done: int) -> None:
            nonlocal shown
            bar.update(done - shown)
            shown = done

        yield show


def _append(store: Store, frames: Iterator[wire.Telemetry]) -> None:
    while batch := list(islice(frames, FRAMES_PER_COMMIT)):
        store.append(batch)


def _span_us(days: float, newest_us: int | None) -> tuple[int, int]:
    """Whole minutes."""
    row_us = ROW_S * MICROSECONDS
    end_us = _now_us() // row_us * row_us
    start_us = end_us - round(days * DAY_S) * MICROSECONDS // row_us * row_us
    if newest_us is not None:
        start_us = max(start_us, (newest_us // row_us + 1) * row_us)
    return start_us, end_us


def _now_us() -> int:
    return time.time_ns() // 1000
