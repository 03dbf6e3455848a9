"""``python -m bench.beat_long``: the beat at full length: 100,000 cycles of 10 ms idle and busy, 10^6 of 1 ms."""

from __future__ import annotations

import argparse
import sys

from simems_core import BUILD_PROFILE

from bench.figure import Figure, table
from bench.figures import drift, lateness

RUNS = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.beat_long", description=__doc__)
    parser.add_argument("--lateness-cycles", type=int, default=100_000, help="cycles of 10 ms, idle and again busy")
    parser.add_argument("--drift-cycles", type=int, default=1_000_000, help="cycles of 1 ms")
    given = parser.parse_args()
    if BUILD_PROFILE != "release":
        print(f"beat_long: the core is a {BUILD_PROFILE} build; figures need a release build", file=sys.stderr)
        return 2
    rows: list[Figure] = []
    if given.lateness_cycles:
        rows += lateness.measure(given.lateness_cycles // RUNS, RUNS)
    if given.drift_cycles:
        rows += drift.measure(given.drift_cycles)
    print(table(rows))
    return int(not all(row.met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
