"""One controller in a real cycle: image, arbitration, a schedule below it, no devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import pytest
from simems_core import BAD, GOOD, Actuator, Channel, Clock, Cycle, Decision, ProcessImage, Snapshot, Source
from simems_edge.config.settings import parse_settings
from simems_edge.contracts import Binding, Context, Controller
from simems_edge.runtime.channels import _metric_channel as metric_channel

SECOND_NS = 1_000_000_000
METER = {"grid0/active_power_w": 0.0, "grid0/reactive_power_var": 0.0, "grid0/voltage_v": 230.0}
DEVICES = {
    "ess0/active_power_w": 0.0,
    "ess0/reactive_power_var": 0.0,
    "ess0/soc_pct": 50.0,
    "ess0/max_charge_power_w": 60_000.0,
    "ess0/max_discharge_power_w": 60_000.0,
    "pv0/active_power_w": 0.0,
    "pv0/active_power_limit_w": 0.0,
    "pv0/reactive_power_var": 0.0,
}
ACTUATORS = {
    "ess0/active_power_w": (-60_000.0, 60_000.0, 0.0, "storage"),
    "pv0/active_power_limit_w": (0.0, 30_000.0, 30_000.0, "generation"),
    "ess0/reactive_power_var": (-40_000.0, 40_000.0, 0.0, "reactive"),
    "pv0/reactive_power_var": (-30_000.0, 30_000.0, 0.0, "reactive"),
}
SCHEDULE, CONTROLLER = 0, 1


@dataclass(frozen=True)
class Turn:
    """What one cycle came to."""

    decisions: Mapping[str, Decision]
    metrics: Mapping[str, float]

    def setpoint(self, address: str = "ess0/active_power_w") -> float:
        return self.decisions[address].setpoint


class ControllerBench:
    """``values`` of each cycle are published at its instant; what is not given stays."""

    def __init__(
        self,
        kind: type[Controller],
        settings: Mapping[str, Any],
        *,
        period_s: float = 0.1,
        resolution_hz: float = 0.001,
    ) -> None:
        self.kind, self.settings, self.period_s = kind, dict(settings), period_s
        self.time_ns = 0
        stale = {"stale_after_s": 2.0}
        rows = [Channel(address, **stale) for address in (*METER, *DEVICES)]
        rows.append(Channel("grid0/frequency_hz", resolution=resolution_hz, **stale))
        rows.append(Channel("breaker0/closed", kind="bool", **stale))
        for address in ACTUATORS:
            rows.append(Channel(f"{address}_setpoint", stale_after_s=float("inf")))
        rows += [metric_channel("it", metric) for metric in kind.spec.metrics]
        self.image = ProcessImage(rows)
        self.cycle = Cycle(
            self.image,
            period_s=period_s,
            sources=[Source("schedule", 3), Source("it", int(kind.spec.priority))],
            actuators=[
                Actuator(address, minimum=low, maximum=high, fallback=rest, role=role)
                for address, (low, high, rest, role) in ACTUATORS.items()
            ],
            guards=[],
            clock=Clock.simulated(0),
        )
        self.values = METER | DEVICES | {"grid0/frequency_hz": 50.0}
        self.scheduled: dict[str, float] = {}
        self.restart()

    def restart(self) -> None:
        """The controller's process begins anew; the image, and so what it retained, stays."""
        self.controller = self.kind("it", parse_settings(self.kind.Settings, self.settings))
        numbers = {address: number for number, address in enumerate(ACTUATORS)}
        outputs = {metric.name: self.image.handle(f"it/{metric.name}") for metric in self.kind.spec.metrics}
        self.controller.bind(Binding(self.image, numbers, outputs))
        handles = {self.image.handle(address): number for address, number in numbers.items()}
        self.published: dict[str, float] = {}
        self._names = {handle: name for name, handle in outputs.items()}
        self.context = Context(handles, outputs, self._publish)

    def _publish(self, handle: int, value: float, time_ns: int) -> None:
        self.published[self._names[handle]] = value
        self.image.publish(handle, value, time_ns)

    def step(self, **changes: float | None) -> Turn:
        """One cycle. ``grid0_frequency_hz=None``: no new sample; NaN: the device says it is bad."""
        silent = {name.replace("_", "/", 1) for name, value in changes.items() if value is None}
        given = {name.replace("_", "/", 1): value for name, value in changes.items() if value is not None}
        self.values |= given
        self.time_ns += round(self.period_s * SECOND_NS)
        for address, value in self.values.items():
            if address not in silent:
                quality = BAD if isnan(value) else GOOD
                self.image.publish(self.image.handle(address), value, self.time_ns, quality)
        snapshot = self.cycle.begin(self.time_ns)
        rows = self.turn(snapshot)
        numbers = {address: number for number, address in enumerate(ACTUATORS)}
        wishes = [(numbers[address], value, None, None, None) for address, value in self.scheduled.items()]
        self.cycle.propose(SCHEDULE, snapshot.cycle, wishes)
        self.cycle.propose(CONTROLLER, snapshot.cycle, rows)
        decisions = {decision.address: decision for decision in self.cycle.finish()}
        return Turn(decisions, dict(self.published))

    def turn(self, snapshot: Snapshot) -> list[Any]:
        self.context.begin(snapshot, self.period_s)
        self.controller.execute(self.context)
        return self.context.take()

    def run(self, seconds: float, **changes: float | None) -> Turn:
        """As many cycles as ``seconds`` take, the last one's turn."""
        turn = self.step(**changes)
        for _ in range(round(seconds / self.period_s) - 1):
            turn = self.step()
        return turn


@pytest.fixture(scope="session")
def benches() -> type[ControllerBench]:
    """Makes a bench: ``benches(kind, settings)``."""
    return ControllerBench
