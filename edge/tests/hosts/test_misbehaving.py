"""A controller in its own process may do whatever it likes: the cycle and its neighbour go on, its fallback takes over
when its last proposal has ended, the cause is told, and it comes back.

``SIMEMS_MISBEHAVIOURS=100`` is the long form (`make misbehave-long`); it prints what it counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import misbehaving
import numpy as np
import pytest
from simems_core import Actuator, Channel, Clock, Cycle, ProcessImage, Recorder, Source, bare_sleep_lateness
from simems_edge.contracts import Controller
from simems_edge.hosts import Limits, ProcessHosts

TIMES = int(os.environ.get("SIMEMS_MISBEHAVIOURS", "2"))
LONG = TIMES >= 100
"""Only then time itself is judged: beside loops that do nothing else."""
PERIOD_S = 0.02
LIFETIME = 3
FALLBACK = 1.0
PATIENCE_S = 30.0
GOES_ON = {"sleeps past the deadline", "absurd", "closes its files"}
"""It loses nothing, or little: its proposals come late, are limited, or need no file."""

TURNS_BEFORE = {"hoards snapshots": 4}
"""Turns that still go well."""
ONE_LIFE = {"raises", "raises and keeps", "NaN", "wrong type", "recurses", "sys.exit"} | GOES_ON
"""It loses turns, never its process."""


@dataclass
class Rig:
    image: ProcessImage
    cycle: Cycle
    hosts: ProcessHosts
    recorder: Recorder
    triggers: int = 0
    rows: list[np.ndarray] = field(default_factory=list)

    def wait(self, met: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not met():
            assert time.monotonic() < deadline, what
            self.cycle.wait(self.cycle.number, 1.0)

    def setpoint(self, actuator: int) -> float:
        decisions = self.cycle.decisions()
        return decisions[actuator].setpoint if decisions else float("nan")

    def trigger(self) -> None:
        self.triggers += 1
        handle = self.image.handle(misbehaving.TRIGGER)
        self.image.publish(handle, float(self.triggers), Clock.monotonic().now_ns())

    def record(self) -> np.ndarray:
        """(row, [trigger, victim's setpoint, neighbour's setpoint]) of all cycles so far."""
        self.rows.append(np.array(self.recorder.drain(100_000).values))
        return np.concatenate([rows for rows in self.rows if len(rows)])


def controllers(kind: str) -> list[Controller]:
    victim, neighbour = misbehaving.Misbehaving, misbehaving.Steady
    return [
        victim("victim", victim.Settings(actuator="ess0/p", kind=kind)),
        neighbour("neighbour", neighbour.Settings(actuator="ess1/p")),
    ]


@pytest.fixture
def rig(kind: str) -> Iterator[Rig]:
    names = ["ess0/p", "ess1/p", "ess0/p_setpoint", "ess1/p_setpoint", "cycle/count"]
    names += [f"{who}/{what}" for who in ("victim", "neighbour") for what in ("turns", "failures")]
    steady = [Channel(name, stale_after_s=float("inf")) for name in [*names, misbehaving.TRIGGER]]
    image = ProcessImage(steady, shared=True)
    actuators = ["ess0/p", "ess1/p"]
    cycle = Cycle(
        image,
        period_s=PERIOD_S,
        sources=[Source("manual", 0), Source("victim", 3, lifetime_cycles=LIFETIME), Source("neighbour", 3)],
        actuators=[Actuator(name, minimum=-10.0, maximum=10.0, fallback=FALLBACK) for name in actuators],
        guards=[],
        clock=Clock.monotonic(),
        desks=[([1], [image.handle("victim/turns")]), ([2], [image.handle("neighbour/turns")])],
    )
    watched = [misbehaving.TRIGGER, "ess0/p_setpoint", "ess1/p_setpoint"]
    recorder = Recorder(image, [image.handle(name) for name in watched], interval_s=PERIOD_S, capacity=100_000)
    cycle.attach(recorder)
    limits = Limits(memory_mb=64, silent_s=0.6, first_backoff_s=0.05, longest_backoff_s=0.1)
    hosts = ProcessHosts(controllers(kind), image, cycle, actuators, PERIOD_S, Clock.monotonic(), limits)
    made = Rig(image, cycle, hosts, recorder)
    stopping = threading.Event()
    manual = threading.Thread(target=lambda: _answer(cycle, stopping))
    cycle.start()
    manual.start()
    hosts.start()
    made.trigger()
    yield made
    stopping.set()
    manual.join()
    cycle.stop()
    hosts.stop()


def _answer(cycle: Cycle, stopping: threading.Event) -> None:
    """The manual source answers each cycle, as the runtime does."""
    after = 0
    while not stopping.is_set():
        snapshot = cycle.wait(after, 0.2)
        if snapshot is not None:
            after = snapshot.cycle
            cycle.propose(0, after, [])


def both_ready(rig: Rig) -> bool:
    settled = [rig.setpoint(0), rig.setpoint(1)] == [misbehaving.WANTED] * 2
    return settled and all(ward.ready for ward in rig.hosts.wards) and "victim" not in rig.hosts.failing()


@pytest.mark.alone
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", misbehaving.KINDS)
def test_whatever_one_does_costs_only_itself(rig: Rig, kind: str) -> None:
    rig.wait(lambda: both_ready(rig), "both propose")
    born, beside = (ward.pid for ward in rig.hosts.wards)
    first_row = len(rig.record())
    skipped, bare = rig.cycle.statistics().skipped, list[float]()
    counting = threading.Thread(target=lambda: bare.extend(_bare(rig)))
    counting.start()
    ordinary = Ordinary()
    causes = [misbehave(rig, kind) for _ in range(TIMES)]
    counting.join()
    rows = rig.record()[first_row - 1 :]
    lost = int((rows[2:, 2] != misbehaving.WANTED).sum())
    starved_beside = sum(late_s > LIFETIME * PERIOD_S for late_s in ordinary.lateness())
    if LONG:
        assert lost == 0 or starved_beside > 0, "the neighbour's proposals ended, a plain loop beside it had its turns"
    assert rig.hosts.wards[1].pid == beside, "the neighbour was not touched"
    if kind in ONE_LIFE:
        assert rig.hosts.wards[0].pid == born
    starved = [gap for gap in gaps_to_fallback(rows) if gap is not None]
    if kind not in GOES_ON:
        assert len(starved) == TIMES
        assert max(starved) <= LIFETIME + 2 + TURNS_BEFORE.get(kind, 0), starved
    reference = sum(late > PERIOD_S * 1e6 for late in bare)
    print(  # noqa: T201 - the long form's figures
        f"\n{kind}: {TIMES} times, {len(rows)} cycles, missed {rig.cycle.statistics().skipped - skipped}"
        f" (bare loop beside it {reference} of {len(bare)}), neighbour's proposals ended in {lost}"
        f" (plain loop beside it starved {starved_beside} times), fallback after at most"
        f" {max(starved, default=0)} cycles; {causes[-1]}"
    )


class Ordinary:
    """A process of the ordinary policy that only sleeps: when it is starved, so may the neighbour be."""

    CODE = """
