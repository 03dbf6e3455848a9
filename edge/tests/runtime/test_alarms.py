"""The alarm rules and the book."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simems_core.wire import Event
from simems_edge.runtime.alarm_rules import Condition, Facts, Lateness, conditions
from simems_edge.runtime.alarms import AlarmBook

QUIET = Facts(stale={}, lost={}, problems={}, failing={}, fallback=(), over_limit_w=0.0, new_overruns=0)
LOST = Condition("communication_lost", "alarm", "grid0", "No communication with grid0")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (QUIET, []),
        (replace(QUIET, over_limit_w=None), []),
        (replace(QUIET, lost={"grid0": "timed out"}), [("communication_lost", "grid0")]),
        (replace(QUIET, stale={"pv0": ["active_power_w"]}), [("stale_data", "pv0")]),
        (replace(QUIET, problems={("ess0", "setpoint_mismatch"): "x"}), [("setpoint_mismatch", "ess0")]),
        (replace(QUIET, failing={"peak0": "KeyError: 1"}), [("controller_failing", "peak0")]),
        (replace(QUIET, not_armed={"pf0": "the meter is too slow"}), [("controller_not_armed", "pf0")]),
        (replace(QUIET, clock_known=False), [("clock_not_set", "site")]),
        (replace(QUIET, fallback=["ess0/active_power_w"]), [("fallback_active", "ess0")]),
        (replace(QUIET, over_limit_w=10.0), [("grid_limit_exceeded", "site")]),
        (replace(QUIET, new_overruns=1), [("cycle_overruns", "cycle")]),
        (replace(QUIET, lateness=Lateness(0.05, 0.05, realtime=True)), []),
        (replace(QUIET, lateness=Lateness(0.051, 0.05, realtime=True)), [("cycle_late", "cycle")]),
        (replace(QUIET, lateness=Lateness(2.0, 0.05, realtime=False)), [("cycle_late", "cycle")]),
    ],
)
def test_rules(facts: Facts, expected: list[tuple[str, str]]) -> None:
    found = conditions(facts)
    assert [(condition.code, condition.component) for condition in found] == expected
    assert all(c.text and c.cause and c.effect and c.remedy and c.severity in ("warning", "alarm") for c in found)


def test_a_late_cycle_is_told_with_both_times_and_the_policy() -> None:
    (late,) = conditions(replace(QUIET, lateness=Lateness(0.0314, 0.01, realtime=False)))
    assert "31.4 ms after its slot, more than cycle.max_lateness (10 ms)" in late.cause
    assert "SCHED_FIFO was not granted" in late.cause


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def book(events: list[Event]) -> AlarmBook:
    return AlarmBook(on_event=events.append)


def test_raised_once_and_cleared_by_itself(book: AlarmBook, events: list[Event]) -> None:
    for time_us in (1, 2, 3):
        book.update([LOST], time_us)
    book.update([], 4)
    book.update([], 5)
    assert [(e.kind, e.time_us) for e in events] == [("raised", 1), ("cleared", 4)]
    assert events[0].id == events[1].id
    (alarm,) = book.list()
    assert (alarm.raised_us, alarm.cleared_us, alarm.active) == (1, 4, False)


def test_each_occurrence_has_its_own_id(book: AlarmBook, events: list[Event]) -> None:
    for time_us, holding in enumerate([[LOST], [], [LOST], []]):
        book.update(holding, time_us)
    assert len({event.id for event in events}) == 2


def test_acknowledged_once_also_after_it_cleared(book: AlarmBook, events: list[Event]) -> None:
    book.update([LOST], 1)
    (alarm,) = book.list(active=True)
    book.acknowledge(alarm.id, "operator", 2)
    again = book.acknowledge(alarm.id, "somebody", 3)
    assert (again.acknowledged_by, again.acknowledged_us) == ("operator", 2)
    book.update([], 4)
    assert book.list(active=False)[0].acknowledged_by == "operator"
    assert [event.kind for event in events] == ["raised", "acknowledged", "cleared"]


def test_an_unknown_alarm_cannot_be_acknowledged(book: AlarmBook) -> None:
    with pytest.raises(KeyError):
        book.acknowledge("nothing", "operator", 1)
