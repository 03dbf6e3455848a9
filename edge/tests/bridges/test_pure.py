"""The bridge's calculations: what to read, when to try again, whose setpoint still holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from simems_edge.bridges.modbus.breaker import LONGEST_WAIT_S, CircuitBreaker
from simems_edge.bridges.modbus.plan import MAX_REGISTERS, Schedule, model_registers, spans
from simems_edge.bridges.modbus.setpoints import LIFETIME_S, SetpointStore
from simems_edge.devices.sunspec import ModelBlock


@given(lengths=st.lists(st.integers(1, 400), min_size=1, max_size=12), due=st.sets(st.integers(0, 11)))
def test_spans_read_whole_models_and_never_past_one(lengths: list[int], due: set[int]) -> None:
    blocks, address = [], 40_002
    for number, length in enumerate(lengths):
        blocks.append(ModelBlock(number, address, length))
        address += length + 2
    wanted = [block for block in blocks if block.id in due]
    plan = spans(wanted)
    words = {register: register for span in plan for register in range(span.address, span.end)}
    assert sum(span.count for span in plan) == len(words), "nothing is read twice"
    assert set(words) == {r for block in wanted for r in range(block.address, block.address + block.total)}
    assert all(1 <= span.count <= MAX_REGISTERS for span in plan)
    assert all(model_registers(block, words)[0] == block.address for block in wanted)


def test_neighbours_share_a_request() -> None:
    plan = spans([ModelBlock(1, 40_002, 66), ModelBlock(713, 40_070, 7), ModelBlock(9, 40_090, 3)])
    assert [(span.address, span.count) for span in plan] == [(40_002, 77), (40_090, 5)]


def test_schedule_keeps_its_phase_and_does_not_catch_up() -> None:
    schedule = Schedule({701: 0.1, 713: 1.0}, 0.0)
    assert schedule.take(0.0) == [701, 713]
    assert schedule.take(0.05) == []
    assert schedule.take(0.13) == [701]
    assert schedule.next_s == 0.2
    assert schedule.take(5.0) == [701, 713]
    assert schedule.take(5.0) == []


def test_breaker_backs_off_with_jitter() -> None:
    breaker = CircuitBreaker(lambda: 0.5)
    breaker.failure()
    assert [breaker.open] == [False]
    assert breaker.wait_s() == 0.0
    waits = []
    for _ in range(8):
        breaker.failure()
        waits.append(breaker.wait_s())
    assert [breaker.open] == [True]
    assert waits[:3] == [0.5, 1.0, 2.0]
    assert waits[-1] == LONGEST_WAIT_S
    breaker.success()
    assert not breaker.open


def test_a_setpoint_that_nobody_repeats_dies() -> None:
    store = SetpointStore()
    store.give("ess0/active_power_w", 1.0, 100.0)
    store.give("ess0/active_power_w", 2.0, 101.0)
    assert store.alive("ess0/active_power_w", 102.0) == 2.0
    assert store.alive("ess0/active_power_w", 101.1 + LIFETIME_S) is None
    assert store.alive("pv0/active_power_limit_w", 0.0) is None
