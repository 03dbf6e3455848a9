"""From a signed request to the setpoint: limits through the guards, overrides below them, everything in the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from simems_core import Clock
from simems_core.wire import Event
from simems_edge.bridges.mqtt import MqttGateway
from simems_edge.bridges.mqtt.requests import signature
from simems_edge.config import Site
from simems_edge.runtime import Runtime
from simems_edge.runtime.mqtt_desk import MqttDesk

S = 1_000_000_000
BEGIN_US = 1_780_000_000_000_000
SECRET = "sixteen-characters-or-more"
INPUTS = {
    "grid0/active_power_w": 40_000.0, "grid0/frequency_hz": 50.0, "ess0/active_power_w": 0.0, "ess0/soc_pct": 50.0,
    "ess0/max_charge_power_w": 60_000.0, "ess0/max_discharge_power_w": 60_000.0,
}  # fmt: skip


def site(folder: Path, **external: Any) -> Site:
    modbus = {"modbus_tcp": {"host": "127.0.0.1"}}
    grid: dict[str, Any] = {"import_limit_w": 100_000.0, "export_limit_w": 100_000.0}
    if external:
        grid["external"] = external
    secret = {"secret_file": str(folder / "secret")}
    requests = (
        {"name": "dso", "sets": "import_limit", "minimum": 4200.0, "maximum": 1e5, "longest": 600, **secret},
        {"name": "battery", "sets": "ess0/active_power_w", "minimum": -2e4, "maximum": 2e4, "longest": 600, **secret},
    )
    return Site.model_validate({
        "site": {"id": "m-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": grid},
        "cycle": {"period": 0.1},
        "components": ({"id": "grid0", "profile": "sunspec_meter", "connection": modbus},
                       {"id": "ess0", "profile": "sunspec_storage", "connection": modbus}),
        "mqtt": {"host": "127.0.0.1", "publish": {}, "requests": requests},
    })  # fmt: skip


class House:
    """A stepped runtime and its gateway, without a broker."""

    def __init__(self, folder: Path, **external: Any) -> None:
        (folder / "secret").write_text(SECRET)
        (folder / "secret").chmod(0o600)
        self.site = site(folder, **external)
        self.clock = Clock.simulated(BEGIN_US)
        self.runtime, self.second = Runtime(self.site, clock=self.clock), 0
        self.events: list[Event] = []
        self.runtime.on_event = self.events.append
        self.gateway = MqttGateway(
            self.site, self.runtime.image, self.clock, folder, MqttDesk(self.runtime),
            on_problem=self.runtime.reports.problem, on_clear=self.runtime.reports.clear,
        )  # fmt: skip
        self.step(3)

    def step(self, count: int = 1) -> float:
        """The battery's setpoint, the meter following it, after ``count`` seconds."""
        setpoint = 0.0
        for _ in range(count):
            self.clock.advance_to(self.second * S)
            self.gateway.hold(self.clock.utc_us(self.clock.now_ns()) * 1e-6)
            for address, value in INPUTS.items():
                self.runtime.image.publish(self.runtime.image.handle(address), value, self.second * S)
            setpoint = self.runtime.step(self.second * S)[0].setpoint
            self.second += 1
        return setpoint

    def ask(self, name: str, value: float, duration_s: float = 60.0) -> None:
        assert self.site.mqtt is not None
        request = next(one for one in self.site.mqtt.requests if one.name == name)
        now_s = self.clock.utc_us(self.clock.now_ns()) * 1e-6
        body = json.dumps({"id": uuid4().hex, "time": now_s, "value": value, "duration_s": duration_s,
                           "reason": "congestion", "actor": "control room"})  # fmt: skip
        mac = signature(SECRET, f"simems/m-1/request/{name}", body)
        self.gateway.take(request, json.dumps({"body": body, "mac": mac}).encode(), retained=False)

    @property
    def codes(self) -> list[str]:
        return [event.code for event in self.events]


def test_an_import_limit_makes_the_battery_discharge_and_ends(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.step(2) == 0.0
    house.ask("dso", 30_000.0)
    assert house.step(10) >= 10_000.0, "40 kW are drawn, 30 kW are allowed"
    assert "mqtt_request.taken" in house.codes
    assert "external_import_limit.received" in house.codes
    assert house.step(70) == 0.0
    assert "mqtt_request.ended" in house.codes
    assert "external_import_limit.released" in house.codes


def test_with_a_failsafe_for_silence_its_end_is_the_failsafe(tmp_path: Path) -> None:
    house = House(tmp_path, silent_after=10.0, import_failsafe_w=35_000.0)
    house.ask("dso", 30_000.0)
    assert house.step(10) >= 10_000.0
    assert 5_000.0 <= house.step(100) < 10_000.0, "the failsafe of 35 kW holds, not the site's own limit"


def test_an_override_is_that_of_an_operator_below_the_guards(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.ask("battery", 5000.0)
    assert house.step(3) == 5000.0
    assert [one.actor for one in house.runtime.overrides.standing()] == ["mqtt:control room"]
    house.ask("dso", 20_000.0)
    assert house.step(10) >= 20_000.0, "the limit is stronger than who overrides"
    house.ask("battery", 20_001.0)
    assert "mqtt_request.refused" in house.codes
    house.step(70)
    assert house.runtime.overrides.standing() == []


@pytest.mark.parametrize("change", [{"value": 1e9}, {"duration_s": 1e6}])
def test_what_is_not_allowed_changes_nothing(tmp_path: Path, change: dict[str, float]) -> None:
    house = House(tmp_path)
    house.ask("dso", **({"value": 30_000.0} | change))
    assert house.step(5) == 0.0
    assert "mqtt_request.refused" in house.codes
