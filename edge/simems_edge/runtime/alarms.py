"""The book of alarms: raised once, cleared by itself when the condition ends, acknowledged by a person."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock
from uuid import uuid4

from simems_core.wire import Event

from simems_edge.runtime.alarm_rules import Condition

REMEMBERED = 500


@dataclass(frozen=True)
class Alarm:
    """One occurrence. Times are UTC in microseconds."""

    id: str
    code: str
    severity: str
    component: str
    text: str
    cause: str
    effect: str
    remedy: str
    raised_us: int
    cleared_us: int | None = None
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None
    latched: bool = False
    """Stays until a person clears the fault of the same code."""

    @property
    def active(self) -> bool:
        return self.cleared_us is None


class AlarmBook:
    """Thread-safe. ``on_event`` gets each raised, cleared and acknowledged occurrence once, in order."""

    def __init__(self, *, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._lock = Lock()
        self._active: dict[tuple[str, str], Alarm] = {}
        self._past: deque[Alarm] = deque(maxlen=REMEMBERED)

    def update(self, conditions: Iterable[Condition], time_us: int) -> None:
        """What holds now: raises what is new, clears what is gone."""
        holding = {(condition.code, condition.component): condition for condition in conditions}
        with self._lock:
            raised = [self._raise(c, time_us) for key, c in holding.items() if key not in self._active]
            cleared = [self._clear(key, time_us) for key in list(self._active) if key not in holding]
        for alarm in raised:
            self._emit(alarm, "raised", alarm.raised_us)
        for alarm in cleared:
            self._emit(alarm, "cleared", time_us)

    def acknowledge(self, alarm_id: str, actor: str, time_us: int) -> Alarm:
        """KeyError when there is no such alarm; a second acknowledgement changes nothing."""
        with self._lock:
            alarm = self._find(alarm_id)
            if alarm.acknowledged_us is not None:
                return alarm
            known = replace(alarm, acknowledged_us=time_us, acknowledged_by=actor)
            self._replace(alarm, known)
        self._emit(known, "acknowledged", time_us, actor)
        return known

    def list(self, *, active: bool | None = None) -> list[Alarm]:
        """Newest first; ``active``: only those that stand (True), only past ones (False), all (None)."""
        with self._lock:
            every = [*self._active.values(), *self._past]
        chosen = [alarm for alarm in every if active is None or alarm.active == active]
        return sorted(chosen, key=lambda alarm: alarm.raised_us, reverse=True)

    def _raise(self, condition: Condition, time_us: int) -> Alarm:
        alarm = Alarm(
            id=condition.occurrence or uuid4().hex,
            code=condition.code,
            severity=condition.severity,
            component=condition.component,
            text=condition.text,
            cause=condition.cause,
            effect=condition.effect,
            remedy=condition.remedy,
            raised_us=condition.raised_us or time_us,
            latched=condition.latched,
        )
        self._active[condition.code, condition.component] = alarm
        return alarm

    def _clear(self, key: tuple[str, str], time_us: int) -> Alarm:
        alarm = replace(self._active.pop(key), cleared_us=time_us)
        self._past.append(alarm)
        return alarm

    def _find(self, alarm_id: str) -> Alarm:
        for alarm in (*self._active.values(), *self._past):
            if alarm.id == alarm_id:
                return alarm
        raise KeyError(alarm_id)

    def _replace(self, old: Alarm, new: Alarm) -> None:
        if old.active:
            self._active[old.code, old.component] = new
        else:
            self._past[self._past.index(old)] = new

    def _emit(self, alarm: Alarm, kind: str, time_us: int, actor: str = "") -> None:
        self._on_event(
            Event(
                id=alarm.id,
                kind=kind,
                code=alarm.code,
                severity=alarm.severity,
                component=alarm.component,
                time_us=time_us,
                text=alarm.text,
                cause=alarm.cause,
                effect=alarm.effect,
                remedy=alarm.remedy,
                actor=actor,
            )
        )
