"""The bridge's calculations: what to read, when to try again, whose setpoint still holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from simems_edge.bridges.breaker import LONGEST_WAIT_S, CircuitBreaker
from simems_edge.bridges.modbus.adu import MAX_REGISTERS
from simems_edge.bridges.modbus.plan import Words, spans
from simems_edge.bridges.poll_schedule import Schedule
from simems_edge.bridges.setpoints import LIFETIME_S, SetpointStore
from simems_edge.devices.numbers import Block


def holding(address: int, count: int, poll_s: float = 1.0) -> Block:
    return Block(None, "holding", address, count, poll_s)


@given(lengths=st.lists(st.integers(1, 400), min_size=1, max_size=12), due=st.sets(st.integers(0, 11)))
def test_spans_read_whole_models_and_never_past_one(lengths: list[int], due: set[int]) -> None:
    blocks, address = [], 40_002
    for length in lengths:
        blocks.append(holding(address, length + 2))
        address += length + 2
    wanted = [block for number, block in enumerate(blocks) if number in due]
    plan = spans(wanted)
    read = {register: register for span in plan for register in range(span.address, span.end)}
    assert sum(span.count for span in plan) == len(read), "nothing is read twice"
    assert set(read) == {r for block in wanted for r in range(block.address, block.end)}
    assert all(1 <= span.count <= MAX_REGISTERS for span in plan)
    words = Words()
    for span in plan:
        words.add(span, range(span.address, span.end))
    assert all(words.of(block) == list(range(block.address, block.end)) for block in wanted)
    assert words.of(holding(1, 2)) is None


def test_neighbours_share_a_request() -> None:
    plan = spans([holding(40_002, 68), holding(40_070, 9), holding(40_090, 5)])
    assert [(span.address, span.count) for span in plan] == [(40_002, 77), (40_090, 5)]


def test_schedule_keeps_its_phase_and_does_not_catch_up() -> None:
    fast, slow = holding(0, 1, 0.1), holding(1, 1, 1.0)
    schedule = Schedule({fast: 0.1, slow: 1.0}, 0.0)
    assert schedule.take(0.0) == (fast, slow)
    assert schedule.take(0.05) == ()
    assert schedule.take(0.13) == (fast,)
    assert schedule.next_s == 0.2
    assert schedule.take(5.0) == (fast, slow)
    assert schedule.take(5.0) == ()


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
