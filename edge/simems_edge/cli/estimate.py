"""``simems-edge estimate``: state of charge over measured data."""

from __future__ import annotations

from pathlib import Path

import click
from simems_core import CoreError

from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.estimation import Estimated, Samples, estimate, read_cell, read_samples
from simems_edge.replay.table import RowWriter, whole_file

EXAMPLES = """
\b
Examples:
  simems-edge estimate cell.yaml data.csv -o soc.csv
  simems-edge estimate cell.yaml data.csv -o soc.csv --initial-soc 50 --plot soc.png
  simems-edge estimate cell.yaml pack.csv -o soc.csv --series 96 --parallel 2

\b
DATA.csv: time_s,current_a,voltage_v,temperature_degc   discharge > 0; an empty cell or nan = no reading
          optional true_soc_pct: a reference, drawn with the error by --plot
OUT.csv:  time_s,soc_pct,soc_sigma_pct,valid            valid 0: a reading is missing, absurd or stuck, a gap in time,
          a voltage that contradicts the model, or too little known
"""
FILE = click.Path(path_type=Path, dir_okay=False)
COUNT = click.IntRange(1, 100_000)


@click.command(epilog=EXAMPLES)
@click.argument("cell_file", metavar="CELL.yaml", type=FILE)
@click.argument("data_file", metavar="DATA.csv", type=FILE)
@click.option("-o", "--output", metavar="OUT.csv", required=True, type=FILE, help="CSV to write.")
@click.option("--initial-soc", type=click.FloatRange(0, 100), help="SOC in percent at the first row.")
@click.option(
    "--initial-sigma",
    type=click.FloatRange(0, 100, min_open=True),
    default=20.0,
    show_default=True,
    help="Standard deviation of the initial SOC, in points.",
)
@click.option("--series", type=COUNT, default=1, show_default=True, help="Cells one after the other.")
@click.option("--parallel", type=COUNT, default=1, show_default=True, help="Cells side by side.")
@click.option("--plot", metavar="OUT.png", type=FILE, help="Picture of SOC, sigma and error.")
@json_option
def command(  # noqa: PLR0913 - one argument an option
    *,
    cell_file: Path,
    data_file: Path,
    output: Path,
    initial_soc: float | None,
    initial_sigma: float,
    series: int,
    parallel: int,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Estimate the state of charge with a Kalman filter; without --initial-soc it begins from the first good voltage.
    Same input, same bytes out."""
    cell, samples = read_cell(cell_file), read_samples(data_file)
    try:
        found = estimate(
            cell,
            samples,
            initial_soc_pct=initial_soc,
            initial_sigma_pct=initial_sigma,
            series=series,
            parallel=parallel,
        )
    except CoreError as error:
        raise BadInputError(f"{data_file}: {error}; correct the options") from error
    _write(samples, found, output)
    if plot is not None:
        _draw(samples, found, plot)
    _print(samples, found, output, as_json=as_json)


def _write(samples: Samples, found: Estimated, output: Path) -> None:
    with whole_file(output) as stream:
        writer = RowWriter(stream, ("time_s", "soc_pct", "soc_sigma_pct", "valid"))
        for row in found.rows(samples):
            writer.write(row)


def _draw(samples: Samples, found: Estimated, path: Path) -> None:
    from simems_edge.estimation.plot import draw_estimate  # noqa: PLC0415 - an extra, and slow to import

    draw_estimate(samples, found, path)


def _print(samples: Samples, found: Estimated, output: Path, *, as_json: bool) -> None:
    rows, invalid = len(samples.time_s), found.invalid()
    if as_json:
        last = {"soc_pct": round(found.soc_pct[-1], 6), "soc_sigma_pct": round(found.sigma_pct[-1], 6)}
        print_json({"output": str(output), "rows": rows, "invalid": invalid, **last})
        return
    because = ", ".join(f"{count} {reason}" for reason, count in invalid.items())
    click.echo(f"{rows} rows written to {output}; {f'not valid: {because}' if invalid else 'all valid'}")
