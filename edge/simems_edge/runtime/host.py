"""Gives each controller its turn on a snapshot. What raises loses its turn, and only its own.

A controller that raised says nothing in that cycle: what it proposed before lives out its lifetime, then the
actuator's fallback holds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from simems_core import Cycle, ProcessImage, Snapshot

from simems_edge.contracts import Binding, Context, Controller, control_settings
from simems_edge.runtime.assembly import Assembly

log = logging.getLogger(__name__)
NANOSECONDS = 1e-9


@dataclass(slots=True)
class Seat:
    """One controller with its context and its record of failures."""

    controller: Controller
    source: int
    context: Context
    failures_channel: int
    failures: int = 0
    failing: str | None = None
    """What it raised in its last turn; None when it did not."""
    logged: set[str] = field(default_factory=set)


class ControllerHost:
    """Runs in one thread (live) or is stepped (simulated); the code is the same."""

    def __init__(self, assembly: Assembly) -> None:
        self._image: ProcessImage = assembly.image
        self._cycle: Cycle = assembly.cycle
        self._last_ns: int | None = None
        self._period_s = assembly.site.cycle.period_s
        numbers = {address: number for number, address in enumerate(assembly.actuators)}
        binding = Binding(assembly.image, numbers)
        self.seats = [self._seat(number, c, binding) for number, c in enumerate(assembly.controllers, start=1)]

    def _seat(self, source: int, controller: Controller, binding: Binding) -> Seat:
        names = [metric.name for metric in controller.spec.metrics]
        outputs = {name: self._image.handle(f"{controller.id}/{name}") for name in names}
        controller.bind(binding)
        context = Context(binding.actuators, outputs, self._image.publish)
        return Seat(controller, source, context, self._image.handle(f"{controller.id}/failures"))

    def publish_settings(self, time_ns: int) -> None:
        """Numbers that screens draw; once, they never go stale."""
        for seat in self.seats:
            for name, value in control_settings(seat.controller.settings).items():
                self._image.publish(self._image.handle(f"{seat.controller.id}/{name}"), value, time_ns)
            self._image.publish(seat.failures_channel, 0.0, time_ns)

    def turn(self, snapshot: Snapshot) -> None:
        """One turn of every controller on this cycle's snapshot."""
        dt_s = self._elapsed_s(snapshot.time_ns)
        for seat in self.seats:
            self._turn(seat, snapshot, dt_s)

    def failing(self) -> Mapping[str, str]:
        """Controller id -> what it raised in its last turn."""
        return {seat.controller.id: seat.failing for seat in self.seats if seat.failing is not None}

    def _elapsed_s(self, time_ns: int) -> float:
        last_ns, self._last_ns = self._last_ns, time_ns
        return self._period_s if last_ns is None else (time_ns - last_ns) * NANOSECONDS

    def _turn(self, seat: Seat, snapshot: Snapshot, dt_s: float) -> None:
        seat.context.begin(snapshot, dt_s)
        try:
            seat.controller.execute(seat.context)
            self._cycle.propose(seat.source, snapshot.cycle, seat.context.take())
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it must cost only its own turn
            self._failed(seat, error, snapshot.time_ns)
        else:
            seat.failing = None

    def _failed(self, seat: Seat, error: Exception, time_ns: int) -> None:
        seat.context.drop()
        seat.failures += 1
        seat.failing = f"{type(error).__name__}: {error}"
        self._image.publish(seat.failures_channel, float(seat.failures), time_ns)
        if type(error).__name__ not in seat.logged:
            seat.logged.add(type(error).__name__)
            log.error("controller failed", exc_info=error, extra={"controller": seat.controller.id})
