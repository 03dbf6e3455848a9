"""The Python face of states and faults; and that the running cycle needs nobody to keep a fault."""

from __future__ import annotations

import pytest
from simems_core import (
    CONTROL_MODES,
    MANUAL,
    Actuator,
    Cause,
    Channel,
    Clock,
    CoreError,
    Cycle,
    Fault,
    ProcessImage,
    Source,
    States,
)

POWER, VOLTAGE = "ess0/active_power_w", "ess0/cell_voltage_min_v"


def watched(clock: Clock, period_s: float = 0.005) -> tuple[Cycle, ProcessImage, States]:
    image = ProcessImage([Channel(POWER, unit="W"), Channel(VOLTAGE, unit="V"), Channel("site/state", kind="enum")])
    cycle = Cycle(
        image,
        period_s=period_s,
        sources=[Source("manual", MANUAL, lifetime_cycles=1_000_000)],
        actuators=[Actuator(POWER, minimum=-1e5, maximum=1e5)],
        guards=[],
        clock=clock,
    )
    low = Fault("low:ess0", Cause.compare(VOLTAGE, "below", 2.5), reaction="block_discharge", actuators=[0], latch=True)
    states = States(
        image,
        inputs=[POWER],
        actuators=[POWER],
        source_modes=[None],
        labels={"IDLE": 0, "MANUAL": 1},
        faults=[low],
        autostart=True,
    )
    return cycle, image, states


def test_a_fault_holds_while_python_does_nothing() -> None:
    """One standing wish of 50 kW; the voltage falls; nobody takes a turn any more."""
    cycle, image, states = watched(Clock.monotonic())
    cycle.attach_states(states)
    clock = Clock.monotonic()
    image.publish_many([0, 1], [0.0, 3.3], clock.now_ns())
    cycle.start()
    try:
        snapshot = cycle.wait(0, 5.0)
        assert snapshot is not None
        cycle.propose(0, snapshot.cycle, [(0, 50_000.0, None, None, None)])
        published = cycle.wait_decisions(snapshot.cycle, 5.0)
        assert published is not None
        assert published[1][0].setpoint == 50_000.0
        image.publish(1, 2.4, clock.now_ns())
        for _ in range(200):
            published = cycle.wait_decisions(published[0], 5.0)
            assert published is not None
            if published[1][0].setpoint == 0.0:
                break
        assert (published[1][0].setpoint, published[1][0].bound) == (0.0, "fault")
        assert states.phase(0) == "active"
        image.publish(1, 3.3, clock.now_ns())
        for _ in range(100):
            published = cycle.wait_decisions(published[0], 5.0)
            assert published is not None
            assert published[1][0].setpoint == 0.0, "latched: its end does not lift it"
        states.clear(0)
        published = cycle.wait_decisions(cycle.number, 5.0)
        assert published is not None
        assert published[1][0].setpoint == 50_000.0
    finally:
        cycle.stop()


def test_states_belong_to_one_cycle_and_to_its_actuators() -> None:
    cycle, image, states = watched(Clock.simulated(0))
    cycle.attach_states(states)
    with pytest.raises(CoreError, match="attached to a cycle already"):
        cycle.attach_states(states)
    wrong = States(image, inputs=[], actuators=[], source_modes=[], labels={}, faults=[], autostart=False)
    with pytest.raises(CoreError, match="another cycle"):
        cycle.attach_states(wrong)


def test_refusals_are_core_errors() -> None:
    _, image, states = watched(Clock.simulated(0))
    assert (states.state, states.requested_mode, states.ids) == ("INIT", "AUTO", ["low:ess0"])
    for call in (
        lambda: states.phase(1),
        lambda: states.clear(0),
        lambda: states.request("trip"),
        lambda: states.request("start"),
        lambda: states.set_mode("DROOP"),
        lambda: states.set_mode("party"),
        lambda: Cause.compare(VOLTAGE, "near", 1.0),
        lambda: Fault("x", Cause.told(), reaction="dance", actuators=[], latch=True),
        lambda: Fault("x", Cause.told(), reaction="stop", actuators=[], latch=False),
    ):
        with pytest.raises(CoreError):
            call()
    assert CONTROL_MODES[0] == "AUTO"
    unknown = Fault("x", Cause.lost("no/where"), reaction="alarm", actuators=[], latch=False)
    with pytest.raises(CoreError, match="no/where"):
        States(image, inputs=[], actuators=[], source_modes=[], labels={}, faults=[unknown], autostart=False)
