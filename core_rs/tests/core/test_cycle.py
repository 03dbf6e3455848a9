"""Cycle, decisions and recorder as Python sees them."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from math import inf, nan

import numpy as np
import pytest
from simems_core import (
    CYCLE_CHANNELS,
    GOOD,
    MANUAL,
    Actuator,
    Channel,
    Clock,
    CoreError,
    Cycle,
    Decision,
    Guard,
    ProcessImage,
    Recorder,
    Source,
)

ESS = "ess0/active_power_w"
STEP_NS = 100_000_000
SELF, OPERATOR, DROOP = range(3)
Row = tuple[int, float | None, float | None, float | None, float | None]
MakeCycle = Callable[..., Cycle]


def step(cycle: Cycle, *proposals: tuple[int, list[Row]]) -> Decision:
    snapshot = cycle.begin((cycle.number + 1) * STEP_NS)
    for source, rows in proposals:
        assert cycle.propose(source, snapshot.cycle, rows)
    (decision,) = cycle.finish()
    return decision


def want(preferred: float) -> list[Row]:
    return [(0, preferred, None, None, None)]


def test_decisions_say_who_and_what_moved_them(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.simulated(0))
    decision = step(cycle, (SELF, want(4000.0)), (DROOP, [(0, None, -1000.0, 2500.0, None)]))
    assert (decision.address, decision.setpoint, decision.source, decision.bound) == (ESS, 2500.0, "self0", "droop0")
    assert decision.reason == "self0; bound: droop0"
    assert cycle.reason_labels()[decision.reason_code] == decision.reason
    assert step(cycle, (OPERATOR, want(9000.0))).reason == "operator; bound: rating"
    assert step(cycle, (OPERATOR, []), (SELF, []), (DROOP, [])).reason == "fallback"
    offset = step(cycle, (SELF, want(100.0)), (DROOP, [(0, None, None, None, 50.0)]))
    assert (offset.setpoint, offset.reason) == (150.0, "self0")


def test_setpoint_and_reason_become_channels(make_cycle: MakeCycle, small_image: ProcessImage) -> None:
    cycle = make_cycle(Clock.simulated(0))
    decision = step(cycle, (SELF, want(1234.5)))
    snapshot = cycle.begin(2 * STEP_NS)
    assert snapshot.value(small_image.handle(f"{ESS}_setpoint")) == 1234.5
    assert snapshot.value(small_image.handle(f"{ESS}_reason")) == decision.reason_code
    assert ("cycle/count", "") in CYCLE_CHANNELS


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_withdraws_and_never_reaches_a_setpoint(make_cycle: MakeCycle, value: float) -> None:
    cycle = make_cycle(Clock.simulated(0))
    assert step(cycle, (SELF, want(10.0))).setpoint == 10.0
    snapshot = cycle.begin(10 * STEP_NS)
    with pytest.raises(CoreError, match="preferred must be a finite number"):
        cycle.propose(SELF, snapshot.cycle, want(value))
    assert cycle.finish()[0].reason == "fallback"


def test_rows_of_the_wrong_type_withdraw(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.simulated(0))
    assert step(cycle, (SELF, want(10.0))).setpoint == 10.0
    snapshot = cycle.begin(10 * STEP_NS)
    with pytest.raises(CoreError, match=r"rows of \(actuator, preferred, lower, upper, offset\)"):
        cycle.propose(SELF, snapshot.cycle, [(0, "much", None, None, None)])  # type: ignore[list-item]  # on purpose
    assert cycle.finish()[0].setpoint == 0.0


def test_a_silent_source_lives_out_its_lifetime(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.simulated(0))
    setpoints = [step(cycle, (SELF, want(10.0))).setpoint, *(step(cycle).setpoint for _ in range(4))]
    assert setpoints == [10.0, 10.0, 10.0, 10.0, 0.0]


def test_late_proposals_count_from_the_next_cycle(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.simulated(0))
    step(cycle)
    assert cycle.propose(SELF, 1, want(7.0)) is False
    assert cycle.statistics().late_proposals == 1
    assert step(cycle).setpoint == 7.0


def test_guards_hold_against_a_person(make_cycle: MakeCycle, small_image: ProcessImage) -> None:
    guards = [
        Guard.soc(ESS, soc="ess0/soc_pct", minimum_pct=10.0, maximum_pct=95.0),
        Guard.stop(ESS, channel="site/estop"),
        Guard.grid([ESS], grid="grid0/active_power_w", measured=[ESS], import_limit_w=3000.0, export_limit_w=1000.0),
    ]
    assert [guard.id for guard in guards] == ["soc:ess0", "stop:ess0", "grid:grid0"]
    cycle = make_cycle(Clock.simulated(0), guards=guards)

    def decide(grid_w: float, soc_pct: float, estop: float, preferred: float) -> tuple[float, str | None]:
        small_image.publish_many([0, 1, 2, 3], [grid_w, 0.0, soc_pct, estop], cycle.number * STEP_NS)
        decision = step(cycle, (OPERATOR, want(preferred)))
        return decision.setpoint, decision.bound

    assert decide(2000.0, 50.0, 0.0, 2500.0) == (2500.0, None)
    assert decide(2000.0, 50.0, 0.0, 4000.0) == (3000.0, "grid:grid0")
    assert decide(2000.0, 10.0, 0.0, 2500.0) == (0.0, "soc:ess0")
    assert decide(2000.0, nan, 0.0, 2500.0) == (0.0, "soc:ess0")
    assert decide(2000.0, 50.0, 1.0, -100.0) == (0.0, "stop:ess0")
    assert decide(5000.0, 50.0, 0.0, 0.0) == (2000.0, "grid:grid0")
    assert decide(nan, 50.0, 0.0, 100.0) == (0.0, "grid:grid0")


def test_the_grid_guard_closes_on_lost_data_and_then_counts_what_the_battery_did_meanwhile(
    make_cycle: MakeCycle, small_image: ProcessImage
) -> None:
    guard = Guard.grid([ESS], grid="grid0/active_power_w", measured=[ESS], import_limit_w=3000.0, export_limit_w=3000.0)
    cycle = make_cycle(Clock.simulated(0), guards=[guard])

    def decide(grid_w: float, ess_w: float) -> float:
        small_image.publish_many([0, 1], [grid_w, ess_w], cycle.number * STEP_NS)
        return step(cycle).setpoint

    assert decide(6000.0, 0.0) == 3000.0
    assert decide(5990.0, 3000.0) == 3000.0, "the late meter still shows the battery at rest"
    assert [decide(3000.0, nan), decide(nan, 3000.0), decide(nan, 0.0)] == [0.0, 0.0, 0.0]
    assert decide(3005.0, 0.0) == 3005.0, "perhaps a sample from when the battery gave 3000 W"
    assert decide(6005.0, 3005.0) == 3005.0


def test_an_image_has_one_owner(make_cycle: MakeCycle, small_image: ProcessImage) -> None:
    cycle = make_cycle(Clock.simulated(0))
    with pytest.raises(CoreError, match="owns this image"):
        small_image.latch(1)
    with pytest.raises(CoreError, match="owns this image"):
        make_cycle(Clock.simulated(0))
    with pytest.raises(CoreError, match="simulated clock cannot run a thread"):
        cycle.start()
    cycle.stop()
    small_image.latch(1)


def test_wrong_order_of_steps(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.simulated(0))
    assert cycle.decisions() == []
    with pytest.raises(CoreError, match="no cycle was begun"):
        cycle.finish()
    cycle.begin(5)
    with pytest.raises(CoreError, match="finish it first"):
        cycle.begin(6)


def test_the_thread_beats_while_python_hogs_the_gil(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.monotonic(), period_s=0.005)
    cycle.start()
    assert cycle.wait(0, 5.0) is not None
    before, deadline = cycle.statistics(), time.monotonic() + 0.3
    while time.monotonic() < deadline:
        sum(range(1000))
    after = cycle.statistics()
    beats = after.cycles + after.skipped - before.cycles - before.skipped
    assert beats >= 50
    assert after.work_us_max >= after.work_us_p99 >= after.work_us_p50 > 0.0
    cycle.stop()
    assert not cycle.running


def test_controllers_and_bridges_meet_in_threads(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.monotonic(), period_s=0.01)
    seen: list[tuple[int, float]] = []

    def control() -> None:
        number = 0
        while (snapshot := cycle.wait(number, 5.0)) is not None:
            number = snapshot.cycle
            cycle.propose(SELF, number, want(float(number)))

    def write() -> None:
        number = 0
        while len(seen) < 20 and (found := cycle.wait_decisions(number, 5.0)) is not None:
            number = found[0]
            seen.append((number, found[1][0].setpoint))

    threads = [threading.Thread(target=control), threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    cycle.start()
    threads[1].join(20)
    cycle.stop()
    threads[0].join(5)
    assert not threads[0].is_alive(), "a stop wakes who waits"
    assert len(seen) == 20
    assert all(0.0 <= number - setpoint <= 3.0 for number, setpoint in seen if setpoint)


def test_waiting_ends_with_its_time(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.simulated(0))
    assert cycle.wait(0, 0.01) is None
    step(cycle)
    found = cycle.wait(0, 0.0)
    assert found is not None
    assert found.cycle == 1
    assert cycle.wait_decisions(1, 0.0) is None
    with pytest.raises(CoreError, match="timeout_s"):
        cycle.wait(0, nan)


def test_recorder_rows(make_cycle: MakeCycle, small_image: ProcessImage) -> None:
    cycle = make_cycle(Clock.simulated(0))
    recorder = Recorder(small_image, [1, 0], interval_s=1.0, capacity=8)
    cycle.attach(recorder)
    assert recorder.drain().values.shape == (0, 2)
    for n in range(1, 50):
        small_image.publish(0, float(n), n * STEP_NS)
        step(cycle)
    rows = recorder.drain()
    assert rows.times_ns.tolist() == [n * STEP_NS for n in (1, 10, 20, 30, 40)]
    assert np.asarray(rows.values)[:, 1].tolist() == [1.0, 10.0, 20.0, 30.0, 40.0]
    assert np.asarray(rows.qualities)[:, 1].tolist() == [GOOD] * 5
    assert (rows.count, recorder.drain().count, recorder.lost, recorder.handles) == (5, 0, 0, [1, 0])


def test_setpoint_ramp(small_image: ProcessImage) -> None:
    actuator = Actuator(ESS, minimum=-5000.0, maximum=5000.0, ramp_per_s=1000.0)
    cycle = Cycle(
        small_image,
        period_s=0.1,
        sources=[Source("operator", MANUAL, lifetime_cycles=1)],
        actuators=[actuator],
        guards=[],
        clock=Clock.simulated(0),
    )
    decisions = [step(cycle, (0, want(250.0))) for _ in range(3)]
    assert [decision.setpoint for decision in decisions] == [100.0, 200.0, 250.0]
    assert decisions[0].reason == "operator; bound: ramp"
    assert [step(cycle).setpoint for _ in range(2)] == [250.0, 0.0], "the fallback is not ramped"


def test_what_the_machine_grants_is_told_when_start_returns(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.monotonic())
    assert cycle.grants() == {"realtime": None, "memory": None, "cpu": None}
    cycle.start(priority=0, cpu=1023)
    assert cycle.grants() == {"realtime": None, "memory": None, "cpu": errno.EINVAL}
    assert (cycle.statistics().realtime, cycle.statistics().memory_locked) == (False, False)
    assert cycle.wait(0, 5.0) is not None, "it beats all the same"
    cycle.stop()


def test_each_statistic_is_a_channel_of_the_same_name_and_value(make_cycle: MakeCycle) -> None:
    channels = [Channel(address, unit=unit, stale_after_s=inf) for address, unit in CYCLE_CHANNELS]
    image = ProcessImage([Channel("grid0/active_power_w"), *channels])
    cycle = Cycle(image, period_s=0.005, sources=[], actuators=[], guards=[], clock=Clock.monotonic())
    cycle.watch([0])
    image.publish(0, 1.0, Clock.monotonic().now_ns())
    cycle.start()
    count = image.handle("cycle/count")
    snapshot = cycle.wait(0, 5.0)
    while snapshot is not None and not snapshot.value(count) > 1:
        snapshot = cycle.wait(snapshot.cycle, 5.0)
    cycle.stop()
    assert snapshot is not None
    statistics = cycle.statistics()
    for address, _ in CYCLE_CHANNELS:
        name = address.removeprefix("cycle/").replace("count", "cycles")
        value, now = snapshot.value(image.handle(address)), getattr(statistics, name)
        assert value <= now or "_p" in name or name == "input_age_s_max", address
    for phase in ("latch", "guard", "publish"):
        assert 0.0 < getattr(statistics, f"{phase}_us_p50") <= getattr(statistics, f"{phase}_us_p99")
    assert 0.0 < statistics.input_age_s_p50 <= statistics.input_age_s_max < 60.0


def test_stepping_by_hand_measures_no_time(make_cycle: MakeCycle) -> None:
    cycle = make_cycle(Clock.simulated(0))
    for _ in range(30):
        step(cycle)
    statistics = cycle.statistics()
    names = [address.removeprefix("cycle/") for address, unit in CYCLE_CHANNELS if unit == "us"]
    assert {getattr(statistics, name) for name in names} == {0.0}
