"""The whole way, every time-out and every abort, as tables over turns of one second."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.controllers.island.sequence import (
    ORDERS,
    Failure,
    Position,
    Seen,
    Step,
    advance,
    connected,
    resumed,
)
from simems_edge.controllers.island.settings import IslandSettings

GROUPS = 3
SETTINGS = IslandSettings.model_validate(
    {
        "grid": "grid0", "switch": "breaker0", "ess": "ess0", "detect_s": 1.0, "return_hold_s": 5.0,
        "open_timeout_s": 3.0, "shed_timeout_s": 4.0, "bond_timeout_s": 3.0, "form_timeout_s": 6.0,
        "restore_timeout_s": 30.0, "restore_interval_s": 2.0, "sync_timeout_s": 8.0, "return_timeout_s": 4.0,
        "ramp_back_s": 10.0, "overload_s": 2.0,
    }
)  # fmt: skip
CALM = Seen(
    closed=True, grid_lost=False, grid_good=True, quiet=True, bonded=False, forming=False, room=True, overload=False,
    blocked=False,
)  # fmt: skip
LOST = replace(CALM, grid_lost=True, grid_good=False)
OPEN = replace(LOST, closed=False)
BONDED = replace(OPEN, bonded=True)
FORMED = replace(BONDED, forming=True)
BACK = replace(FORMED, grid_lost=False, grid_good=True)


def after(position: Position, seen: Seen, turns: int = 1) -> Position:
    for _ in range(turns):
        position = advance(position, seen, GROUPS, 1.0, SETTINGS)
    return position


def test_the_whole_way_there_and_back() -> None:
    position = Position()
    way = [
        (CALM, 5, Step.ON_GRID),
        (LOST, 1, Step.OPENING),
        (OPEN, 1, Step.SHEDDING),
        (OPEN, 1, Step.BONDING),
        (BONDED, 1, Step.FORMING),
        (FORMED, 1, Step.RESTORING),
        (FORMED, 6, Step.ISLANDED),  # three groups, two seconds apart
        (FORMED, 100, Step.ISLANDED),
        (BACK, 4, Step.ISLANDED),  # not before the grid was good for 5 s
        (BACK, 1, Step.SYNCHRONISING),
        (BACK, 5, Step.SYNCHRONISING),  # the sync-check relay has not closed yet
        (replace(BACK, closed=True), 1, Step.RETURNING),
        (replace(BACK, closed=True, forming=False), 1, Step.RETURNING),  # still bonded
        (CALM, 1, Step.RAMPING),
        (CALM, 9, Step.RAMPING),
        (CALM, 1, Step.ON_GRID),
    ]
    for number, (seen, turns, expected) in enumerate(way):
        position = after(position, seen, turns)
        assert position.step == expected, number
        assert position.failure == Failure.NONE


@pytest.mark.parametrize(
    ("step", "seen", "timeout_s", "failure", "then"),
    [
        (Step.OPENING, LOST, 3, Failure.SWITCH_NOT_OPEN, Step.FAILED),
        (Step.OPENING, replace(LOST, closed=None), 3, Failure.SWITCH_NOT_OPEN, Step.FAILED),
        (Step.SHEDDING, replace(OPEN, quiet=False), 4, Failure.NOT_SHED, Step.FAILED),
        (Step.BONDING, OPEN, 3, Failure.NOT_BONDED, Step.FAILED),
        (Step.BONDING, replace(OPEN, bonded=None), 3, Failure.NOT_BONDED, Step.FAILED),
        (Step.FORMING, BONDED, 6, Failure.NOT_FORMED, Step.FAILED),
        (Step.FORMING, replace(BONDED, forming=None), 6, Failure.NOT_FORMED, Step.FAILED),
        (Step.RESTORING, replace(FORMED, room=False), 30, Failure.NOT_RESTORED, Step.ISLANDED),
        (Step.SYNCHRONISING, BACK, 8, Failure.NOT_SYNCHRONISED, Step.ISLANDED),
        (Step.SYNCHRONISING, replace(BACK, closed=None), 8, Failure.NOT_SYNCHRONISED, Step.ISLANDED),
        (Step.RETURNING, replace(BACK, closed=True), 4, Failure.NOT_RETURNED, Step.FAILED),
        (Step.RETURNING, replace(CALM, bonded=True), 4, Failure.NOT_RETURNED, Step.FAILED),
        (Step.RECLOSING, replace(CALM, closed=False), 8, Failure.NOT_RECLOSED, Step.FAILED),
    ],
)
def test_a_step_that_is_not_confirmed_ends_in_its_time(
    step: Step, seen: Seen, timeout_s: int, failure: Failure, then: Step
) -> None:
    waiting = after(Position(step), seen, timeout_s - 1)
    assert (waiting.step, waiting.failure) == (step, Failure.NONE)
    ended = after(waiting, seen)
    assert (ended.step, ended.failure) == (then, failure)
    assert after(ended, seen).failure == Failure.NONE, "told once; the fault latches elsewhere"


@pytest.mark.parametrize("step", [Step.RESTORING, Step.ISLANDED, Step.SYNCHRONISING])
def test_a_battery_that_stops_forming_is_a_black_island(step: Step) -> None:
    collapsed = after(Position(step, restored=2), replace(BACK, forming=False))
    assert (collapsed.step, collapsed.failure, collapsed.restored) == (Step.FAILED, Failure.COLLAPSED, 0)
    unknown = after(Position(step), replace(FORMED, forming=None))
    assert unknown.failure == Failure.NONE, "not known is not gone"
    assert unknown.step != Step.FAILED


def test_a_battery_that_ends_forming_as_the_switch_closes_has_done_right() -> None:
    closed = replace(BACK, closed=True, forming=False)
    assert after(Position(Step.SYNCHRONISING), closed).step == Step.RETURNING


def test_a_short_dip_and_an_unknown_grid_begin_nothing() -> None:
    unknown = replace(CALM, grid_lost=None, grid_good=False)
    assert after(Position(), unknown, 100).step == Step.ON_GRID
    half = advance(Position(), LOST, GROUPS, 0.5, SETTINGS)
    assert after(half, CALM, 3).lost_s == 0.0
    assert half.step == Step.ON_GRID
    assert after(Position(), replace(LOST, closed=None), 100).step == Step.ON_GRID, "no order without the contact"


def test_a_grid_that_comes_back_before_the_switch_has_opened_ends_it() -> None:
    assert after(Position(Step.OPENING), CALM).step == Step.ON_GRID


def test_a_switch_that_opened_by_itself_begins_it_too() -> None:
    assert after(Position(), replace(CALM, closed=False)).step == Step.SHEDDING
    assert after(Position(), replace(CALM, closed=False, blocked=True)).step == Step.FAILED


def test_a_latched_fault_blocks_the_next_island_not_the_way_back() -> None:
    blocked = replace(LOST, blocked=True)
    assert after(Position(), blocked, 50).step == Step.ON_GRID
    failed = Position(Step.FAILED)
    assert after(failed, replace(OPEN, blocked=True), 50).step == Step.FAILED
    good = replace(CALM, closed=False, blocked=True)
    assert after(failed, good, 5).step == Step.RECLOSING
    assert after(failed, replace(good, closed=True), 5).step == Step.RAMPING, "the switch never opened"
    assert after(failed, replace(good, closed=None), 50).step == Step.FAILED
    assert after(failed, replace(good, forming=True), 50).step == Step.FAILED, "never onto a live bus"


def test_a_grid_that_goes_again_while_synchronising_takes_the_order_back() -> None:
    assert after(Position(Step.SYNCHRONISING, in_step_s=3.0), FORMED).step == Step.ISLANDED


@pytest.mark.parametrize("step", [Step.SHEDDING, Step.BONDING, Step.FORMING, Step.RESTORING, Step.ISLANDED])
def test_a_switch_closed_by_others_ends_the_island_at_once(step: Step) -> None:
    returned = after(Position(step), replace(BACK, closed=True))
    assert returned.step == Step.RETURNING
    assert not ORDERS[returned.step].form


def test_loads_go_when_it_is_too_much_and_come_back_when_there_is_room() -> None:
    position = Position(Step.ISLANDED, restored=3)
    heavy = replace(FORMED, overload=True, room=False)
    found = []
    for _ in range(6):
        position = after(position, heavy)
        found.append(position.restored)
    assert found == [3, 2, 2, 1, 1, 0], "2 s each"
    assert after(position, replace(FORMED, room=False), 20).restored == 0
    assert after(position, FORMED, 6).restored == 3


def test_started_in_the_middle_it_goes_on_by_the_contacts() -> None:
    assert resumed(FORMED, GROUPS) == Position(Step.ISLANDED, restored=GROUPS)
    assert resumed(OPEN, GROUPS).step == Step.SHEDDING
    assert resumed(CALM, GROUPS).step == Step.ON_GRID


truth = st.sampled_from([True, False, None])
sight = st.builds(
    Seen, closed=truth, grid_lost=truth, grid_good=st.booleans(), quiet=st.booleans(), bonded=truth, forming=truth,
    room=st.booleans(), overload=st.booleans(), blocked=st.booleans(),
)  # fmt: skip


@given(st.lists(st.tuples(sight, st.sampled_from([0.1, 1.0, 7.0])), max_size=60))
def test_whatever_is_seen_it_never_asks_against_a_device(turns: list[tuple[Seen, float]]) -> None:
    """Closing is asked only on a grid, or onto one that was good for its time; forming never while it is closed."""
    position = Position()
    good_s = 0.0
    for seen, dt_s in turns:
        before, position = position, advance(position, seen, GROUPS, dt_s, SETTINGS)
        good_s = good_s + dt_s if seen.grid_good else 0.0
        if position.step != before.step and position.step in (Step.SYNCHRONISING, Step.RECLOSING):
            assert good_s >= SETTINGS.return_hold_s - 1e-9
        if position.step in (Step.BONDING, Step.FORMING, Step.RESTORING, Step.ISLANDED):
            assert seen.closed is not True
        if position.step == Step.FORMING and before.step != Step.FORMING:
            assert seen.bonded is True
        assert 0 <= connected(position, GROUPS) <= GROUPS
        assert (position.failure == Failure.NONE) or position.step in (Step.FAILED, Step.ISLANDED)
