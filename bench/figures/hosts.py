"""A turn of a controller: core -> controller -> core, beside two bare processes that wake each other.

Twenty channels are read, five proposals made, by an ordinary controller in Python. The time is the cycle's own: from
the wake-up of whoever waits for the snapshot until it has its answer. Both sides sleep between turns, as on a site.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from simems_core import Actuator, Channel, Clock, Cycle, ProcessImage, Source, ping_pong_us
from simems_edge.contracts import Binding, Context, Controller, ControllerSettings, Priority, Spec
from simems_edge.hosts import Limits, LocalHost, ProcessHosts

from bench.figure import Figure

INPUTS = 20
OUTPUTS = [f"out{number}/p" for number in range(5)]
PERIOD_S = 0.01
TURNS = 300
RUNS = 7
PATIENCE_S = 60.0


class Busy(Controller):
    """Reads all inputs, proposes for all actuators."""

    spec = Spec(
        type="busy",
        owner="bench/figures",
        priority=Priority.OPTIMISATION,
        control_mode="BUSY",
        safety_impact="none, a measurement",
        fallback="none, a measurement",
        inputs=(),
        outputs=(),
        metrics=(),
        acceptance=("a measurement",),
        test_plan=("bench",),
    )
    Settings = ControllerSettings

    def bind(self, binding: Binding) -> None:
        self._outputs = list(binding.actuators)
        self._inputs = range(len(self._outputs), len(self._outputs) + INPUTS)

    def execute(self, ctx: Context) -> None:
        total = sum(ctx.value(handle) or 0.0 for handle in self._inputs)
        for actuator in self._outputs:
            ctx.propose(actuator, preferred=total)


def measure() -> list[Figure]:
    apart = _median([_pair(_apart) for _ in range(RUNS)])
    within = _median([_pair(_within) for _ in range(RUNS)])
    return [
        Figure("controller's turn in its own process, p50", apart[0], "us", "bare futex ping-pong", apart[1], 3.0),
        Figure("controller's turn in this process, p50", within[0], "us", "bare futex ping-pong", within[1], 3.0),
        Figure("controller's turn in this process, p50", within[0], "us", "the goal itself", 20.0, 1.0),
    ]


def _pair(turn_us: Callable[[], float]) -> tuple[float, float]:
    """One after the other, half of the reference before and half after."""
    before = ping_pong_us(TURNS // 2, PERIOD_S)
    turn = turn_us()
    return turn, statistics.median(before + ping_pong_us(TURNS // 2, PERIOD_S))


def _median(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]


def _site(*, shared: bool) -> tuple[ProcessImage, Cycle]:
    inputs = [Channel(f"in{number}/p", stale_after_s=float("inf")) for number in range(INPUTS)]
    image = ProcessImage([*map(Channel, OUTPUTS), *inputs, Channel("busy/failures")], shared=shared)
    cycle = Cycle(
        image,
        period_s=PERIOD_S,
        sources=[Source("busy", 3)],
        actuators=[Actuator(address, minimum=-1.0, maximum=1.0) for address in OUTPUTS],
        guards=[],
        clock=Clock.monotonic(),
        propose_share=0.9,
        desks=[([0], [])] if shared else None,
    )
    return image, cycle


def _apart() -> float:
    image, cycle = _site(shared=True)
    controller = Busy("busy", ControllerSettings())
    hosts = ProcessHosts([controller], image, cycle, OUTPUTS, PERIOD_S, Clock.monotonic(), Limits())
    with _running(cycle, hosts):
        _until(lambda: hosts.wards[0].ready)
        return _turn_us(cycle)


def _within() -> float:
    image, cycle = _site(shared=False)
    host = LocalHost([Busy("busy", ControllerSettings())], image, cycle, OUTPUTS, PERIOD_S, first_source=0)
    stopping = threading.Event()

    def live() -> None:
        after = 0
        while not stopping.is_set():
            snapshot = host.wait(after, 1.0)
            if snapshot is not None:
                after = snapshot.cycle
                host.turn(snapshot)

    thread = threading.Thread(target=live)
    with _running(cycle, host):
        thread.start()
        turn_us = _turn_us(cycle)
        stopping.set()
    thread.join()
    return turn_us


@contextmanager
def _running(cycle: Cycle, host: LocalHost | ProcessHosts) -> Iterator[None]:
    cycle.start()
    host.start()
    try:
        yield
    finally:
        cycle.stop()
        host.stop()


def _turn_us(cycle: Cycle) -> float:
    """Median wait for the answers over :data:`TURNS` cycles, nearly all of them with a controller that listens."""
    start = cycle.number
    _until(lambda: cycle.number >= start + TURNS)
    return cycle.statistics().propose_wait_us_p50


def _until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError("the controller does not take its turns")
        time.sleep(0.01)
