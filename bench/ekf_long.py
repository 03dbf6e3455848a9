"""``python -m bench.ekf_long``: the whole matrix of the battery estimator, as a table and a picture.

24 hours of four profiles at four temperatures for two chemistries, and three faults. The first run solves the truths
(about half an hour on one core), later ones take them from the cache in the temporary folder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bench.estimation import dfn
from bench.estimation.matrix import Result, cases, held_out_cases, run, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.ekf_long", description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="length of each profile")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--held-out", action="store_true", help="other days, temperatures, sensors and starts instead")
    parser.add_argument("--plot", type=Path, help="PNG to write")
    given = parser.parse_args()
    if not dfn.installed():
        print("SKIPPED: PyBaMM is not installed (pip install -r requirements/bench.in)", file=sys.stderr)
        return 0
    results = []
    for case in held_out_cases() if given.held_out else cases():
        if given.only in case.name:
            print(f"{case.name} ...", file=sys.stderr, flush=True)
            results.append(run(case, given.hours)[0])
    print(table(results))
    print(summary(results))
    if given.plot is not None:
        draw(results, given.plot)
    return 0


def summary(results: list[Result]) -> str:
    """How many cells of the matrix meet what is asked."""
    accurate, better = sum(result.accurate for result in results), sum(result.better for result in results)
    honest = sum(0.90 <= result.nis_coverage <= 0.99 for result in results)
    return (
        f"\n{len(results)} cells: error goal met in {accurate}, better than all three simple ways in {better},"
        f" NIS coverage of 90..99 % in {honest}"
    )


def draw(results: list[Result], path: Path) -> None:
    """Error of the filter beside look-up and counting, a group of bars per case."""
    figure = Figure(figsize=(13, 0.28 * len(results) + 1.5), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(results))
    axes.barh(places, [result.look_up for result in results], 0.8, color="lightgrey", label="OCV look-up")
    counted = [result.counting_true_start for result in results]
    axes.plot(counted, places, "k|", markersize=9, label="counting from the true start")
    colours = ["tab:green" if result.accurate else "tab:red" for result in results]
    axes.barh(places, [result.ekf for result in results], 0.4, color=colours, label="filter (red: misses its goal)")
    axes.set_yticks(places, [result.case.name for result in results], fontsize="small")
    axes.invert_yaxis()
    axes.set(xlabel="RMS error of SOC after 30 minutes, points")
    axes.legend(fontsize="small", loc="lower right")
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    sys.exit(main())
