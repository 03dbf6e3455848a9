"""The battery estimator: time of a step beside the same filter in C; errors beside an electrochemical truth (short)."""

from __future__ import annotations

import sys
import time

import numpy as np
from simems_core import EkfBank

from bench.estimation import c_filter, dfn
from bench.estimation.chemistry import LFP, NMC
from bench.estimation.matrix import Case, identified, run, table
from bench.estimation.profiles import PROFILES
from bench.figure import Figure

CELLS = 10_000
STEPS = 10
RUNS = 7
HOURS = 4.0


def measure() -> list[Figure]:
    if not dfn.installed():
        print("bench: ekf: SKIPPED, PyBaMM is not installed (pip install -r requirements/bench.in)", file=sys.stderr)
        return []
    return [*_steps(), *_errors()]


def _steps() -> list[Figure]:
    if c_filter.compiler() is None:
        print("bench: ekf: step time SKIPPED, there is no C compiler", file=sys.stderr)
        return []
    runs = sorted((_timed() for _ in range(RUNS)), key=lambda pair: pair[0] / pair[1])
    rust_s, c_s = runs[RUNS // 2]
    return [
        Figure("EKF step of one cell", 1e9 * rust_s / CELLS, "ns", "the same filter in C", 1e9 * c_s / CELLS, 5.0),
        Figure("EKF step of 10,000 cells", 1e3 * rust_s, "ms", "a cycle of 10 ms", 10.0, 1.0),
    ]


def _timed() -> tuple[float, float]:
    """Seconds of a step of all cells: (Rust, C), one after the other on the same readings."""
    cell = identified(LFP, wrong_capacity=False)
    bank = EkfBank(cell, CELLS, initial_soc_pct=60.0, initial_sigma_pct=c_filter.SIGMA_PCT)
    reference = c_filter.CFilter(cell, CELLS, 60.0, 25.0)
    random = np.random.default_rng(5)
    taken = [0.0, 0.0]
    for _ in range(STEPS):
        current, degc = random.normal(0.0, 1.0, CELLS), np.full(CELLS, 25.0)
        voltage = 3.27 - 0.06 * current + random.normal(0.0, 0.005, CELLS)
        for number, filters in enumerate((bank, reference)):
            begin = time.perf_counter()
            filters.step(current, voltage, degc, 1.0)  # type: ignore[attr-defined]  # both have it
            taken[number] += time.perf_counter() - begin
    return taken[0] / STEPS, taken[1] / STEPS


def _errors() -> list[Figure]:
    """Four hours of two cells; the whole matrix is ``python -m bench.ekf_long``."""
    results = [run(Case(chemistry, PROFILES[0], 25.0), HOURS)[0] for chemistry in (NMC, LFP)]
    print(table(results), file=sys.stderr)
    return [
        Figure(
            f"SOC error, {result.case.name}, {HOURS:g} h",
            result.ekf,
            "points",
            "the best of look-up and counting",
            min(result.look_up, result.counting, result.counting_true_start),
            1.0,
        )
        for result in results
    ]
