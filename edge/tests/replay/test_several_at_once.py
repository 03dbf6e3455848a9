"""Several controllers in one site: none fights another, and nothing steps further than the ramp, at any change."""

from __future__ import annotations

from itertools import pairwise

import pytest
from simems_core import Clock, Decision
from simems_edge.config import Site
from simems_edge.runtime import Runtime

S = 1_000_000_000
RAMP_W_PER_S = 4_000.0
POWER = "ess0/active_power_w"
ENDS = {"grid": "grid0", "ess": "ess0"}


def site() -> Site:
    connection = {"modbus_tcp": {"host": "127.0.0.1"}}
    limits = {"import_limit_w": 100_000.0, "export_limit_w": 60_000.0}
    guards = {"soc_pct": [10, 95], "ramp_w_per_s": RAMP_W_PER_S}
    return Site.model_validate(
        {
            "site": {"id": "many-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": limits},
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": connection},
                {"id": "ess0", "profile": "sunspec_storage", "connection": connection, "guards": guards},
            ),
            "controllers": (
                {"id": "soc0", "type": "soc_limits", "ess": "ess0", "minimum_pct": 15.0},
                {"id": "temp0", "type": "temperature_derating", "ess": "ess0"},
                {"id": "edge0", "type": "grid_connection"} | ENDS,
                {"id": "peak0", "type": "peak_shaving", "threshold_w": 50_000.0, "reserve_soc_pct": 30.0} | ENDS,
                {"id": "self0", "type": "self_consumption"} | ENDS,
            ),
        }
    )


class Stepped:
    """An ideal battery behind an ideal meter, one cycle a second."""

    def __init__(self) -> None:
        self.clock = Clock.simulated(1_780_272_000_000_000)
        self.runtime = Runtime(site(), clock=self.clock)
        self.second, self.power_w = 0, 0.0
        self.values: dict[str, float] = {
            "grid0/frequency_hz": 50.0,
            "ess0/soc_pct": 60.0,
            "ess0/max_charge_power_w": 60_000.0,
            "ess0/max_discharge_power_w": 60_000.0,
            "ess0/cell_temperature_min_degc": 20.0,
            "ess0/cell_temperature_max_degc": 25.0,
        }
        self.course: list[Decision] = []

    def step(self, load_w: float, seconds: int, **channels: float) -> Decision:
        self.values |= {f"ess0/{name}": value for name, value in channels.items()}
        for _ in range(seconds):
            now_ns = self.second * S
            self.clock.advance_to(now_ns)
            readings = {"grid0/active_power_w": load_w - self.power_w, POWER: self.power_w}
            for address, value in (self.values | readings).items():
                self.runtime.image.publish(self.runtime.image.handle(address), value, now_ns)
            (decision,) = self.runtime.step(now_ns)
            self.course.append(decision)
            self.power_w, self.second = decision.setpoint, self.second + 1
        return self.course[-1]

    def largest_step_w(self) -> float:
        return max((abs(b.setpoint - a.setpoint) for a, b in pairwise(self.course)), default=0.0)

    def turns(self, last: int) -> int:
        """Changes of direction in the last seconds."""
        moves = [b.setpoint - a.setpoint for a, b in pairwise(self.course[-last:])]
        signs = [1 if move > 0 else -1 for move in moves if abs(move) > 50.0]
        return sum(a != b for a, b in pairwise(signs))


def test_who_is_nearest_to_the_matter_decides_and_the_others_bound() -> None:
    stepped = Stepped()
    assert stepped.step(80_000.0, 60).source == "peak0"
    assert stepped.power_w == pytest.approx(30_000.0, abs=200.0)
    low = stepped.step(20_000.0, 60)
    assert (low.source, round(low.setpoint, -3)) == ("self0", 20_000.0), "above the reserve others may discharge"
    kept = stepped.step(20_000.0, 60, soc_pct=30.0)
    assert kept.setpoint == 0.0
    assert kept.reason == "self0; bound: peak0"
    surplus = stepped.step(-40_000.0, 90, cell_temperature_min_degc=5.0)
    assert surplus.setpoint == pytest.approx(-15_000.0, abs=50.0), "25 % of charge power at 5 degC"
    assert surplus.reason == "self0; bound: temp0"
    assert stepped.largest_step_w() <= RAMP_W_PER_S + 1e-6


@pytest.mark.parametrize("load_w", [80_000.0, 20_000.0, -30_000.0, 97_000.0])
def test_in_steady_load_nothing_swings(load_w: float) -> None:
    stepped = Stepped()
    stepped.step(load_w, 120)
    stepped.step(load_w, 240)
    assert stepped.turns(240) <= 1


def test_an_override_and_every_mode_change_without_a_bump() -> None:
    stepped = Stepped()
    stepped.step(80_000.0, 40)
    stepped.runtime.overrides.set(POWER, -20_000.0, duration_s=30.0, reason="test", actor="anna")
    stepped.step(60_000.0, 60)
    for mode in ("SELF_CONSUMPTION", "PEAK_SHAVING", "BACKUP", "AUTO", "ISLAND", "AUTO"):
        stepped.runtime.requests.set_mode(mode, actor="anna", duration_s=0.0)
        stepped.step(65_000.0, 30)
    assert stepped.largest_step_w() <= RAMP_W_PER_S + 1e-6 or _only_to_fallback(stepped.course)
    assert stepped.step(80_000.0, 60).source == "peak0"


def _only_to_fallback(course: list[Decision]) -> bool:
    """A mode that nobody serves leaves the battery to its fallback, which is never delayed."""
    large = [b for a, b in pairwise(course) if abs(b.setpoint - a.setpoint) > RAMP_W_PER_S + 1e-6]
    return all(decision.source == "fallback" for decision in large)


@pytest.mark.parametrize("mode", ["SELF_CONSUMPTION", "PEAK_SHAVING"])
def test_safety_is_heard_in_every_mode(mode: str) -> None:
    stepped = Stepped()
    stepped.runtime.requests.set_mode(mode, actor="anna", duration_s=0.0)
    stepped.step(90_000.0, 60, soc_pct=18.0)
    assert stepped.power_w == pytest.approx(0.6 * 60_000.0, abs=1.0), "3 of 5 % above 15 %"
    assert stepped.course[-1].bound == "soc0"
