"""Temperature of a battery, and what its BMS makes of it."""

from __future__ import annotations

import math
from typing import Final

from simems_edge.config import SimulatedThermal

FULL_CHARGE_ABOVE_K: Final = 10.0
"""From the temperature at which charge begins to full charge."""


class Warmth:
    """One lump: C dT/dt = losses - (T - ambient) / R, solved exactly for each step."""

    def __init__(self, settings: SimulatedThermal) -> None:
        self.settings = settings
        self.mean_degc = settings.ambient_degc if settings.initial_degc is None else settings.initial_degc

    def step(self, loss_w: float, ambient_degc: float, dt_s: float) -> None:
        """``loss_w``: heat of converter, cells and standby."""
        settings = self.settings
        settled = ambient_degc + loss_w * settings.resistance_k_per_w
        keep = math.exp(-dt_s / (settings.heat_capacity_j_per_k * settings.resistance_k_per_w))
        self.mean_degc = settled + (self.mean_degc - settled) * keep

    @property
    def coldest_degc(self) -> float:
        return self.mean_degc - self.settings.spread_k / 2.0

    @property
    def hottest_degc(self) -> float:
        return self.mean_degc + self.settings.spread_k / 2.0

    @property
    def discharge_share(self) -> float:
        """Of its limit that the BMS allows."""
        settings = self.settings
        span_k = max(settings.stop_at_degc - settings.derate_from_degc, 1e-6)
        return _clamped((settings.stop_at_degc - self.hottest_degc) / span_k)

    @property
    def charge_share(self) -> float:
        cold = _clamped((self.coldest_degc - self.settings.charge_from_degc) / FULL_CHARGE_ABOVE_K)
        return min(cold, self.discharge_share)


def _clamped(share: float) -> float:
    return min(max(share, 0.0), 1.0)
