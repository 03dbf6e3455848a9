"""The sequence as data: steps, what ends each, how long it may take, what follows then. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, Protocol


class Step(IntEnum):
    ON_GRID = 0
    OPENING = 1
    SHEDDING = 2
    BONDING = 3
    FORMING = 4
    RESTORING = 5
    ISLANDED = 6
    SYNCHRONISING = 7
    RETURNING = 8
    RAMPING = 9
    FAILED = 10
    RECLOSING = 11


class Failure(IntEnum):
    """What did not happen in time; 0: nothing."""

    NONE = 0
    SWITCH_NOT_OPEN = 1
    NOT_SHED = 2
    NOT_BONDED = 3
    NOT_FORMED = 4
    NOT_RESTORED = 5
    COLLAPSED = 6
    NOT_SYNCHRONISED = 7
    NOT_RETURNED = 8
    NOT_RAMPED = 9
    NOT_RECLOSED = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """What the inputs say in one turn. None: not known."""

    closed: bool | None
    """The contact of the switch."""
    grid_lost: bool | None
    """Voltage or frequency of the grid outside the loss window."""
    grid_good: bool
    """Inside the return window; not known: no."""
    quiet: bool
    """Chargers and solar power stand at rest; not known: no."""
    bonded: bool | None
    """The neutral is earthed, by its contact."""
    forming: bool | None
    """The battery makes the voltage, and voltage and frequency are right."""
    room: bool
    """The battery can bear one more group of loads; not known: no."""
    overload: bool
    blocked: bool
    """A fault of an earlier sequence waits for its clear."""


class Times(Protocol):
    """Of the settings, in s."""

    @property
    def detect_s(self) -> float: ...
    @property
    def return_hold_s(self) -> float: ...
    @property
    def restore_interval_s(self) -> float: ...
    @property
    def overload_s(self) -> float: ...
    def timeout_s(self, step: Step) -> float:
        """Of a step of the table."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the sequence is. Times in s."""

    step: Step = Step.ON_GRID
    in_step_s: float = 0.0
    lost_s: float = 0.0
    good_s: float = 0.0
    restored: int = 0
    """Groups of loads that are connected, in their order."""
    since_restore_s: float = 0.0
    overload_s: float = 0.0
    failure: Failure = Failure.NONE
    """Of the last turn only: the fault latches elsewhere."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``done`` ends the step in ``then``; after its time-out ``otherwise`` follows with ``failure``."""

    done: Callable[[Seen], bool]
    then: Step
    otherwise: Step
    failure: Failure


TABLE: Final[dict[Step, Rule]] = {
    Step.OPENING: Rule(lambda s: s.closed is False, Step.SHEDDING, Step.FAILED, Failure.SWITCH_NOT_OPEN),
    Step.SHEDDING: Rule(lambda s: s.quiet, Step.BONDING, Step.FAILED, Failure.NOT_SHED),
    Step.BONDING: Rule(lambda s: s.bonded is True, Step.FORMING, Step.FAILED, Failure.NOT_BONDED),
    Step.FORMING: Rule(lambda s: s.forming is True, Step.RESTORING, Step.FAILED, Failure.NOT_FORMED),
    Step.SYNCHRONISING: Rule(lambda s: s.closed is True, Step.RETURNING, Step.ISLANDED, Failure.NOT_SYNCHRONISED),
    Step.RETURNING: Rule(
        lambda s: s.forming is False and s.bonded is not True, Step.RAMPING, Step.FAILED, Failure.NOT_RETURNED
    ),
    Step.RECLOSING: Rule(lambda s: s.closed is True, Step.RAMPING, Step.FAILED, Failure.NOT_RECLOSED),
}
"""Steps that wait for a confirmation."""
APART: Final = frozenset({Step.SHEDDING, Step.BONDING, Step.FORMING, Step.RESTORING, Step.ISLANDED, Step.SYNCHRONISING})
"""The switch is open and must stay so (in SYNCHRONISING: until it confirms)."""
ALIVE: Final = frozenset({Step.RESTORING, Step.ISLANDED, Step.SYNCHRONISING})
"""The battery carries the site."""


def advance(position: Position, seen: Seen, groups: int, dt_s: float, times: Times) -> Position:
    """One turn. ``groups``: of loads, that are restored one after the other."""
    now = _timed(position, seen, dt_s)
    after = _next(now, seen, groups, times)
    return after if after.step == now.step else replace(after, in_step_s=0.0)


def _timed(position: Position, seen: Seen, dt_s: float) -> Position:
    return replace(
        position,
        in_step_s=position.in_step_s + dt_s,
        lost_s=_lasting(position.lost_s, seen.grid_lost, dt_s),
        good_s=position.good_s + dt_s if seen.grid_good else 0.0,
        since_restore_s=position.since_restore_s + dt_s,
        overload_s=position.overload_s + dt_s if seen.overload else 0.0,
        failure=Failure.NONE,
    )


def _lasting(lasted_s: float, holds: bool | None, dt_s: float) -> float:
    """What is not known neither counts nor takes back what was counted."""
    if holds is None:
        return lasted_s
    return lasted_s + dt_s if holds else 0.0


def _next(now: Position, seen: Seen, groups: int, times: Times) -> Position:
    interrupted = _interrupted(now, seen)
    if interrupted is not None:
        return interrupted
    if now.step in (Step.RESTORING, Step.ISLANDED):
        return _carry(now, seen, groups, times)
    return _HANDLERS.get(now.step, _confirm)(now, seen, times)


