"""The split of 32 actuators behind 10 shared limits: worst and median of many problems beside 2 % of a 10 ms cycle."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.figure import Figure

PROBLEMS = 10_000
RUNS = 7
SHARE_US = 200.0
SHARE = "2 % of a 10 ms cycle"
ROOT = Path(__file__).parents[2]


def measure() -> list[Figure]:
    """Of seven runs over different problems the median of each run's worst, and every problem's own fastest of three:
    what the host does meanwhile is no property of the split."""
    if shutil.which("cargo") is None:
        print("bench: arbitration: SKIPPED, cargo is not installed", file=sys.stderr)
        return []
    runs = [_run(seed) for seed in range(1, RUNS + 1)]
    figures = []
    for place, family in enumerate(("random", "adversarial")):
        rows = [run[place] for run in runs]
        figures.append(_row(f"split of 32 actuators, {family}, worst", [row["worst_us"] for row in rows], 1.0))
        figures.append(_row(f"split of 32 actuators, {family}, median", [row["median_us"] for row in rows], 1.0))
        exact = 100.0 - 100.0 * sum(row["unfinished"] for row in rows) / sum(row["problems"] for row in rows)
        goal = 0.99 if family == "random" else 0.3
        name = f"split of 32 actuators, {family}, exact within its bound on work"
        figures.append(Figure(name, exact, "%", "all", 100.0, goal, at_most=False))
    return figures


def _row(name: str, values_us: list[float], goal: float) -> Figure:
    return Figure(name, sorted(values_us)[len(values_us) // 2], "us", SHARE, SHARE_US, goal)


def _run(seed: int) -> list[dict[str, Any]]:
    command = ["cargo", "run", "--release", "--quiet", "--no-default-features", "--example", "split_times", "--"]
    done = subprocess.run(
        [*command, str(PROBLEMS), str(seed)], cwd=ROOT / "core_rs", capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
