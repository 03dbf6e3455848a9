"""Manual preferences of a person: for a limited time, with a reason, above every controller and below every guard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from threading import Lock

from simems_core import Clock, Cycle, Snapshot
from simems_core.wire import Event

from simems_edge.contracts.context import Row
from simems_edge.runtime.action_log import ActionLog

NANOSECONDS = 1e9
LONGEST_S = 86_400.0


@dataclass(frozen=True)
class Override:
    """One that stands. Times are UTC in microseconds, ``value`` in the target's unit."""

    target: str
    value: float
    reason: str
    actor: str
    set_us: int
    expires_us: int
    expires_ns: int
    """On the cycle's clock: what really ends it."""


class Overrides:
    """Thread-safe. It ends by itself on the cycle's clock; the automatic modes then go on."""

    def __init__(
        self,
        actuators: Sequence[str],
        ranges: dict[str, tuple[float, float]],
        clock: Clock,
        *,
        on_event: Callable[[Event], None],
    ) -> None:
        self._numbers = {address: number for number, address in enumerate(actuators)}
        self._ranges = ranges
        self._clock = clock
        self._log = ActionLog(clock, on_event)
        self._lock = Lock()
        self._standing: dict[str, Override] = {}

    def set(self, target: str, value: float, *, duration_s: float, reason: str, actor: str) -> Override:
        """KeyError for an unknown target; ValueError for a value or a time out of range."""
        if target not in self._numbers:
            raise KeyError(f"{target} cannot be overridden; use one of {', '.join(self._numbers)}")
        self._check(target, value, duration_s)
        now_ns = self._clock.now_ns()
        expires_ns = now_ns + round(duration_s * NANOSECONDS)
        now_us = self._clock.utc_us(now_ns)
        override = Override(target, value, reason, actor, now_us, now_us + round(duration_s * 1e6), expires_ns)
        with self._lock:
            self._standing[target] = override
        text = f"{target} set to {value:g} for {duration_s:g} s: {reason}"
        self._tell("override.set", target, text, actor)
        return override

    def clear(self, target: str, actor: str) -> None:
        """KeyError when nothing stands on ``target``."""
        with self._lock:
            if self._standing.pop(target, None) is None:
                raise KeyError(f"nothing stands on {target}")
        self._tell("override.cleared", target, f"{target} given back to automatic", actor)

    def standing(self) -> list[Override]:
        with self._lock:
            return list(self._standing.values())

    def propose(self, cycle: Cycle, source: int, snapshot: Snapshot) -> None:
        """The turn of the manual source: what stands, as preferences."""
        self._expire(snapshot.time_ns)
        rows: list[Row] = [(self._numbers[o.target], o.value, None, None, None) for o in self.standing()]
        cycle.propose(source, snapshot.cycle, rows)

    def _expire(self, now_ns: int) -> None:
        with self._lock:
            ended = [o for o in self._standing.values() if o.expires_ns <= now_ns]
            for override in ended:
                del self._standing[override.target]
        for override in ended:
            self._tell("override.ended", override.target, f"{override.target} override ended", "system")

    def _check(self, target: str, value: float, duration_s: float) -> None:
        low, high = self._ranges.get(target, (float("-inf"), float("inf")))
        if not (isfinite(value) and low <= value <= high):
            raise ValueError(f"{value:g} is outside {low:g}..{high:g} of {target}")
        if not 0.0 < duration_s <= LONGEST_S:
            raise ValueError(f"a duration of {duration_s:g} s is not within 0..{LONGEST_S:g} s")

    def _tell(self, code: str, target: str, text: str, actor: str) -> None:
        self._log.tell(code, target.partition("/")[0], text, actor)