def _interrupted(now: Position, seen: Seen) -> Position | None:
    """What ends a step at once, whatever it waits for."""
    if now.step in APART and seen.closed is True and now.step != Step.SYNCHRONISING:
        # Somebody else closed it: the site is on the grid, the battery must not go on forming.
        return replace(now, step=Step.RETURNING)
    if now.step in ALIVE and seen.forming is False and seen.closed is not True:
        return _fail(now, Step.FAILED, Failure.COLLAPSED)
    if now.step == Step.OPENING and seen.grid_good and seen.closed is True:
        return replace(now, step=Step.ON_GRID)
    return None


def _fail(now: Position, step: Step, failure: Failure) -> Position:
    restored = 0 if step == Step.FAILED else now.restored
    return replace(now, step=step, failure=failure, restored=restored)


def _watch(now: Position, seen: Seen, times: Times) -> Position:
    """A loss, or a switch that opened by itself, begins the sequence, unless a fault waits for its clear."""
    if seen.closed is False:
        return replace(now, step=Step.FAILED if seen.blocked else Step.SHEDDING, restored=0)
    if now.lost_s >= times.detect_s and seen.closed is True and not seen.blocked:
        return replace(now, step=Step.OPENING)
    return now


def _confirm(now: Position, seen: Seen, times: Times) -> Position:
    rule = TABLE[now.step]
    if now.step == Step.SYNCHRONISING and not seen.grid_good and seen.closed is not True:
        return replace(now, step=Step.ISLANDED)
    if rule.done(seen):
        return replace(now, step=rule.then, since_restore_s=0.0)
    if now.in_step_s >= times.timeout_s(now.step):
        # After a failed try the grid must be good for its whole time again.
        return replace(_fail(now, rule.otherwise, rule.failure), good_s=0.0)
    return now


def _carry(now: Position, seen: Seen, groups: int, times: Times) -> Position:
    """Loads come back one group at a time while there is room, and go in the opposite order when there is not."""
    if now.good_s >= times.return_hold_s and seen.closed is False and not seen.blocked:
        return replace(now, step=Step.SYNCHRONISING)
    if now.overload_s >= times.overload_s and now.restored > 0:
        return replace(now, restored=now.restored - 1, overload_s=0.0, since_restore_s=0.0)
    if now.restored < groups and seen.room and now.since_restore_s >= times.restore_interval_s:
        now = replace(now, restored=now.restored + 1, since_restore_s=0.0)
    if now.step == Step.RESTORING and now.restored == groups:
        return replace(now, step=Step.ISLANDED)
    if now.step == Step.RESTORING and now.in_step_s >= times.timeout_s(Step.RESTORING):
        return _fail(now, Step.ISLANDED, Failure.NOT_RESTORED)
    return now


def _ramp(now: Position, seen: Seen, times: Times) -> Position:
    if seen.closed is False:
        return _fail(now, Step.FAILED, Failure.NOT_RAMPED)
    return replace(now, step=Step.ON_GRID, lost_s=0.0) if now.in_step_s >= times.timeout_s(Step.RAMPING) else now


def _wait(now: Position, seen: Seen, times: Times) -> Position:
    """Nothing is tried again but the way back to a good grid, onto a dead bus."""
    if now.good_s < times.return_hold_s or seen.closed is None or seen.forming is True:
        return now
    return replace(now, step=Step.RAMPING if seen.closed else Step.RECLOSING)


_HANDLERS: Final[dict[Step, Callable[[Position, Seen, Times], Position]]] = {
    Step.ON_GRID: _watch,
    Step.RAMPING: _ramp,
    Step.FAILED: _wait,
}


@dataclass(frozen=True, slots=True)
class Orders:
    """What a step asks for. None: nothing is asked, the device stays as it is."""

    closed: bool | None
    form: bool
    bond: bool
    pv: bool
    """Solar power is released; else held at 0."""
    evcs: bool
    """The same of chargers."""


ORDERS: Final[dict[Step, Orders]] = {
    Step.ON_GRID: Orders(closed=True, form=False, bond=False, pv=True, evcs=True),
    Step.OPENING: Orders(closed=False, form=False, bond=False, pv=True, evcs=True),
    Step.SHEDDING: Orders(closed=False, form=False, bond=False, pv=False, evcs=False),
    Step.BONDING: Orders(closed=False, form=False, bond=True, pv=False, evcs=False),
    Step.FORMING: Orders(closed=False, form=True, bond=True, pv=False, evcs=False),
    Step.RESTORING: Orders(closed=False, form=True, bond=True, pv=False, evcs=False),
    Step.ISLANDED: Orders(closed=False, form=True, bond=True, pv=True, evcs=False),
    Step.SYNCHRONISING: Orders(closed=True, form=True, bond=True, pv=True, evcs=False),
    Step.RETURNING: Orders(closed=True, form=False, bond=False, pv=True, evcs=False),
    Step.RAMPING: Orders(closed=True, form=False, bond=False, pv=True, evcs=True),
    Step.FAILED: Orders(closed=None, form=False, bond=False, pv=False, evcs=False),
    Step.RECLOSING: Orders(closed=True, form=False, bond=False, pv=False, evcs=False),
}


def resumed(seen: Seen, groups: int) -> Position:
    """Where a sequence stands whose controller was started in the middle of it, told by the contacts alone."""
    if seen.closed is False and seen.forming is True:
        return Position(Step.ISLANDED, restored=groups)
    if seen.closed is False:
        return Position(Step.SHEDDING)
    return Position(Step.ON_GRID)


def connected(position: Position, groups: int) -> int:
    """How many groups of loads are connected."""
    apart = position.step in APART or position.step in (Step.FAILED, Step.RECLOSING)
    return position.restored if apart else groups
