"""A cycle and a controller in a process of its own: what it may do, and what its death costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence

import pytest
from simems_core import Actuator, Channel, Clock, CoreError, Cycle, CycleGuest, ProcessImage, Source

PERIOD_S = 0.01
PATIENCE_S = 20.0
ATTACHED = """
import os, signal, sys, time
from simems_core import CycleGuest
guest = CycleGuest(*map(int, sys.argv[1:4]))
print("attached", flush=True)
after = 0
while not guest.stopped:
    snapshot = guest.wait(after, 1.0)
    if snapshot is None:
        continue
    after = snapshot.cycle
"""


def source(name: str) -> Source:
    return Source(name, 3, lifetime_cycles=3)


def cycle_of(image: ProcessImage, clock: Clock) -> Cycle:
    return Cycle(
        image,
        period_s=PERIOD_S,
        sources=[source("here"), source("there")],
        actuators=[Actuator("ess0/p", minimum=-10.0, maximum=10.0, fallback=1.0)],
        guards=[],
        clock=clock,
        desks=[([1], [image.handle("there/metric")])],
    )


@pytest.fixture
def image() -> ProcessImage:
    return ProcessImage([Channel("ess0/p"), Channel("ess0/p_setpoint"), Channel("there/metric")], shared=True)


@pytest.fixture
def cycle(image: ProcessImage) -> Iterator[Cycle]:
    running = cycle_of(image, Clock.monotonic())
    running.start()
    yield running
    running.stop()


def attach(cycle: Cycle, body: str) -> subprocess.Popen[str]:
    files = cycle.desk_files(0)
    code = ATTACHED + textwrap.indent(textwrap.dedent(body), "    ")
    command = [sys.executable, "-c", code, *map(str, files)]
    child = subprocess.Popen(command, pass_fds=files, stdout=subprocess.PIPE, text=True)
    for file in files:
        os.close(file)
    assert child.stdout is not None
    assert child.stdout.readline() == "attached\n"
    return child


def wait_setpoint(cycle: Cycle, wanted: float) -> None:
    deadline = time.monotonic() + PATIENCE_S
    after = cycle.number
    while time.monotonic() < deadline:
        decided = cycle.wait_decisions(after, 1.0)
        if decided is not None:
            after = decided[0]
            if decided[1][0].setpoint == wanted:
                return
    pytest.fail(f"the setpoint never became {wanted}")


def cycles_at(cycle: Cycle, wanted: float) -> int:
    """How many cycles in a row still decide ``wanted``, from now on."""
    after, seen = cycle.number, 0
    while (decided := cycle.wait_decisions(after, 1.0)) is not None and decided[1][0].setpoint == wanted:
        after = decided[0]
        seen += 1
    return seen


def test_a_process_proposes_and_publishes(cycle: Cycle, image: ProcessImage) -> None:
    child = attach(
        cycle, "guest.propose(0, after, [(0, 5.0, None, None, None)]); guest.publish(2, 7.0, snapshot.time_ns)"
    )
    wait_setpoint(cycle, 5.0)
    deadline = time.monotonic() + PATIENCE_S
    while image.snapshot().value(2) != 7.0:
        assert time.monotonic() < deadline
        cycle.wait(cycle.number, 1.0)
    cycle.stop()
    assert child.wait(PATIENCE_S) == 0, "it sees that the cycle stopped"


def test_its_death_is_outlived_by_its_proposals_for_their_lifetime_only(cycle: Cycle) -> None:
    for number in (1, 2):
        child = attach(cycle, "guest.propose(0, after, [(0, 5.0, None, None, None)])")
        wait_setpoint(cycle, 5.0)
        child.kill()
        child.wait(PATIENCE_S)
        assert cycles_at(cycle, 5.0) <= 5, "lifetime and the cycle it died in"
        assert cycle.decisions()[0].reason == "fallback", number
        cycle.mend_desk(0)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("import ctypes; ctypes.memset(memoryview_address(snapshot), 0, 8)", None),
    ],
    ids=["segfault", "writes into what it only reads"],
)
def test_a_process_that_scribbles_harms_only_itself(cycle: Cycle, body: str, expected: int | None) -> None:
    address = """
    import numpy
    def memoryview_address(snapshot):
        return numpy.asarray(snapshot.values).__array_interface__["data"][0]
    """
    child = attach(cycle, textwrap.dedent(address) + body)
    code = child.wait(PATIENCE_S)
    assert code == expected if expected is not None else code < 0
    before = cycle.statistics().cycles
    assert cycle.wait(cycle.number + 3, 2.0) is not None
    assert cycle.statistics().cycles > before


def test_the_cycle_waits_only_for_who_is_expected(image: ProcessImage) -> None:
    with_nobody = cycle_of(image, Clock.monotonic())
    with_nobody.start()
    with_nobody.expect_desk(0, True)
    child = attach(with_nobody, "guest.propose(0, after, [])")
    deadline = time.monotonic() + PATIENCE_S
    while with_nobody.answered_by(0) == 0:
        assert time.monotonic() < deadline
        with_nobody.wait(with_nobody.number, 1.0)
    child.kill()
    child.wait(PATIENCE_S)
    with_nobody.mend_desk(0)
    assert with_nobody.answered_by(0) == 0
    with_nobody.stop()


def test_what_is_not_allowed_is_refused(image: ProcessImage) -> None:
    stepped = cycle_of(image, Clock.simulated(0))
    guest = CycleGuest(*stepped.desk_files(0))
    stepped.begin(1_000_000)
    refused: Sequence[tuple[str, object]] = [
        ("is not of this desk", lambda: guest.publish(0, 1.0, 0)),
        ("may only read", lambda: guest.image.publish(0, 1.0, 0)),
        ("latches it", lambda: guest.image.latch(2)),
        ("process proposes", lambda: stepped.propose(1, 1, [])),
        ("no open descriptor", lambda: CycleGuest(-1, -1, -1)),
        ("desk 1", lambda: stepped.desk_files(1)),
        ("rows of", lambda: guest.propose(0, 1, [("x",)])),  # type: ignore[list-item]
        ("of one process alone", lambda: cycle_of(ProcessImage(image.channels), Clock.simulated(0))),
    ]
    for words, act in refused:
        with pytest.raises(CoreError, match=words):
            act()  # type: ignore[operator]
