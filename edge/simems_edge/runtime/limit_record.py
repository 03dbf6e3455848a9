"""What must be provable of every limit and reserve call from outside: when it came, whether it was obeyed, when it
ended, and the measured power before, during and after it.

Power is sampled once a second. A limit that stands for longer than a quarter of an hour is sampled once a minute from
then on, until it changes. Entries are taken away by whoever signs and keeps them; the cycle never waits for that.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf, isnan, nan
from typing import Final

from simems_core import Clock, Snapshot

from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.outside_events import LimitNote, watched

SAMPLE_NS: Final = 1_000_000_000
AROUND: Final = 60
"""Samples before a limit came and after it ended, and of one entry."""
FINE_NS: Final = 900 * SAMPLE_NS
COARSE: Final = 60
MOST_ENTRIES: Final = 10_000
RESERVE: Final = "fast_frequency_reserve"
READY, SUPPORTING, BUFFER = 0.0, 2.0, 4.0
"""Values of the reserve's phase: a call lasts from the first after READY until BUFFER."""


@dataclass(frozen=True)
class Entry:
    """Times are UTC microseconds by the box's clock; ``power_w`` holds what was measured, None: nothing valid."""

    code: str
    what: str
    """As in :class:`LimitNote`, or ``power`` while it stands and ``after`` once it has ended."""
    time_us: int
    limit_w: float | None
    state: str
    power_w: float | None
    trace_us: list[int] = field(default_factory=list)
    trace_w: list[float | None] = field(default_factory=list)


@dataclass
class _Trace:
    """The power behind one kind of limit."""

    code: str
    power: int
    samples: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=AROUND))
    """(time, power) not yet in an entry while a limit stands; else the last minute."""
    standing: tuple[float, str] | None = None
    since_ns: int = 0
    skipped: int = 0
    after: int = 0
    """Samples still to come after the end."""


class LimitRecord:
    """Use from the thread of the turns; :meth:`take` from any."""

    def __init__(self, assembly: Assembly, clock: Clock) -> None:
        handle = assembly.image.handle
        self._clock = clock
        self._traces = {one.code: _Trace(one.code, one.power) for one in watched(assembly)}
        self._calls: list[tuple[str, int, float]] = []
        for controller in assembly.controllers:
            if controller.spec.type == RESERVE:
                ess, capacity_w = controller.settings.ess, controller.settings.capacity_w  # type: ignore[attr-defined] # of that type
                code = f"reserve_call:{controller.id}"
                self._traces[code] = _Trace(code, handle(f"{ess}/active_power_w"))
                self._calls.append((code, handle(f"{controller.id}/phase"), float(capacity_w)))
        self._phases = {code: READY for code, _, _ in self._calls}
        self._sampled_ns: int | None = None
        self._entries: deque[Entry] = deque(maxlen=MOST_ENTRIES)

    def take(self) -> list[Entry]:
        """What has come since the last call, oldest first."""
        return [self._entries.popleft() for _ in range(len(self._entries))]

    def note(self, note: LimitNote) -> None:
        """A limit changed."""
        trace = self._traces[note.code]
        samples = list(trace.samples) if note.what in ("received", "released") else []
        if note.what == "received":
            trace.standing, trace.since_ns, trace.after = (note.limit_w, note.state), note.time_ns, 0
        elif note.what == "released":
            trace.standing, trace.after = None, AROUND
        if samples:
            trace.samples.clear()
        self._add(note.code, note.what, note.time_ns, note.limit_w, note.state, note.power_w, samples)

    def update(self, snapshot: Snapshot) -> None:
        """Once a turn."""
        for code, phase, capacity_w in self._calls:
            self._call(code, snapshot.last_value(phase), capacity_w, snapshot)
        if self._sampled_ns is not None and snapshot.time_ns - self._sampled_ns < SAMPLE_NS:
            return
        self._sampled_ns = snapshot.time_ns
        for trace in self._traces.values():
            self._sample(trace, snapshot.time_ns, snapshot.value(trace.power))

    def _call(self, code: str, phase: float, capacity_w: float, snapshot: Snapshot) -> None:
        before = self._phases[code]
        if isnan(phase) or phase == before:
            return
        self._phases[code] = phase
        power_w = snapshot.value(self._traces[code].power)
        for what, happened in (
            ("received", before == READY and READY < phase < BUFFER),
            ("obeyed", phase == SUPPORTING),
            ("released", READY < before < BUFFER and (phase >= BUFFER or phase == READY)),
        ):
            if happened:
                self.note(LimitNote(code, what, snapshot.time_ns, capacity_w, f"phase {phase:g}", power_w))

    def _sample(self, trace: _Trace, time_ns: int, power_w: float) -> None:
        coarse = trace.standing is not None and time_ns - trace.since_ns > FINE_NS
        trace.skipped = (trace.skipped + 1) % COARSE if coarse else 0
        if trace.skipped:
            return
        trace.samples.append((time_ns, power_w))
        if trace.standing is not None and len(trace.samples) == AROUND:
            self._flush(trace, "power", time_ns, *trace.standing)
        elif trace.after:
            trace.after -= 1
            if trace.after == 0:
                self._flush(trace, "after", time_ns, inf, "")

    def _flush(self, trace: _Trace, what: str, time_ns: int, limit_w: float, state: str) -> None:
        samples = list(trace.samples)
        if what == "power":
            trace.samples.clear()
        self._add(trace.code, what, time_ns, limit_w, state, nan, samples)

    def _add(
        self,
        code: str,
        what: str,
        time_ns: int,
        limit_w: float,
        state: str,
        power_w: float,
        samples: list[tuple[int, float]],
    ) -> None:
        utc_us = self._clock.utc_us
        entry = Entry(
            code=code,
            what=what,
            time_us=utc_us(time_ns),
            limit_w=_known(limit_w),
            state=state,
            power_w=_known(power_w),
            trace_us=[utc_us(at_ns) for at_ns, _ in samples],
            trace_w=[_known(value) for _, value in samples],
        )
        self._entries.append(entry)


def _known(value: float) -> float | None:
    return None if isnan(value) or value == inf else value
