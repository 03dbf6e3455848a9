"""All controllers in this process: one thread gives each its turn (live), or they are stepped (simulated).

Deterministic, and cheap; but one that spins, crashes or hangs takes the others, and this process, with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simems_core import Cycle, ProcessImage, Snapshot

from simems_edge.contracts import Controller
from simems_edge.contracts.context import Row
from simems_edge.hosts.seat import Failure, Seat

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Record:
    seat: Seat
    failures_channel: int
    failures: int = 0
    failing: str | None = None
    """What it raised in its last turn; None when it did not."""
    logged: set[str] = field(default_factory=set)


class LocalHost:
    """Controller ``n`` is source ``n + first_source`` of the cycle."""

    def __init__(
        self,
        controllers: Sequence[Controller],
        image: ProcessImage,
        cycle: Cycle,
        actuators: Sequence[str],
        period_s: float,
        *,
        first_source: int = 1,
    ) -> None:
        self._image = image
        self._cycle = cycle
        self._period_s = period_s
        self._numbers = {address: number for number, address in enumerate(actuators)}
        self._records = [self._record(source, c) for source, c in enumerate(controllers, start=first_source)]

    def _record(self, source: int, controller: Controller) -> _Record:
        def propose(cycle: int, rows: Sequence[Row]) -> None:
            self._cycle.propose(source, cycle, rows)

        seat = Seat(controller, self._image, self._numbers, propose, self._image.publish, self._cycle.rehearse)
        return _Record(seat, self._image.handle(f"{controller.id}/failures"))

    def start(self) -> None:
        """Nothing to start: whoever has the cycle gives the turns."""

    def stop(self) -> None:
        """Nothing to stop."""

    def wait(self, after: int, timeout_s: float) -> Snapshot | None:
        """The first snapshot newer than ``after``, awake when it comes; None on time-out or stop. For one thread."""
        if self._records and self._cycle.vigil(after, timeout_s):
            self._records[0].seat.rehearse()
        return self._cycle.wait(after, timeout_s)

    def turn(self, snapshot: Snapshot) -> None:
        """One turn of every controller on this cycle's snapshot."""
        for record in self._records:
            failure = record.seat.turn(snapshot, self._period_s)
            if failure is None:
                record.failing = None
            else:
                self._failed(record, failure, snapshot.time_ns)

    def failing(self) -> Mapping[str, str]:
        """Controller id -> what it raised in its last turn."""
        return {r.seat.controller.id: r.failing for r in self._records if r.failing is not None}

    def _failed(self, record: _Record, failure: Failure, time_ns: int) -> None:
        record.failures += 1
        record.failing = failure.text
        self._image.publish(record.failures_channel, float(record.failures), time_ns)
        if failure.kind not in record.logged:
            record.logged.add(failure.kind)
            log.error("controller failed", extra={"controller": record.seat.controller.id, "error": failure.trace})
