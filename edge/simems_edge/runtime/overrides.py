"""Manual preferences of a person: for a limited time, with a role and a reason, above every controller and below every
guard.

It ends by itself on the cycle's clock, and with the process unless it was asked to outlast a restart; the actuator then
glides to whatever the automatic modes want. What cannot be read back after a restart is over, and the log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from threading import Lock

from simems_core import Clock, Cycle, Snapshot
from simems_core.wire import Event

from simems_edge.runtime.action_log import ActionLog
from simems_edge.runtime.manual_source import ManualSource
from simems_edge.runtime.override_glide import Glide
from simems_edge.runtime.override_store import Kept, OverrideStore

log = logging.getLogger(__name__)
NANOSECONDS = 1e9
LONGEST_S = 86_400.0
LONGEST_REASON = 200
OPERATOR = "operator"
ROLES = (OPERATOR, "service", "administrator")
"""Who may override. Checked where a request comes in, and here once more."""


class RoleError(ValueError):
    """A role that may not override."""


@dataclass(frozen=True)
class Override:
    """One that stands. Times are UTC in microseconds, ``value`` in the target's unit."""

    target: str
    value: float
    reason: str
    actor: str
    role: str
    outlasts_restart: bool
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
        glide: Glide | None = None,
        folder: Path | None = None,
        sequenced: frozenset[str] = frozenset(),
    ) -> None:
        """``sequenced``: what only a sequence may change (a charger's phases: never while current flows).
        ``folder``: where those that outlast a restart are kept; None: none does."""
        self._targets = tuple(actuators)
        self._source = ManualSource(actuators, glide)
        self.proposed: Mapping[str, float] = {}
        """What stood in the last cycle: target -> value."""
        self._sequenced = sequenced
        self._ranges = ranges
        self._clock = clock
        self._log = ActionLog(clock, on_event)
        self._lock = Lock()
        self._standing: dict[str, Override] = {}
        self._store = None if folder is None else OverrideStore(folder)
        self._restore()

    def set(
        self,
        target: str,
        value: float,
        *,
        duration_s: float,
        reason: str,
        actor: str,
        role: str = OPERATOR,
        outlasts_restart: bool = False,
    ) -> Override:
        """KeyError for an unknown target; ValueError for a value, a time or a reason out of range; RoleError for a
        role that may not; OSError when one that shall outlast a restart cannot be kept (nothing is set then)."""
        if role not in ROLES:
            self._tell("override.refused", target, f"{target} not set: the role {role!r} may not override", actor)
            raise RoleError(f"the role {role!r} may not override; ask one of {', '.join(ROLES)}")
        if target not in self._targets:
            raise KeyError(f"{target} cannot be overridden; use one of {', '.join(self._targets)}")
        if target in self._sequenced:
            raise ValueError(f"{target} is changed by its sequence alone, while nothing flows")
        self._check(target, value, duration_s, reason)
        now_ns = self._clock.now_ns()
        expires_ns = now_ns + round(duration_s * NANOSECONDS)
        now_us = self._clock.utc_us(now_ns)
        ends_us = now_us + round(duration_s * 1e6)
        override = Override(target, value, reason, actor, role, outlasts_restart, now_us, ends_us, expires_ns)
        with self._lock:
            after = self._standing | {target: override}
            self._keep(after)
            self._standing = after
        text = f"{target} set to {value:g} for {duration_s:g} s by {role}: {reason}"
        self._tell("override.set", target, text, actor)
        return override

    def clear(self, target: str, actor: str) -> None:
        """KeyError when nothing stands on ``target``."""
        with self._lock:
            if target not in self._standing:
                raise KeyError(f"nothing stands on {target}")
            self._end([target])
        self._tell("override.cleared", target, f"{target} given back to automatic", actor)

    def standing(self) -> list[Override]:
        with self._lock:
            return list(self._standing.values())

    def propose(self, cycle: Cycle, snapshot: Snapshot) -> None:
        """The turn of the manual source: what stands, as preferences."""
        self._expire(snapshot.time_ns)
        self.proposed = {override.target: override.value for override in self.standing()}
        self._source.propose(cycle, snapshot, self.proposed)

    def _expire(self, now_ns: int) -> None:
        with self._lock:
            ended = [o for o in self._standing.values() if o.expires_ns <= now_ns]
            if ended:
                self._end([override.target for override in ended])
        for override in ended:
            self._tell("override.ended", override.target, f"{override.target} override ended", "system")

    def _end(self, targets: Sequence[str]) -> None:
        """What ends, ends, whether or not the disk takes it: its time is over after a restart as well."""
        self._standing = {name: one for name, one in self._standing.items() if name not in targets}
        try:
            self._keep(self._standing)
        except OSError as error:
            log.warning("ended overrides cannot be taken off the disk", extra={"error": str(error)})

    def _keep(self, standing: Mapping[str, Override]) -> None:
        if self._store is not None:
            names = [field.name for field in fields(Kept)]
            kept = [Kept(**{name: getattr(o, name) for name in names}) for o in standing.values() if o.outlasts_restart]
            self._store.save(kept)

    def _restore(self) -> None:
        """Those whose time is not over by the wall clock, which must not have gone backwards meanwhile."""
        now_ns = self._clock.now_ns()
        now_us = self._clock.utc_us(now_ns)
        for kept in () if self._store is None else self._store.load():
            left_us = kept.expires_us - now_us
            known = kept.target in self._targets and kept.set_us <= now_us
            if known and 0 < left_us <= LONGEST_S * 1e6:
                values = {field.name: getattr(kept, field.name) for field in fields(Kept)}
                expires_ns = now_ns + left_us * 1000
                self._standing[kept.target] = Override(**values, outlasts_restart=True, expires_ns=expires_ns)
            else:
                log.warning("an override from before the restart is over", extra={"target": kept.target})

    def _check(self, target: str, value: float, duration_s: float, reason: str) -> None:
        if not 0 < len(reason.strip()) <= LONGEST_REASON:
            raise ValueError(f"a reason of 1 to {LONGEST_REASON} characters is needed")
        low, high = self._ranges.get(target, (float("-inf"), float("inf")))
        if not (isfinite(value) and low <= value <= high):
            raise ValueError(f"{value:g} is outside {low:g}..{high:g} of {target}")
        if not 0.0 < duration_s <= LONGEST_S:
            raise ValueError(f"a duration of {duration_s:g} s is not within 0..{LONGEST_S:g} s")

    def _tell(self, code: str, target: str, text: str, actor: str) -> None:
        self._log.tell(code, target.partition("/")[0], text, actor)
