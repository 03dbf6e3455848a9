"""Runs many cases over several processes and reports: `make safety-long` (CASES=100000 JOBS=2)."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field

from proof_case import CYCLES, Result, prepared, run_case

SHORT = 16
BATCH = 50


@dataclass
class Report:
    cases: int = 0
    cycles: int = 0
    setpoints: int = 0
    latched: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.cases += 1
        self.cycles += result.cycles
        self.setpoints += result.decisions
        self.latched += result.latched
        self.violations += result.violations


def judged(seeds: Iterable[int], cycles: int) -> Report:
    """These seeds, in this process."""
    report = Report()
    with prepared():
        for seed in seeds:
            report.add(run_case(seed, cycles))
    return report


def _batch(first: int, count: int, cycles: int) -> Report:
    return judged(range(first, first + count), cycles)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    parser.add_argument("--cycles", type=int, default=CYCLES)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--within", type=float, default=float("inf"), help="begin no new batch after so many s")
    options = parser.parse_args()
    started_s, total, told = time.monotonic(), Report(), 0
    starts = iter(range(options.first, options.first + options.cases, BATCH))
    with ProcessPoolExecutor(options.jobs) as pool:
        running: set[Future[Report]] = set()
        while True:
            while len(running) < options.jobs and time.monotonic() - started_s < options.within:
                first = next(starts, None)
                if first is None:
                    break
                count = min(BATCH, options.first + options.cases - first)
                running.add(pool.submit(_batch, first, count, options.cycles))
            if not running:
                break
            done = {future for future in running if future.done()} or {next(iter(running))}
            for future in done:
                running.discard(future)
                _merge(total, future.result())
            sys.stderr.write(_line(total, time.monotonic() - started_s))
            sys.stderr.writelines(f"{text}\n" for text in total.violations[told:])
            sys.stderr.flush()
            told = len(total.violations)
    sys.stdout.write(json.dumps({**vars(total), "violations": total.violations[:20]}, indent=2) + "\n")
    return int(bool(total.violations))


def _merge(total: Report, part: Report) -> None:
    total.cases += part.cases
    total.cycles += part.cycles
    total.setpoints += part.setpoints
    total.latched += part.latched
    total.violations += part.violations


def _line(total: Report, elapsed_s: float) -> str:
    return (
        f"{total.cases} cases, {total.cycles} cycles, {total.setpoints} setpoints, {total.latched} latched faults, "
        f"{len(total.violations)} violations, {elapsed_s:.0f} s\n"
    )


if __name__ == "__main__":
    sys.exit(main())