import sys, time
period_s, due = float(sys.argv[1]), time.monotonic()
while True:
    due = max(due + period_s, time.monotonic())
    time.sleep(max(0.0, due - time.monotonic()))
    late_s = time.monotonic() - due
    if late_s > period_s:
        print(late_s, flush=True)
"""

    def __init__(self) -> None:
        command = [sys.executable, "-c", self.CODE, str(PERIOD_S)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def lateness(self) -> list[float]:
        """How late it was where it was later than a period, in s; ends it."""
        self._process.kill()
        told, _ = self._process.communicate()
        return [float(line) for line in told.splitlines() if line]


def _bare(rig: Rig) -> list[float]:
    """A loop that only sleeps, beside all that, for as long as it takes at least."""
    return bare_sleep_lateness(PERIOD_S, max(50, round(TIMES * 1.0 / PERIOD_S)))


def misbehave(rig: Rig, kind: str) -> str:
    """Once, until all is well again; what was told of it."""
    rig.wait(lambda: both_ready(rig), f"all is well before {kind}")
    failures = rig.image.handle("victim/failures")
    before = rig.image.snapshot().value(failures)
    rig.trigger()
    told = ""
    if kind not in GOES_ON:
        rig.wait(lambda: not rig.image.snapshot().value(failures) <= before, f"{kind} is counted")
        told = rig.hosts.failing().get("victim", "")
    else:
        number = rig.cycle.number
        rig.wait(lambda: rig.cycle.number > number + 6, "cycles go on")
    rig.wait(lambda: both_ready(rig), f"it comes back after {kind}")
    return told


def gaps_to_fallback(rows: np.ndarray) -> list[int | None]:
    """For each trigger: cycles from the first that saw it to the first decided without the victim."""
    seen = np.flatnonzero(np.diff(rows[:, 0]) > 0) + 1
    gaps: list[int | None] = []
    for start, end in zip(seen, [*seen[1:], len(rows)], strict=True):
        without = np.flatnonzero(rows[start:end, 1] != misbehaving.WANTED)
        # A setpoint is seen in the snapshot of the next cycle.
        gaps.append(int(without[0]) - 1 if len(without) else None)
    return gaps
