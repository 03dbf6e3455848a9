"""The books of a shadow and of what really happened: energy, quarter-hour peak, money. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from simems_edge.config import Shadow

WINDOW_S = 900
SECONDS_PER_HOUR = 3600.0


@dataclass
class Book:
    """Of one course of events. Energies in Wh, powers in W."""

    import_wh: float = 0.0
    export_wh: float = 0.0
    charge_wh: float = 0.0
    discharge_wh: float = 0.0
    peak_w: float = 0.0
    """Largest mean import of a clock quarter; one that was seen in part counts as if it had been 0 in the rest."""
    _window: int | None = field(default=None, repr=False)
    _window_wh: float = field(default=0.0, repr=False)

    def add(self, grid_w: float, ess_w: float, dt_s: float, second_s: float) -> None:
        """What stood for ``dt_s`` up to the moment ``second_s`` (UTC where known, for the quarters)."""
        hours = dt_s / SECONDS_PER_HOUR
        imported_wh = max(grid_w, 0.0) * hours
        self.import_wh += imported_wh
        self.export_wh += max(-grid_w, 0.0) * hours
        self.charge_wh += max(-ess_w, 0.0) * hours
        self.discharge_wh += max(ess_w, 0.0) * hours
        window = int((second_s - dt_s / 2.0) // WINDOW_S)
        if window != self._window:
            self._window, self._window_wh = window, 0.0
        self._window_wh += imported_wh
        self.peak_w = max(self.peak_w, self._window_wh * SECONDS_PER_HOUR / WINDOW_S)

    def cost(self, prices: Shadow) -> float:
        """In the site's currency."""
        return (
            self.import_wh * prices.import_price_per_kwh
            - self.export_wh * prices.export_price_per_kwh
            + self.discharge_wh * prices.wear_price_per_kwh
            + self.peak_w * prices.demand_price_per_kw
        ) / 1000.0

    def told(self, prices: Shadow) -> dict[str, float]:
        """For a report."""
        names = ("import_wh", "export_wh", "charge_wh", "discharge_wh", "peak_w")
        return {**{name: getattr(self, name) for name in names}, "cost": self.cost(prices)}


@dataclass
class VirtualBattery:
    """Does at once what it is told, inside the limits that the real one tells; its charge is its own."""

    efficiency: float
    power_w: float = 0.0
    soc_pct: float = 0.0

    def stand(self, dt_s: float, capacity_wh: float) -> None:
        """Its charge after it has stood at its power."""
        inside_w = self.power_w / self.efficiency if self.power_w > 0.0 else self.power_w * self.efficiency
        self.soc_pct -= 100.0 * inside_w * dt_s / SECONDS_PER_HOUR / capacity_wh
        self.soc_pct = min(max(self.soc_pct, 0.0), 100.0)
