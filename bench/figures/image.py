"""The image: one latch of 10,000 channels beside a copy of the same bytes and beside Python objects; readers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from simems_core import image_times_ns

from bench.figure import Figure

CHANNELS = 10_000
ROUNDS = 100
RUNS = 7
TURNS = 5
HISTORY = 4
ACQUIRE_LIMIT_NS = 100.0


@dataclass(slots=True)
class Point:
    """A channel as one Python object: next becomes value, quality and time move along."""

    next_value: float
    next_time: int
    next_quality: int
    value: float = 0.0
    time: int = 0
    quality: int = 0
    history: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def switch(self) -> None:
        self.value, self.time, self.quality = self.next_value, self.next_time, self.next_quality

    def remember(self) -> None:
        self.history.append((self.time, self.value))


def measure() -> list[Figure]:
    points = [Point(float(number), number, 0) for number in range(CHANNELS)]
    runs = [(image_times_ns(CHANNELS, ROUNDS), _objects_us(points)) for _ in range(RUNS)]
    times, (objects_us, remembering_us) = sorted(runs, key=lambda run: run[0]["latch"] / run[0]["copy"])[RUNS // 2]
    latch_us, copy_us, unchanged_us = (times[name] / 1e3 for name in ("latch", "copy", "latch_unchanged"))
    with_history_us = latch_us + times["history"] / 1e3
    name = f"latch of {CHANNELS:,} channels"
    return [
        Figure(f"{name}, all new, until readers may have it", latch_us, "us", "copy of the same bytes", copy_us, 1.5),
        Figure(f"{name}, none new", unchanged_us, "us", "copy of the same bytes", copy_us, 1.5),
        Figure(f"{name}, all new", latch_us, "us", "one Python object per channel", objects_us, 0.1),
        Figure(
            f"{name}, all new, with its history",
            with_history_us,
            "us",
            "Python objects that remember",
            objects_us + remembering_us,
            0.1,
        ),
        Figure("a reader takes hold of a snapshot", times["acquire"], "ns", "limit", ACQUIRE_LIMIT_NS, 1.0),
    ]


def _objects_us(points: list[Point]) -> tuple[float, float]:
    """The fastest of a few turns: (switched, remembered)."""
    return _fastest_us(points, Point.switch), _fastest_us(points, Point.remember)


def _fastest_us(points: list[Point], act: Callable[[Point], None]) -> float:
    taken = []
    for _ in range(TURNS):
        begun = time.perf_counter_ns()
        for point in points:
            act(point)
        taken.append(time.perf_counter_ns() - begun)
    return min(taken) / 1e3
