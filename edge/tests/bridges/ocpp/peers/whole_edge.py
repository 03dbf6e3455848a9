"""The edge of a garage in simulated time: controller, arbitration, guards and bridge as a site's process has them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from charging_bench import charging_site, connector
from simems_core import Clock
from simems_edge.bridges.ocpp.bridge import OcppBridge
from simems_edge.config import Site
from simems_edge.runtime import Runtime

SAMPLE_S = 30.0
"""Seldomer than a site's default: for what is between, the bridge must ask."""
VOLTAGE_V = 230.0


def garage_site(stations: list[str], cap_a: float) -> Site:
    """One connector a station, all behind a fuse of ``cap_a`` and a connection of the same."""
    evcs = [connector(f"evcs{n}", name, safe_current_a=0) for n, name in enumerate(stations)]
    members = [one["id"] for one in evcs]
    limit_w = cap_a * 3 * VOLTAGE_V
    cars = {
        "id": "cars0",
        "type": "smart_charging",
        "evcs": members,
        "grid": "grid0",
        "fuse_a": cap_a,
        "import_limit_w": limit_w,
    }
    grid = {"id": "grid0", "profile": "sunspec_meter", "connection": {"modbus_tcp": {"host": "127.0.0.1"}}}
    site = {
        "id": "garage-1",
        "time_zone": "Europe/Stockholm",
        "currency": "SEK",
        "grid": {"import_limit_w": limit_w, "export_limit_w": limit_w},
    }
    return charging_site(
        *evcs,
        components=[grid, *evcs],
        ocpp={
            "sample": SAMPLE_S,
            "limit_lifetime": 60,
            "heartbeat": 300,
            "stations": [{"id": one} for one in stations],
        },
        clusters=[{"id": "garage", "members": members, "fuse_a": cap_a}],
        controllers=[cars],
        cycle={"period": 1.0},
        site=site,
    )


class PortlessBridge(OcppBridge):
    """Stations come to it through pipes."""

    async def _listen(self) -> None:
        await asyncio.Event().wait()


class Edge:
    def __init__(self, site: Site, folder: Path, clock: Clock) -> None:
        self.site, self.clock = site, clock
        self.runtime = Runtime(site, clock=clock)
        self.problems: set[tuple[str, str]] = set()
        self.bridge = PortlessBridge(
            site, self.runtime.profiles, self.runtime.image, clock,
            on_problem=self._problem, on_clear=lambda *_: None, data=folder,
        )  # fmt: skip
        self._addresses = self.bridge.addresses
        self._meter = {name: self.runtime.image.handle(f"grid0/{name}") for name in ("active_power_w", "frequency_hz")}

    def _problem(self, component: str, code: str, _text: str) -> None:
        self.problems.add((component, code))

    def turn(self, grid_w: float) -> None:
        """One cycle, with what the meter reads now."""
        now_ns = self.clock.now_ns()
        for name, value in {"active_power_w": grid_w, "frequency_hz": 50.0}.items():
            self.runtime.image.publish(self._meter[name], value, now_ns)
        for decision in self.runtime.step(now_ns):
            if decision.address in self._addresses:
                self.bridge.write(decision.address, decision.setpoint)
