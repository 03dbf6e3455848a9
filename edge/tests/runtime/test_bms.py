"""A battery management system that stands apart from its inverter: the stricter of both holds, and silence closes."""

from __future__ import annotations

from typing import Any

import pytest
from simems_core import Clock
from simems_edge.config import Site
from simems_edge.runtime import Runtime

S = 1_000_000_000
GOOD = {
    "grid0/active_power_w": 1000.0, "grid0/frequency_hz": 50.0, "ess0/active_power_w": 0.0, "ess0/soc_pct": 50.0,
    "ess0/max_charge_power_w": 60_000.0, "ess0/max_discharge_power_w": 60_000.0,
    "bms0/soc_pct": 50.0, "bms0/max_charge_power_w": 12_000.0, "bms0/max_discharge_power_w": 18_000.0,
    "bms0/temperature_degc": 20.0,
}  # fmt: skip


def site() -> Site:
    modbus = {"modbus_tcp": {"host": "127.0.0.1"}}
    return Site.model_validate({
        "site": {"id": "b-1", "time_zone": "Europe/Stockholm", "currency": "SEK",
                 "grid": {"import_limit_w": 100_000.0, "export_limit_w": 100_000.0}},
        "cycle": {"period": 0.1},
        "components": (
            {"id": "grid0", "profile": "sunspec_meter", "connection": modbus},
            {"id": "ess0", "profile": "sunspec_storage", "connection": modbus, "bms": "bms0",
             "guards": {"soc_pct": [10, 95], "cell_temperature_degc": [0, 55]}},
            {"id": "bms0", "profile": "pylontech_lv_can", "connection": {"can": {"channel": "can0"}}},
        ),
    })  # fmt: skip


class Stepped:
    def __init__(self) -> None:
        self.clock = Clock.simulated(1_780_000_000_000_000)
        self.runtime, self.second = Runtime(site(), clock=self.clock), 0
        self.step(3)

    def step(self, count: int = 1, *, silent: str = "nobody", **changes: float) -> float:
        """The battery's setpoint after ``count`` seconds."""
        setpoint = 0.0
        for _ in range(count):
            self.clock.advance_to(self.second * S)
            inputs: dict[str, Any] = GOOD | {name.replace("__", "/"): value for name, value in changes.items()}
            for address, value in inputs.items():
                if not address.startswith(silent):
                    self.runtime.image.publish(self.runtime.image.handle(address), value, self.second * S)
            setpoint = self.runtime.step(self.second * S)[0].setpoint
            self.second += 1
        return setpoint

    def override(self, power_w: float) -> None:
        self.runtime.overrides.set("ess0/active_power_w", power_w, duration_s=3600, reason="test", actor="test")


@pytest.mark.parametrize(("asked_w", "held_w"), [(30_000.0, 18_000.0), (-30_000.0, -12_000.0), (5000.0, 5000.0)])
def test_its_limits_hold_beside_the_inverters(asked_w: float, held_w: float) -> None:
    stepped = Stepped()
    stepped.override(asked_w)
    assert stepped.step(3) == held_w


def test_its_state_of_charge_and_temperature_close() -> None:
    stepped = Stepped()
    stepped.override(5000.0)
    assert stepped.step(3) == 5000.0
    assert stepped.step(2, bms0__soc_pct=9.0) == 0.0
    assert stepped.step(2) == 5000.0
    assert stepped.step(2, bms0__temperature_degc=56.0) == 0.0
    assert stepped.step(2) == 5000.0


def test_its_silence_closes() -> None:
    stepped = Stepped()
    stepped.override(5000.0)
    assert stepped.step(3) == 5000.0
    assert stepped.step(8, silent="bms0") == 0.0
    assert stepped.step(3) == 5000.0
