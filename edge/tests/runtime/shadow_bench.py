"""A site with a shadow, stepped: an ideal battery behind an ideal meter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simems_core import BAD, GOOD, Clock, Decision
from simems_edge.config import Site
from simems_edge.runtime import Runtime
from simems_edge.schedule import Schedule

S = 1_000_000_000
START_US = 1_780_272_000_000_000
ESS_W = "ess0/active_power_w"
ENDS = {"grid": "grid0", "ess": "ess0"}
PEAK = {"id": "peak0", "type": "peak_shaving", "threshold_w": 60_000.0, "ramp_w_per_s": 1e6} | ENDS
PRICES = {
    "import_price_per_kwh": 0.3,
    "export_price_per_kwh": 0.05,
    "demand_price_per_kw": 8.0,
    "capacity_wh": 100_000.0,
}
CANDIDATE = {"id": "new0", "type": "peak_shaving", "threshold_w": 40_000.0, "ramp_w_per_s": 1e6,
             "shadow": {"in_place_of": "peak0", **PRICES}} | ENDS  # fmt: skip


def site(*controllers: dict[str, Any]) -> Site:
    meter, battery = ({"modbus_tcp": {"host": "127.0.0.1", "port": port}} for port in (1502, 1503))
    limits = {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0}
    return Site.model_validate(
        {
            "site": {"id": "shadow-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": limits},
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": meter},
                {"id": "ess0", "profile": "sunspec_storage", "connection": battery, "guards": {"soc_pct": [10, 95]}},
            ),
            "controllers": controllers,
        }
    )


class Stepped:
    """An ideal battery behind an ideal meter."""

    def __init__(
        self,
        *controllers: dict[str, Any],
        folder: Path | None = None,
        later_s: float = 0.0,
        schedule: Schedule | None = None,
    ) -> None:
        self.clock = Clock.simulated(START_US + round(later_s * 1e6))
        self.runtime = Runtime(site(*controllers), clock=self.clock, data=folder, schedule=schedule)
        self.second, self.power_w, self.soc_pct = 0, 0.0, 60.0

    def step(self, load_w: float, seconds: int = 1, **other: float) -> list[Decision]:
        decisions: list[Decision] = []
        for _ in range(seconds):
            now_ns = self.second * S
            self.clock.advance_to(now_ns)
            values = {
                "grid0/active_power_w": load_w - self.power_w,
                "grid0/frequency_hz": 50.0,
                "ess0/active_power_w": self.power_w,
                "ess0/soc_pct": self.soc_pct,
                "ess0/max_charge_power_w": 60_000.0,
                "ess0/max_discharge_power_w": 60_000.0,
            } | {f"ess0/{name}": value for name, value in other.items()}
            for address, value in values.items():
                quality = BAD if value != value else GOOD  # noqa: PLR0124 - NaN differs from itself
                self.runtime.image.publish(self.runtime.image.handle(address), value, now_ns, quality)
            decisions = self.runtime.step(now_ns)
            self.power_w = decisions[0].setpoint
            self.second += 1
        return decisions

    @property
    def virtual_w(self) -> float:
        """Of the virtual battery, as decided in the last cycle."""
        return self.runtime.shadows.worlds[0]._batteries["ess0"].power_w

    def override(self, power_w: float, cycles: int, **more: Any) -> None:
        """For the next so many cycles."""
        self.runtime.overrides.set(ESS_W, power_w, duration_s=cycles + 0.5, reason="test", actor="anna", **more)

    @property
    def report(self) -> dict[str, Any]:
        (found,) = self.runtime.shadows.report()
        return found
