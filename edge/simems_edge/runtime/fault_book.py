"""The faults of a site as people see them: which stand, since when, may they be cleared. The cycle decides; this tells.

What latched is made durable before it is told, and a clear before it acts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from uuid import uuid4

from simems_core import Clock, CoreError, States
from simems_core.wire import Event

from simems_edge.runtime.action_log import ActionLog
from simems_edge.runtime.fault_plan import EDGE, PlannedFault
from simems_edge.runtime.fault_store import FaultStore, FaultStoreError, LatchedFault

log = logging.getLogger(__name__)
STORE_DAMAGED = f"fault_store_damaged:{EDGE}"
RAISED = frozenset({"active", "waiting"})


class FaultRefusedError(ValueError):
    """A clear that is not allowed; the message says why."""


@dataclass(frozen=True)
class StandingFault:
    """One that is raised now."""

    planned: PlannedFault
    occurrence: str
    raised_us: int
    clearable: bool
    """Its cause is gone and it waits for a person."""


@dataclass(frozen=True)
class _Record:
    occurrence: str
    raised_us: int


class FaultBook:
    """Thread-safe. Without a store nothing survives (replay, simulation)."""

    def __init__(
        self,
        plan: Sequence[PlannedFault],
        states: States,
        clock: Clock,
        store: FaultStore | None,
        *,
        on_event: Callable[[Event], None],
    ) -> None:
        self._plan = plan
        self._states = states
        self._store = store
        self._log = ActionLog(clock, on_event)
        self._lock = Lock()
        self._records: dict[int, _Record] = {}
        self._saved: list[LatchedFault] | None = None
        """What the file holds; None when that is not certain."""
        self._seen = -1
        self._codes: tuple[int, tuple[str, ...]] = (-1, ())
        """Those of this revision of the states."""
        self.store_error: str | None = None
        """Why what latched is not durable now; None when it is."""
        self.damage = ""
        """What was wrong with the file at the start."""
        self._restore()

    # ---- after a restart

    def _restore(self) -> None:
        if self._store is None:
            return
        try:
            stored = self._store.load()
        except FaultStoreError as error:
            self._distrust(str(error))
            return
        self._saved = stored
        numbers = {planned.id: number for number, planned in enumerate(self._plan)}
        for fault in stored:
            if fault.id in numbers:
                self._records[numbers[fault.id]] = _Record(fault.occurrence, fault.raised_us)
                self._states.raise_(numbers[fault.id])
            else:
                self._distrust(f"it names {fault.id}, a fault that this site does not have")

    def _distrust(self, reason: str) -> None:
        self.damage = reason
        log.error("the record of latched faults cannot be trusted", extra={"reason": reason})
        self._states.raise_(self._number(STORE_DAMAGED))

    def _number(self, fault_id: str) -> int:
        return next(number for number, planned in enumerate(self._plan) if planned.id == fault_id)

    # ---- now

    def codes(self) -> list[str]:
        """Codes of the faults that stand, each once, in the catalogue's order."""
        revision = self._states.revision
        if revision != self._codes[0]:
            raised = (p.code for n, p in enumerate(self._plan) if self._states.phase(n) in RAISED)
            self._codes = (revision, tuple(dict.fromkeys(raised)))
        return list(self._codes[1])

    @property
    def relief(self) -> bool:
        """A fault asks for loads to be shed and generation to be curtailed."""
        return self._states.relief

    def standing(self) -> list[StandingFault]:
        """Those that stand and were kept."""
        with self._lock:
            records = list(self._records.items())
        return [self._standing(number, record) for number, record in records]

    def _standing(self, number: int, record: _Record) -> StandingFault:
        waits = self._states.phase(number) == "waiting"
        return StandingFault(self._plan[number], record.occurrence, record.raised_us, waits)

    def keep(self, time_us: int) -> None:
        """Note what the cycle raised and took back, and make what latched durable. Cheap when nothing changed."""
        revision = self._states.revision
        if revision == self._seen and self.store_error is None:
            return
        with self._lock:
            raised = {number for number in range(len(self._plan)) if self._states.phase(number) in RAISED}
            records = {number: self._records.get(number) or _Record(uuid4().hex, time_us) for number in sorted(raised)}
            self._save(records)
            self._records = records
        self._seen = revision

    def _save(self, records: dict[int, _Record]) -> None:
        """A disk that refuses is told and tried again; the fault itself stands in the cycle."""
        try:
            self._write(records)
        except OSError as error:
            if self.store_error is None:
                log.exception("latched faults not saved")
            self.store_error = error.strerror or str(error)
        else:
            self.store_error = None

    def _write(self, records: dict[int, _Record]) -> None:
        latched = [
            LatchedFault(self._plan[number].id, record.occurrence, record.raised_us)
            for number, record in sorted(records.items())
            if self._plan[number].definition.latch
        ]
        if self._store is not None and latched != self._saved:
            self._saved = None
            self._store.save(latched)
            self._saved = latched

    # ---- a person clears

    def clear(self, code: str, actor: str) -> list[str]:
        """Ids of what was cleared. ``code``: of one or several components, or ``code:component``.

        KeyError for a code that this site does not have; FaultRefusedError when it does not stand, when its cause
        stands, or when the clear cannot be made durable.
        """
        matching = [n for n, p in enumerate(self._plan) if code in (p.code, p.id)]
        if not matching:
            raise KeyError(code)
        try:
            cleared = self._clear(code, [n for n in matching if self._states.phase(n) in RAISED])
        except FaultRefusedError as error:
            component = self._plan[matching[0]].component
            self._log.tell("fault.clear_refused", component, f"{code} not cleared: {error}", actor)
            raise
        for planned in cleared:
            self._log.tell("fault.cleared", planned.component, f"Fault {planned.id} cleared", actor)
        return [planned.id for planned in cleared]

    def _clear(self, code: str, numbers: Sequence[int]) -> list[PlannedFault]:
        if not numbers:
            raise FaultRefusedError(f"fault {code} does not stand")
        for number in numbers:
            if self._states.phase(number) != "waiting":
                raise FaultRefusedError(self._plan[number].refusal)
        with self._lock:
            self._forget_durably(numbers)
            return [self._plan[number] for number in numbers if self._lift(number)]

    def _forget_durably(self, numbers: Sequence[int]) -> None:
        left = {number: record for number, record in self._records.items() if number not in numbers}
        try:
            self._write(left)
        except OSError as error:
            raise FaultRefusedError(f"the clear cannot be saved ({error.strerror}); check the disk") from error

    def _lift(self, number: int) -> bool:
        """The cause may have come back this instant: then the fault stands, and is kept again."""
        try:
            self._states.clear(number)
        except CoreError as error:
            self._save(self._records)
            raise FaultRefusedError(str(error)) from error
        self._records.pop(number, None)
        return True
