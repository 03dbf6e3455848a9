"""What somebody outside asked, when it was obeyed and when it ended, as events: the record that it was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isnan
from typing import Final

from simems_core import Clock, Snapshot
from simems_core.wire import Event

from simems_edge.runtime.action_log import ActionLog
from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.outside import DIMMING_STATES, EXPORT_LIMIT, IMPORT_LIMIT, LIMIT_STATES

OBEY_WITHIN_NS: Final = 60_000_000_000
"""Not obeyed for so long is told once."""
RETOLD_AFTER_NS: Final = 10_000_000_000
"""A limit that moves all the time is told no more often."""
TOLERANCE_W: Final = 100.0
TOLERANCE: Final = 0.02
_ACTOR = "outside"
_NS = 1e-9


@dataclass(frozen=True)
class Watched:
    """One kind of wish. Codes of its events: ``<code>.received``, ``.obeyed``, ``.not_obeyed``, ``.released``."""

    code: str
    text: str
    state: int
    limit: int
    power: int
    sign: float
    """The power, times this, stays at or below the limit."""
    released_at_w: float
    """A limit of this or more asks for nothing."""
    labels: dict[int, str]


@dataclass(frozen=True)
class LimitNote:
    """What happened to a limit. ``power_w`` is as it was measured, in the site's sign; NaN: not known."""

    code: str
    what: str
    """``received``, ``obeyed``, ``not_obeyed`` or ``released``."""
    time_ns: int
    limit_w: float
    state: str
    power_w: float


class _Wish:
    """One wish over time."""

    def __init__(self, watched: Watched, log: ActionLog, note: Callable[[LimitNote], None]) -> None:
        self.watched = watched
        self._log = log
        self._note = note
        self._asked: tuple[int, float] | None = None
        """(state, limit in W) that stands."""
        self._since_ns = 0
        self._told = False

    def update(self, snapshot: Snapshot) -> None:
        state, limit_w = self._look(snapshot)
        asked = None if state == 0 else (state, limit_w)
        if self._differs(asked, snapshot.time_ns):
            self._change(asked, snapshot)
        elif asked is not None and not self._told:
            self._judge(limit_w, snapshot)

    def _look(self, snapshot: Snapshot) -> tuple[int, float]:
        state, limit_w = snapshot.last_value(self.watched.state), snapshot.last_value(self.watched.limit)
        if isnan(state) or isnan(limit_w) or limit_w >= self.watched.released_at_w:
            return 0, inf
        return int(state), limit_w

    def _differs(self, asked: tuple[int, float] | None, time_ns: int) -> bool:
        """Another state at once; another limit when it is another by more than the tolerance, and not all the time."""
        if asked is None or self._asked is None or asked[0] != self._asked[0]:
            return asked != self._asked
        far = abs(asked[1] - self._asked[1]) > tolerance_w(asked[1])
        return far and time_ns - self._since_ns >= RETOLD_AFTER_NS

    def _change(self, asked: tuple[int, float] | None, snapshot: Snapshot) -> None:
        self._asked, self._since_ns, self._told = asked, snapshot.time_ns, False
        if asked is None:
            self._tell("released", "released", snapshot)
        else:
            text = f"limited to {asked[1]:.0f} W ({self.watched.labels.get(asked[0], '?')})"
            self._tell("received", text, snapshot)

    def _judge(self, limit_w: float, snapshot: Snapshot) -> None:
        power_w = self.watched.sign * snapshot.value(self.watched.power)
        after_s = (snapshot.time_ns - self._since_ns) * _NS
        measured_since = snapshot.time_of(self.watched.power) > self._since_ns
        if measured_since and power_w <= limit_w + tolerance_w(limit_w):
            self._told = True
            text = f"{power_w:.0f} W of {limit_w:.0f} W, {after_s:.1f} s after it was received"
            self._tell("obeyed", text, snapshot)
        elif snapshot.time_ns - self._since_ns >= OBEY_WITHIN_NS:
            self._told = True
            text = f"{power_w:.0f} W of {limit_w:.0f} W, {after_s:.0f} s after it was received"
            self._tell("not_obeyed", text, snapshot)

    def _tell(self, what: str, text: str, snapshot: Snapshot) -> None:
        state, limit_w = self._asked if self._asked is not None else (0, inf)
        label = self.watched.labels.get(state, "?")
        power_w = snapshot.value(self.watched.power)
        self._note(LimitNote(self.watched.code, what, snapshot.time_ns, limit_w, label, power_w))
        self._log.tell(f"{self.watched.code}.{what}", "site", f"{self.watched.text}: {text}", _ACTOR)


def _nobody(_note: LimitNote) -> None:
    """No record is kept."""


def tolerance_w(limit_w: float) -> float:
    """A power this far above its limit still obeys."""
    return max(TOLERANCE_W, TOLERANCE * limit_w)


class OutsideEvents:
    """Looks once per turn at what the guards publish."""

    def __init__(
        self,
        assembly: Assembly,
        clock: Clock,
        on_event: Callable[[Event], None],
        note: Callable[[LimitNote], None] = _nobody,
    ) -> None:
        """``note`` hears of every change as well, for the signed record."""
        log = ActionLog(clock, on_event)
        self._wishes = [_Wish(one, log, note) for one in watched(assembly)]

    def update(self, snapshot: Snapshot) -> None:
        for wish in self._wishes:
            wish.update(snapshot)


def watched(assembly: Assembly) -> list[Watched]:
    """Every limit that somebody outside can give at this site."""
    handle, found = assembly.image.handle, []
    limits = assembly.site.site.grid
    if assembly.grid is not None:
        power = handle(f"{assembly.grid}/active_power_w")
        for side, address, sign, own_w in (
            ("import", IMPORT_LIMIT, 1.0, limits.import_limit_w),
            ("export", EXPORT_LIMIT, -1.0, limits.export_limit_w),
        ):
            state = handle(f"site/external_{side}_state")
            code, text = f"external_{side}_limit", f"{side.capitalize()} limit from outside"
            found.append(Watched(code, text, state, handle(address), power, sign, own_w, LIMIT_STATES))
    if assembly.site.site.dimming is not None:
        state, limit, drawn = (handle(f"site/dimming_{name}") for name in ("state", "limit_w", "power_w"))
        text = "Draw of controllable devices"
        found.append(Watched("dimming", text, state, limit, drawn, 1.0, inf, DIMMING_STATES))
    return found
