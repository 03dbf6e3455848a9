"""How late a cycle starts, beside a bare nanosleep loop running at the same time."""

from __future__ import annotations

import statistics
import threading

from simems_core import Channel, Clock, Cycle, ProcessImage, bare_sleep_lateness

from bench.figure import Figure

PERIOD_S = 0.1
CYCLES = 100
RUNS = 7


def measure() -> list[Figure]:
    runs = [_run() for _ in range(RUNS)]
    return [
        _row("cycle of 100 ms, lateness p50", [run[0] for run in runs]),
        _row("cycle of 100 ms, lateness p99", [run[1] for run in runs]),
    ]


def _row(name: str, pairs: list[tuple[float, float]]) -> Figure:
    """The pair whose ratio is the median of all runs."""
    value, reference = sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]
    return Figure(name, value, "us", "bare clock_nanosleep, same time", reference, 2.0)


def _run() -> tuple[tuple[float, float], tuple[float, float]]:
    """((p50, bare p50), (p99, bare p99)) in microseconds over the same ten seconds."""
    cycle = _cycle()
    bare: list[float] = []
    reference = threading.Thread(target=lambda: bare.extend(bare_sleep_lateness(PERIOD_S, CYCLES)))
    cycle.start()
    reference.start()
    reference.join()
    cycle.stop()
    seen = cycle.statistics()
    centiles = statistics.quantiles(bare, n=100, method="inclusive")
    return (seen.lateness_us_p50, centiles[49]), (seen.lateness_us_p99, centiles[98])


def _cycle() -> Cycle:
    """An image of 500 channels, nobody proposing: what is measured is the wake-up."""
    channels = [Channel(f"meter{number}/active_power_w", unit="W") for number in range(500)]
    image = ProcessImage(channels)
    return Cycle(image, period_s=PERIOD_S, sources=[], actuators=[], guards=[], clock=Clock.monotonic())
