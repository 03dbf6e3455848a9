"""What the checks look at: the record, cut and compared. Pure; what costs time is calculated once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Final

import numpy as np

from simems_edge.commissioning.equipment import Device, Equipment
from simems_edge.commissioning.record import SETPOINT, Floats, Record, Stage, span
from simems_edge.commissioning.signals import NOTHING, Response, filled, response

PHASES: Final = (1, 2, 3)


class Evidence:
    """``stamps``: devices that tell the time of their values themselves."""

    def __init__(self, record: Record, equipment: Equipment, stamps: frozenset[str] = frozenset()) -> None:
        self.record = record
        self.equipment = equipment
        self.stamps = stamps
        self._responses: dict[tuple[str, str, str], Response] = {}

    # ---- reading

    @cached_property
    def reading(self) -> slice:
        """Cycles in which nothing was written."""
        stage = self.record.stage("read")
        return slice(0, 0) if stage is None else self.record.during(stage)

    def at_rest(self, address: str) -> Floats:
        """Finite values while nothing was written."""
        return self.record.seen(address, self.reading)

    def median(self, address: str) -> float:
        """At rest; NaN when nothing was read."""
        found = self.at_rest(address)
        return float(np.median(found)) if len(found) else math.nan

    def rated_w(self, battery: Device) -> float:
        """The larger of the limits that it tells; 0 when it tells none."""
        limits = [self.median(battery.address(f"max_{way}_power_w")) for way in ("charge", "discharge")]
        return max((one for one in limits if 0.0 < one < math.inf), default=0.0)

    def largest_w(self, device: Device) -> float:
        """More power than this no such device can have here."""
        rated_w = self.rated_w(device) if device.kind == "ess" else 0.0
        return 1.5 * rated_w if rated_w else 2.0 * self.equipment.connection_w

    # ---- pulses

    def tested(self, name: str = "pulses") -> list[Device]:
        """Batteries that were asked for power in such a stage."""
        return [
            b for b in self.equipment.batteries if (s := self.record.stage(name, b.id)) is not None and self._seen(s)
        ]

    def _seen(self, stage: Stage) -> bool:
        window = self.record.during(stage)
        return stage.power_w > 0.0 and window.stop - window.start >= 2

    def stage(self, battery: Device, name: str = "pulses") -> Stage:
        found = self.record.stage(name, battery.id)
        if found is None:
            raise KeyError(f"{battery.id} has no stage {name}")
        return found

    def window(self, battery: Device, name: str = "pulses") -> slice:
        """Cycles of a stage: it ends at rest, so what comes late is in it, and nothing of another stage."""
        return self.record.during(self.stage(battery, name))

    def setpoint(self, battery: Device, window: slice) -> Floats:
        return filled(self.record.values[battery.power + SETPOINT][window])

    def answer(self, battery: Device, address: str) -> Response:
        """Of any channel to this battery's setpoint, in its pulses."""
        return self._once("setpoint", battery, address, lambda window: self.setpoint(battery, window))

    def own(self, battery: Device) -> Response:
        """Of its own measured power to its setpoint."""
        return self.answer(battery, battery.power)

    def on_grid(self, battery: Device, channel: str) -> Response:
        """Of a channel of the grid meter to what all batteries really do during this battery's pulses."""
        meter = self.equipment.meter
        if meter is None:
            return NOTHING
        return self._once("power", battery, meter.address(channel), self.real_power)

    def real_power(self, window: slice) -> Floats:
        """Sum of the batteries, each by its measurement where that follows its setpoint, else by its setpoint."""
        length = len(self.record.time_s[window])
        return sum((self._real(battery, window) for battery in self.equipment.batteries), np.zeros(length))

    def _real(self, battery: Device, window: slice) -> Floats:
        if battery not in self.tested():
            return filled(self.record.values[battery.power][window])
        own = self.own(battery)
        if own.moved and abs(abs(own.gain) - 1.0) > 0.4:
            return self.setpoint(battery, window)
        return math.copysign(1.0, own.gain) * filled(self.record.values[battery.power][window])

    def _once(self, kind: str, battery: Device, address: str, signal: Callable[[slice], Floats]) -> Response:
        key = (kind, battery.id, address)
        if key not in self._responses:
            window = self.window(battery)
            known = self.record.has(address)
            found = response(signal(window), self.record.values[address][window], self.cycle_s) if known else NOTHING
            self._responses[key] = found
        return self._responses[key]

    @cached_property
    def cycle_s(self) -> float:
        return self.record.cycle_s

    @cached_property
    def meter_interval_s(self) -> float:
        """Between two new values of the grid meter, usually."""
        meter = self.equipment.meter
        if meter is None or not self.record.has(meter.power):
            return 0.0
        new = np.flatnonzero(np.diff(filled(self.record.values[meter.power])) != 0.0)
        return float(np.median(np.diff(new))) * self.cycle_s if len(new) > 2 else 0.0

    # ---- the grid meter's phases

    @cached_property
    def phase_channels(self) -> bool:
        """Whether the grid meter shows its phases."""
        meter = self.equipment.meter
        return meter is not None and all(self.record.has(meter.address(f"active_power_w_l{n}")) for n in PHASES)

    def phase_gains(self, battery: Device, channel: str = "active_power_w") -> tuple[float, float, float] | None:
        """Answer of each phase over the one that is expected there (-1 where everything is right), NaN on a phase on
        which the battery does not stand; None: the pulses cannot be seen."""
        if not self.phase_channels or not self.moves(battery):
            return None
        share = 1.0 / len(battery.phases)
        lag_s = max((self.on_grid(battery, f"active_power_w_l{n}") for n in PHASES), key=lambda r: abs(r.correlation))
        gains = [self._phase_gain(battery, f"{channel}_l{n}", lag_s.lag_s) / share for n in PHASES]
        return gains[0], gains[1], gains[2]

    def _phase_gain(self, battery: Device, channel: str, lag_s: float) -> float:
        meter = self.equipment.meter
        if meter is None or not self.record.has(meter.address(channel)):
            return math.nan
        window = self.window(battery)
        values = self.record.values[meter.address(channel)][window]
        return response(self.real_power(window), values, self.cycle_s, lag_s=lag_s).gain

    def moves(self, battery: Device) -> bool:
        """Whether the batteries together moved as much as was asked: else the meter has nothing to answer to."""
        window = self.window(battery)
        asked_w = span(self.setpoint(battery, window))
        return asked_w > 0.0 and span(self.real_power(window)) > 0.4 * asked_w
