"""One battery of 60 kW behind a meter, both ideal, in the whole runtime: what a safety controller leaves of a wish."""

from __future__ import annotations

from typing import Any

from simems_core import BAD, GOOD, Clock, Decision
from simems_edge.config import Site
from simems_edge.runtime import Runtime

S = 1_000_000_000
RATED_W = 60_000.0
DISCHARGE, CHARGE = 90_000.0, -90_000.0
"""Loads that make self-consumption want all that the battery can give, or take."""


def component(name: str, profile: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "profile": profile, "connection": {"modbus_tcp": {"host": "127.0.0.1"}}} | more


def site(controllers: list[dict[str, Any]], guards: dict[str, Any], limits_w: tuple[float, float]) -> Site:
    wish = {"id": "self0", "type": "self_consumption", "grid": "grid0", "ess": "ess0", "ramp_w_per_s": 1e6}
    head = {"id": "safety-1", "time_zone": "Europe/Stockholm", "currency": "SEK"}
    return Site.model_validate(
        {
            "site": head | {"grid": {"import_limit_w": limits_w[0], "export_limit_w": limits_w[1]}},
            "components": (
                component("grid0", "sunspec_meter"),
                component("ess0", "sunspec_storage", guards=guards),
                component("pv0", "sunspec_pv", control={"rating_w": 30_000.0}),
            ),
            "controllers": (*controllers, wish),
        }
    )


class Bench:
    """``step`` gives the battery's setpoint in W."""

    def __init__(
        self,
        *controllers: dict[str, Any],
        guards: dict[str, Any] | None = None,
        limits_w: tuple[float, float] = (200_000.0, 200_000.0),
        period_s: float = 1.0,
    ) -> None:
        self.clock = Clock.simulated(1_780_000_000_000_000)
        self.runtime = Runtime(site(list(controllers), guards or {}, limits_w), clock=self.clock)
        self.period_s = period_s
        self.cycle = 0
        self.power_w = 0.0
        self.values: dict[str, float] = {
            "grid0/frequency_hz": 50.0,
            "grid0/communication": 1.0,
            "pv0/active_power_w": 0.0,
            "ess0/soc_pct": 50.0,
            "ess0/max_charge_power_w": RATED_W,
            "ess0/max_discharge_power_w": RATED_W,
        }
        self.decisions: list[Decision] = []
        self.silent: set[str] = set()
        """Channels that nobody publishes any more."""

    def step(self, load_w: float, seconds: float = 1.0, **channels: float) -> float:
        """``channels``: of the battery, until changed; NaN: the device says that it does not know."""
        self.values |= {f"ess0/{name}": value for name, value in channels.items()}
        for _ in range(round(seconds / self.period_s)):
            self._cycle(load_w)
        return self.power_w

    def _cycle(self, load_w: float) -> None:
        now_ns = round(self.cycle * self.period_s * S)
        self.clock.advance_to(now_ns)
        readings = {"grid0/active_power_w": load_w - self.power_w, "ess0/active_power_w": self.power_w}
        for address, value in (self.values | readings).items():
            if address not in self.silent:
                quality = BAD if value != value else GOOD  # noqa: PLR0124 - NaN differs from itself
                self.runtime.image.publish(self.runtime.image.handle(address), value, now_ns, quality)
        self.decisions = self.runtime.step(now_ns)
        self.power_w = self.setpoint("ess0/active_power_w")
        self.cycle += 1

    def setpoint(self, address: str) -> float:
        return next(d.setpoint for d in self.decisions if d.address == address)

    def reason(self, address: str = "ess0/active_power_w") -> str:
        return next(d.reason for d in self.decisions if d.address == address)

    def not_armed(self) -> list[str]:
        """What the alarms say of controllers that refuse to work."""
        return [
            f"{a.text} {a.cause}" for a in self.runtime.alarms.list(active=True) if a.code == "controller_not_armed"
        ]
