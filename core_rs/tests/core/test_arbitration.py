"""Reserves, clusters and shared limits, as Python sees them."""

from __future__ import annotations

import pytest
from simems_core import (
    GRID,
    OPTIMISATION,
    Actuator,
    Channel,
    Clock,
    Cluster,
    CoreError,
    Cycle,
    Guard,
    ProcessImage,
    Source,
)

STEP_NS = 100_000_000
DROOP, PLAN = 0, 1
A, B, Q, ALL = range(4)


def made(**more: object) -> tuple[Cycle, ProcessImage]:
    image = ProcessImage([Channel(name) for name in ("a/p", "b/p", "a/q", "all/p", "a/soc", "b/soc")])
    actuators = [
        Actuator("a/p", minimum=-100.0, maximum=100.0),
        Actuator("b/p", minimum=-100.0, maximum=100.0),
        Actuator("a/q", minimum=-100.0, maximum=100.0, role="reactive"),
        Actuator("all/p", minimum=-200.0, maximum=200.0, role="group"),
    ]
    sources = [Source("droop", GRID), Source("plan", OPTIMISATION)]
    settings: dict[str, object] = {"guards": [], **more}
    cycle = Cycle(
        image,
        period_s=0.1,
        sources=sources,
        actuators=actuators,
        clock=Clock.simulated(0),
        **settings,  # type: ignore[arg-type]
    )
    return cycle, image


def step(cycle: Cycle, number: int, **rows: list[tuple[float | None, ...]]) -> list[tuple[float, str]]:
    cycle.begin(number * STEP_NS)
    for name, source in (("droop", DROOP), ("plan", PLAN)):
        cycle.propose(source, number, rows.get(name, []))  # type: ignore[arg-type]
    return [(decision.setpoint, decision.reason) for decision in cycle.finish()]


def test_a_reserve_keeps_headroom_for_its_offset() -> None:
    cycle, _ = made()
    plan: list[tuple[float | None, ...]] = [(A, 95.0, None, None, None)]
    assert step(cycle, 1, plan=plan)[A] == (95.0, "plan")
    assert step(cycle, 2, plan=plan, droop=[(A, None, None, None, 0.0, 30.0, 30.0)])[A] == (70.0, "plan; bound: droop")
    assert step(cycle, 3, plan=plan, droop=[(A, None, None, None, 30.0, 30.0, 30.0)])[A][0] == 100.0
    cycle.begin(4 * STEP_NS)
    with pytest.raises(CoreError, match="reserve_up must be 0 or more"):
        cycle.propose(DROOP, 4, [(A, None, None, None, None, -1.0, 0.0)])
    with pytest.raises(CoreError, match="rows of"):
        cycle.propose(DROOP, 4, [(A, None, None, None, None, 1.0)])  # type: ignore[list-item]


def test_a_cluster_and_a_cap_and_a_circle() -> None:
    cluster = Cluster.balanced(
        "store", target="all/p", members=["a/p", "b/p"], soc=["a/soc", "b/soc"], capacity_wh=[1, 1]
    )
    cap = Guard.cap("feeder", actuators=["a/p", "b/p"], lower=-90.0, upper=90.0)
    circle = Guard.circle("a/p", "a/q", rating_va=50.0, reactive_first=True)
    assert (cluster.id, cap.id, circle.id) == ("cluster:store", "cap:feeder", "circle:a")
    cycle, image = made(guards=[cap, circle], clusters=[cluster])
    image.publish_many([4, 5], [60.0, 20.0], 0)
    decided = step(cycle, 1, plan=[(ALL, 80.0, None, None, None), (Q, 30.0, None, None, None)])
    assert decided[Q] == (30.0, "plan")
    assert decided[A] == (40.0, "plan; bound: circle:a"), "reactive power keeps its value: 40 of 50 VA are left"
    assert decided[B] == (30.0, "plan; bound: cluster:store"), "what a alone could not give within 50 VA"
    assert decided[ALL] == (70.0, "plan; bound: cluster:store"), "what the members bring after all guards"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Actuator("a", minimum=-1.0, maximum=1.0, role="load"), "cannot go below 0"),
        (lambda: Actuator("a", minimum=0.0, maximum=1.0, role="dancer"), "is no role"),
        (lambda: Actuator("a", minimum=0.0, maximum=1.0, minimum_on=2.0), "minimum_on must be"),
        (lambda: Guard.cap("x", actuators=["a"], lower=1.0, upper=2.0), "lower <= 0 <= upper"),
        (lambda: Guard.circle("a", "b"), "give one"),
        (lambda: Cluster.weighted("x", target="t", members=[]), "needs a name"),
        (lambda: Cluster.weighted("x", target="t", members=["a"], weights=[-1.0]), "weight above 0"),
    ],
)
def test_nonsense_is_refused(make: object, message: str) -> None:
    with pytest.raises(CoreError, match=message):
        make()  # type: ignore[operator]


def test_a_phase_guard_needs_what_tells_its_reactive_power() -> None:
    three = ("m/1", "m/2", "m/3")
    with pytest.raises(CoreError, match="give one"):
        Guard.phases(["a/p"], power=three, voltage=three, measured=["a/p"], phases=[[1]], limit_a=16.0)
    with pytest.raises(CoreError, match="phases that it stands on"):
        Guard.phases(["a/p"], power=three, voltage=three, current=three, measured=["a/p"], phases=[[4]], limit_a=16.0)
    guard = Guard.phases(
        ["a/p"], power=three, voltage=three, current=three, measured=["a/p"], phases=[[1]], limit_a=16.0
    )
    assert guard.id == "phase:m"
