"""A turn's rehearsal: no controller runs, nothing is said, and no snapshot stays held."""

from __future__ import annotations

from collections.abc import Iterator

import misbehaving
import pytest
from simems_core import Actuator, Channel, Clock, CoreError, Cycle, ProcessImage, Source
from simems_edge.hosts import LocalHost
from simems_edge.hosts.rehearsal import Rehearsal

PERIOD_S = 0.01
ACTUATOR = {0: 0}


@pytest.fixture
def image() -> ProcessImage:
    return ProcessImage([Channel("ess0/p"), Channel("steady/turns"), Channel("steady/failures")])


@pytest.fixture
def cycle(image: ProcessImage) -> Iterator[Cycle]:
    made = Cycle(
        image,
        period_s=PERIOD_S,
        sources=[Source("steady", 3)],
        actuators=[Actuator("ess0/p", minimum=-10.0, maximum=10.0, fallback=-7.0)],
        guards=[],
        clock=Clock.monotonic(),
    )
    yield made
    made.stop()


def test_it_says_nothing_and_holds_nothing(image: ProcessImage, cycle: Cycle) -> None:
    rehearsal = Rehearsal(image, ACTUATOR, cycle.rehearse)
    for number in range(1, 20):
        cycle.begin(number * 10_000_000)
        rehearsal()
        (decision,) = cycle.finish()
        assert (decision.setpoint, decision.source) == (-7.0, "fallback")
    assert cycle.statistics().late_proposals == 0


def test_what_a_proposal_would_refuse_is_refused_and_what_stood_stands(cycle: Cycle) -> None:
    cycle.begin(10_000_000)
    cycle.propose(0, 1, [(0, 3.0, None, None, None)])
    for nonsense in ([(0, float("nan"), None, None, None)], [(7, 1.0, None, None, None)], [(0,)], 5):
        with pytest.raises(CoreError):
            cycle.rehearse(nonsense)  # type: ignore[arg-type]
    assert cycle.finish()[0].setpoint == 3.0


def test_a_stepped_cycle_knows_no_vigil_and_a_time_out_must_make_sense(cycle: Cycle) -> None:
    cycle.begin(10_000_000)
    cycle.finish()
    assert not cycle.vigil(1, 60.0)
    for timeout_s in (float("nan"), -1.0):
        with pytest.raises(CoreError):
            cycle.vigil(1, timeout_s)


def test_a_host_awake_for_its_turns_gives_one_a_cycle(image: ProcessImage, cycle: Cycle) -> None:
    controller = misbehaving.Steady("steady", misbehaving.Steady.Settings(actuator="ess0/p"))
    host = LocalHost([controller], image, cycle, ["ess0/p"], PERIOD_S, first_source=0)
    cycle.start()
    seen: list[int] = []
    for _ in range(100):
        snapshot = host.wait(seen[-1] if seen else 0, 5.0)
        assert snapshot is not None
        seen.append(snapshot.cycle)
        host.turn(snapshot)
    assert seen == sorted(set(seen))
    assert not host.failing()
    cycle.stop()
    assert host.wait(seen[-1] + 1000, 5.0) is None
