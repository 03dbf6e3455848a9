"""A cycle of 1 ms keeps its grid: slots counted against slots that passed, also while the wall clock is stepped."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from simems_core import Clock, Cycle

from bench.figure import Figure
from bench.figures.lateness import beside, new_cycle

PERIOD_S = 0.001
CYCLES = 20_000
STEPS = 1000
RUNS = 7
STEPS_US = [sign * seconds * 1_000_000 for seconds in (1, 3600, 86_400) for sign in (1, -1)]
PATIENCE_S = 5.0


class Watched(NamedTuple):
    missed: int
    """Slots that the cycle skipped, counted."""
    bare: int
    """Slots that a bare loop missed at the same time."""
    lost: int
    """Slots of the grid that were neither a cycle nor counted as skipped, or held two."""


def measure(cycles: int = CYCLES) -> list[Figure]:
    """``cycles``: how long the grid is watched."""
    name = f"{cycles:,} cycles of 1 ms"
    return [
        *_rows(name, _watched(Clock.monotonic(), cycles, lambda _number: None)),
        *_rows(
            f"{STEPS} steps of the wall clock, median of {RUNS} runs",
            sorted(_stepped() for _ in range(RUNS))[RUNS // 2],
        ),
    ]


def _stepped() -> Watched:
    clock = Clock.stepped(1_700_000_000_000_000)
    return _watched(clock, 2 * STEPS, lambda number: step(clock, number))


def _rows(name: str, watched: Watched) -> list[Figure]:
    return [
        Figure(f"{name}: slots of the grid not accounted for", float(watched.lost), "slots", "none", 1.0, 0.0),
        Figure(f"{name}: slots missed", float(watched.missed), "slots", "bare loop, plus 1", watched.bare + 1.0, 2.0),
    ]


def step(clock: Clock, number: int) -> None:
    """One step of the wall clock every other cycle: +-1 s, +-1 h, +-1 day."""
    if number % 2 == 0:
        clock.set_wall(clock.utc_us(clock.now_ns()) + STEPS_US[number // 2 % len(STEPS_US)])


def _watched(clock: Clock, cycles: int, each: Callable[[int], None]) -> Watched:
    cycle = new_cycle(PERIOD_S, clock)
    cycle.start()
    bare = beside(PERIOD_S, cycles)
    first_slot, first = _steady(cycle)
    while cycle.number < first + cycles:
        snapshot = cycle.wait(cycle.number, PATIENCE_S)
        if snapshot is None:
            raise RuntimeError("the cycle stands still")
        each(snapshot.cycle)
    missed = sum(int(lateness_us // (1e6 * PERIOD_S)) for lateness_us in bare())
    last_slot, last = _steady(cycle)
    cycle.stop()
    return Watched(cycle.statistics().skipped, missed, abs((last_slot - first_slot) - (last - first)))


def _steady(cycle: Cycle) -> tuple[int, int]:
    """(slot of the grid, cycles and skipped slots up to it) of one cycle, at a moment when none was just skipped."""
    while True:
        skipped = cycle.statistics().skipped
        snapshot = cycle.wait(cycle.number, PATIENCE_S)
        if snapshot is not None and cycle.statistics().skipped == skipped:
            return cycle.slot(snapshot.time_ns), snapshot.cycle + skipped
