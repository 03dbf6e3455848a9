"""An island's voltage and frequency: forming batteries as virtual synchronous machines with droop, seen as one.

Swing equation with droop: 2 H S / f0 df/dt = P_set - P - (f - f_ref) S / (droop f0); so the frequency settles at
f_ref + (P_set - P) droop f0 / S with the time constant 2 H droop. Voltage falls by 5 % from no reactive load to S.
When more is fed in than the batteries may take, f_ref rises (as island inverters do), so that PV with P(f) gives way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

from simems_edge.config import SimulatedForming

VOLTAGE_DROOP: Final = 0.05
LARGEST_SHIFT_HZ: Final = 1.8
SHIFT_HZ_PER_S: Final = 5.0
"""Per share of rated power that is too much."""
LOW_HZ, HIGH_HZ = 45.0, 55.0


class Former(Protocol):
    """A battery that forms the island now. Powers in W at its terminals, limits both >= 0."""

    @property
    def rated_w(self) -> float: ...
    @property
    def forming(self) -> SimulatedForming: ...
    @property
    def wanted_w(self) -> float:
        """Its setpoint: at nominal frequency it gives this."""

    @property
    def limits_w(self) -> tuple[float, float]:
        """(charge, discharge) that its BMS allows now."""


class Island:
    """``frequency_hz`` and ``voltage_v`` of all formers together."""

    def __init__(self, nominal_v: float, nominal_hz: float) -> None:
        self._nominal_v = nominal_v
        self._nominal_hz = nominal_hz
        self.frequency_hz = nominal_hz
        self.voltage_v = nominal_v
        self.shift_hz = 0.0
        self._overloaded_s = 0.0

    def begin(self, frequency_hz: float) -> None:
        """From a bus at this frequency; a dead one (0): from nominal."""
        self.frequency_hz = frequency_hz if frequency_hz > LOW_HZ else self._nominal_hz
        self.shift_hz = self._overloaded_s = 0.0

    def step(self, formers: Sequence[Former], need_w: float, need_var: float, dt_s: float) -> bool:
        """They give what the bus needs; False: they cannot, and trip."""
        rated_w = sum(one.rated_w for one in formers)
        self._swing(formers, rated_w, need_w, dt_s)
        self.voltage_v = self._nominal_v * (1.0 - VOLTAGE_DROOP * need_var / rated_w)
        return self._bear(formers, need_w, dt_s) and LOW_HZ < self.frequency_hz < HIGH_HZ

    def _swing(self, formers: Sequence[Former], rated_w: float, need_w: float, dt_s: float) -> None:
        nominal = self._nominal_hz
        too_much = (-need_w - 0.95 * sum(one.limits_w[0] for one in formers)) / rated_w
        self.shift_hz = min(max(self.shift_hz + SHIFT_HZ_PER_S * too_much * dt_s, 0.0), LARGEST_SHIFT_HZ)
        stiffness = sum(one.rated_w / (one.forming.droop_pct / 100.0 * nominal) for one in formers)
        momentum = sum(2.0 * one.forming.inertia_s * one.rated_w / nominal for one in formers)
        settled = nominal + self.shift_hz + (sum(one.wanted_w for one in formers) - need_w) / stiffness
        keep = math.exp(-dt_s * stiffness / momentum) if momentum > 0.0 else 0.0
        self.frequency_hz = settled + (self.frequency_hz - settled) * keep

    def _bear(self, formers: Sequence[Former], need_w: float, dt_s: float) -> bool:
        most = sum(one.rated_w * one.forming.overload for one in formers)
        charge_w, discharge_w = (sum(one.limits_w[side] for one in formers) for side in (0, 1))
        beyond = need_w > discharge_w + 1.0 or -need_w > charge_w + 1.0
        self._overloaded_s = self._overloaded_s + dt_s if beyond else 0.0
        return abs(need_w) <= most and self._overloaded_s <= max(one.forming.overload_s for one in formers)


def shares(formers: Sequence[Former], need_w: float) -> list[float]:
    """Who gives which part: by what each may give in this direction."""
    side = 1 if need_w >= 0.0 else 0
    able = [one.limits_w[side] for one in formers]
    total = sum(able)
    if total <= 0.0:
        able = [one.rated_w for one in formers]
        total = sum(able)
    return [value / total for value in able]
