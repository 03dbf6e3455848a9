"""A meter, a battery of 60 kW that does what it is told, and relays, all ideal, in the whole runtime."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from simems_core import BAD, GOOD, Clock, Decision
from simems_edge.config import Site
from simems_edge.runtime import Runtime
from simems_edge.schedule import Schedule

S = 1_000_000_000
RATED_W = 60_000.0
START = datetime.fromisoformat("2026-06-01T12:00:00+02:00")
"""A Monday; 10:00 UTC."""


def site_of(controllers: tuple[dict[str, Any], ...], zone: str = "Europe/Stockholm") -> Site:
    tcp = {"connection": {"modbus_tcp": {"host": "127.0.0.1"}}}
    limits = {"import_limit_w": 200_000.0, "export_limit_w": 200_000.0}
    relays = tuple({"id": f"relay{n}", "profile": "virtual_relay", "control": {}} | tcp for n in (0, 1))
    return Site.model_validate(
        {
            "site": {"id": "rig-1", "time_zone": zone, "currency": "SEK", "grid": limits},
            "components": (
                {"id": "grid0", "profile": "sunspec_meter"} | tcp,
                {"id": "ess0", "profile": "sunspec_storage"} | tcp,
                *relays,
            ),
            "controllers": controllers,
        }
    )


class Rig:
    """:meth:`step` gives the battery's setpoint in W. ``data``: folder that survives a restart."""

    def __init__(
        self,
        *controllers: dict[str, Any],
        period_s: float = 1.0,
        start: datetime = START,
        schedule: Schedule | None = None,
        data: Path | None = None,
        register_wh: float = 1_000_000.0,
    ) -> None:
        self.clock = Clock.simulated(round(start.timestamp() * 1e6))
        self.runtime = Runtime(site_of(controllers), clock=self.clock, schedule=schedule, data=data)
        self.image = self.runtime.image
        self.period_s = period_s
        self.cycle = 0
        self.power_w = 0.0
        self.grid_w = 0.0
        self.register_wh = register_wh
        self.values: dict[str, float] = {
            "grid0/frequency_hz": 50.0,
            "ess0/soc_pct": 50.0,
            "ess0/max_charge_power_w": RATED_W,
            "ess0/max_discharge_power_w": RATED_W,
            "ess0/capacity_wh": 100_000.0,
            "relay0/state": 0.0,
            "relay1/state": 0.0,
        }
        self.decisions: list[Decision] = []
        self.silent: set[str] = set()
        """Channels that nobody publishes any more."""

    def step(self, load_w: float, seconds: float | None = None, **battery: float) -> float:
        """``seconds`` None: one cycle. ``battery``: its channels, until changed; NaN: it does not know."""
        self.values |= {f"ess0/{name}": value for name, value in battery.items()}
        cycles = 1 if seconds is None else round(seconds / self.period_s)
        for _ in range(cycles):
            self._cycle(load_w)
        return self.power_w

    def _cycle(self, load_w: float) -> None:
        now_ns = round(self.cycle * self.period_s * S)
        self.clock.advance_to(now_ns)
        self.grid_w = load_w - self.power_w
        self.register_wh += max(self.grid_w, 0.0) * self.period_s / 3600.0
        readings = {
            "grid0/active_power_w": self.grid_w,
            "grid0/import_energy_wh": self.register_wh,
            "ess0/active_power_w": self.power_w,
        }
        for address, value in (self.values | readings).items():
            if address not in self.silent:
                quality = BAD if value != value else GOOD  # noqa: PLR0124 - NaN differs from itself
                self.image.publish(self.image.handle(address), value, now_ns, quality)
        self.decisions = self.runtime.step(now_ns)
        self.power_w = self.setpoint("ess0/active_power_w")
        for relay in ("relay0", "relay1"):
            self.values[f"{relay}/state"] = self.setpoint(f"{relay}/state")
        self.cycle += 1

    def setpoint(self, address: str) -> float:
        return next(d.setpoint for d in self.decisions if d.address == address)

    def value(self, address: str) -> float:
        """As the last cycle saw it; NaN when not valid."""
        return self.image.snapshot().value(self.image.handle(address))

    def not_armed(self) -> list[str]:
        """What the alarms say of controllers that refuse to work."""
        return [
            f"{a.text} {a.cause}" for a in self.runtime.alarms.list(active=True) if a.code == "controller_not_armed"
        ]
