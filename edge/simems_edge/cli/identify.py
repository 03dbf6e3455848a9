"""``simems-edge identify``: a cell file from pulse tests."""

from __future__ import annotations

from pathlib import Path

import click
from simems_core import CoreError

from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.estimation import Identified, cell_text, identify_cell, read_ocv, read_pulses
from simems_edge.replay.table import whole_file

EXAMPLES = """
\b
Examples:
  simems-edge identify pulses-25degC.csv --ocv ocv.csv --capacity-ah 5.0 -o cell.yaml
  simems-edge identify p0.csv p25.csv p40.csv --ocv ocv.csv --capacity-ah 5.0 -o cell.yaml --plot fit.png

\b
PULSES.csv: time_s,current_a,voltage_v,temperature_degc   one test per temperature, discharge > 0; rests of
            10 minutes or more between pulses and steps of SOC
OCV.csv:    soc_pct,ocv_v[,ocv_charge_v,ocv_discharge_v]  both branches: the cell has hysteresis
"""
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog=EXAMPLES)
@click.argument("pulses", metavar="PULSES.csv...", type=FILE, nargs=-1, required=True)
@click.option("--ocv", "ocv_file", metavar="OCV.csv", required=True, type=FILE, help="Open-circuit voltage over SOC.")
@click.option(
    "--capacity-ah", required=True, type=click.FloatRange(0, 1e6, min_open=True), help="Charge from empty to full, Ah."
)
@click.option("-o", "--output", metavar="CELL.yaml", required=True, type=FILE, help="Cell file to write.")
@click.option("--name", default="", help="Name of the cell, kept in the file.")
@click.option("--plot", metavar="FIT.png", type=FILE, help="Picture of measured and fitted voltage.")
@json_option
def command(
    *,
    pulses: tuple[Path, ...],
    ocv_file: Path,
    capacity_ah: float,
    output: Path,
    name: str,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Find a cell's equivalent circuit (2 RC pairs over SOC and temperature) from pulse tests. Same input, same bytes
    out."""
    tests, ocv = [read_pulses(path) for path in pulses], read_ocv(ocv_file)
    try:
        found = identify_cell(tests, ocv, capacity_ah)
    except CoreError as error:
        raise BadInputError(f"{', '.join(map(str, pulses))}: {error}; correct the tests") from error
    with whole_file(output) as stream:
        stream.write(cell_text(found.cell, name))
    if plot is not None:
        _draw(found, plot)
    if as_json:
        print_json(_as_data(found, output))
    else:
        _print(found, output)


def _draw(found: Identified, path: Path) -> None:
    from simems_edge.estimation.plot import draw_fit  # noqa: PLC0415 - an extra, and slow to import

    draw_fit(found, path)


def _print(found: Identified, output: Path) -> None:
    for report in found.reports:
        fast, slow = report.time_constants_s
        click.echo(
            f"{report.temperature_degc:6.1f} degC: {1000 * report.rmse_v:.2f} mV RMS left over,"
            f" time constants {fast:.0f} s and {slow:.0f} s, SOC {report.soc_pct[0]:.1f}..{report.soc_pct[1]:.1f} %"
        )
    click.echo(f"cell written to {output}")


def _as_data(found: Identified, output: Path) -> dict[str, object]:
    tests = [
        {
            "file": str(test.path),
            "temperature_degc": report.temperature_degc,
            "rmse_v": report.rmse_v,
            "time_constants_s": list(report.time_constants_s),
            "soc_pct": list(report.soc_pct),
        }
        for test, report in zip(found.tests, found.reports, strict=True)
    ]
    return {"output": str(output), "tests": tests}
