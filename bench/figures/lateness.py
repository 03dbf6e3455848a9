"""How late a cycle of 10 ms begins, beside a bare nanosleep loop of the same policy at the same time; idle and busy."""

from __future__ import annotations

import multiprocessing
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager as Load
from contextlib import contextmanager, nullcontext

from simems_core import Channel, Clock, Cycle, ProcessImage, bare_sleep_lateness

from bench.figure import Figure

PERIOD_S = 0.01
CYCLES = 500
RUNS = 7
HOGS = 2
Times = tuple[float, float, float]
"""p50, p99.9 and largest, in microseconds."""
Pair = tuple[Times, Times]


def measure(cycles: int = CYCLES, runs: int = RUNS) -> list[Figure]:
    """``cycles``: of each of the ``runs``, paired."""
    return [*_rows("idle", nullcontext, cycles, runs), *_rows(f"with {HOGS} CPU hogs", hogs, cycles, runs)]


def _rows(what: str, load: Callable[[], Load[None]], cycles: int, runs: int) -> list[Figure]:
    pairs = [_run(load, cycles) for _ in range(runs)]
    return [
        _row(f"cycle of 10 ms {what}, lateness p50", [(cycle[0], bare[0]) for cycle, bare in pairs], 1.5),
        _row(f"cycle of 10 ms {what}, lateness p99.9", [(cycle[1], bare[1]) for cycle, bare in pairs], 2.0),
    ]


def _row(name: str, pairs: list[tuple[float, float]], goal: float) -> Figure:
    """The pair whose ratio is the median of all runs."""
    value, reference = sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]
    return Figure(name, value, "us", "bare clock_nanosleep, same policy and time", reference, goal)


def _run(load: Callable[[], Load[None]], cycles: int) -> Pair:
    cycle = new_cycle(PERIOD_S, Clock.monotonic())
    with load():
        cycle.start()
        bare = beside(PERIOD_S, cycles)()
        cycle.stop()
    seen = cycle.statistics()
    return (seen.lateness_us_p50, seen.lateness_us_p999, seen.lateness_us_max), _times(bare)


def _times(bare: list[float]) -> Times:
    per_mille = statistics.quantiles(bare, n=1000, method="inclusive")
    return per_mille[499], per_mille[998], max(bare)


def beside(period_s: float, cycles: int) -> Callable[[], list[float]]:
    """Starts the bare loop; the call waits for it and gives its lateness of each turn in microseconds."""
    bare: list[float] = []
    thread = threading.Thread(target=lambda: bare.extend(bare_sleep_lateness(period_s, cycles)))
    thread.start()

    def join() -> list[float]:
        thread.join()
        return bare

    return join


def new_cycle(period_s: float, clock: Clock) -> Cycle:
    """An image of 500 channels, nobody proposing: what is measured is the beat itself."""
    channels = [Channel(f"meter{number}/active_power_w", unit="W") for number in range(500)]
    return Cycle(ProcessImage(channels), period_s=period_s, sources=[], actuators=[], guards=[], clock=clock)


@contextmanager
def hogs() -> Iterator[None]:
    """Processes that only compute; each ends with the measurement."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_hog, daemon=True) for _ in range(HOGS)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _hog() -> None:
    while True:
        sum(range(100_000))
