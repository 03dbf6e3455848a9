"""One process per controller: started, watched, killed when it gives no sign of life, started again with back-off."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Event as Flag
from threading import Lock, Thread
from time import monotonic

from simems_core import Clock, Cycle, ProcessImage, Snapshot

from simems_edge.contracts import Controller
from simems_edge.hosts.post import Limits
from simems_edge.hosts.ward import Ward

log = logging.getLogger(__name__)
LOOK_S = 0.05
STOP_S = 5.0


class ProcessHosts:
    """Controller ``n`` sits at desk ``n`` of the cycle, alone. Thread-safe."""

    def __init__(
        self,
        controllers: Sequence[Controller],
        image: ProcessImage,
        cycle: Cycle,
        actuators: Sequence[str],
        period_s: float,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._image = image
        self._cycle = cycle
        self._clock = clock
        self._lock = Lock()
        self._failing: dict[str, str] = {}
        self._failures = [0] * len(controllers)
        self._channels = [image.handle(f"{controller.id}/failures") for controller in controllers]
        numbers = {address: number for number, address in enumerate(actuators)}
        self.wards = [
            Ward(desk, controller, cycle, numbers, period_s, limits, self._teller(desk, controller.id))
            for desk, controller in enumerate(controllers)
        ]
        self._stopping = Flag()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Starts all and watches them from a thread."""
        self._thread = Thread(target=self._watch, name="hosts", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Idempotent; every process ends."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
            self._thread = None
        for ward in self.wards:
            ward.end()

    def wait(self, after: int, timeout_s: float) -> Snapshot | None:
        """The first snapshot newer than ``after``; None on time-out or stop."""
        return self._cycle.wait(after, timeout_s)

    def turn(self, _snapshot: Snapshot) -> None:
        """Nothing to do: each process takes its own turns."""

    def failing(self) -> Mapping[str, str]:
        """Controller id -> why it has no turns now."""
        with self._lock:
            return dict(self._failing)

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_S):
            for ward in self.wards:
                try:
                    ward.look(monotonic())
                except Exception:
                    log.exception("a controller's process cannot be watched", extra={"controller": ward.controller.id})

    def _teller(self, number: int, controller_id: str) -> Callable[[str | None, int], None]:
        def tell(failing: str | None, lost: int) -> None:
            with self._lock:
                if failing is None:
                    self._failing.pop(controller_id, None)
                else:
                    self._failing[controller_id] = failing
                self._failures[number] += lost
                total = self._failures[number]
            self._image.publish(self._channels[number], float(total), self._clock.now_ns())

        return tell
