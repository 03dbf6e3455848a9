"""The load from the balance: at the meter's instant, and only when every part is known."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest
from simems_core import Clock
from simems_edge.config import Site
from simems_edge.runtime import Runtime

S = 1_000_000_000
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
PROFILES = {"grid0": "sunspec_meter", "pv0": "sunspec_pv", "ess0": "sunspec_storage"}
LOAD = "site/load_power_w"


class House:
    """Meter, PV and battery; what they say is published with times of their own."""

    def __init__(self) -> None:
        grid = {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0}
        data: dict[str, Any] = {
            "site": {"id": "house-1", "time_zone": "UTC", "currency": "SEK", "grid": grid},
            "cycle": {"period": 0.1},
            "components": tuple(
                {"id": name, "profile": profile, "connection": CONNECTION} for name, profile in PROFILES.items()
            ),
        }
        self.clock = Clock.simulated(1_780_000_000_000_000)
        self.runtime = Runtime(Site.model_validate(data), clock=self.clock)
        self.image = self.runtime.image

    def say(self, component: str, power_w: float, at_s: float) -> None:
        self.image.publish(self.image.handle(f"{component}/active_power_w"), power_w, round(at_s * S))

    def turn(self, at_s: float) -> None:
        self.clock.advance_to(round(at_s * S))
        self.runtime.step(round(at_s * S))

    def load(self, at_s: float) -> dict[str, Any]:
        """As people see it after another turn."""
        self.turn(at_s)
        values: Any = self.runtime.latest()["values"]
        return dict(values[LOAD])


@pytest.fixture
def house() -> House:
    return House()


def test_each_part_is_taken_at_the_meters_instant(house: House) -> None:
    for at_s, battery_w in ((1.0, 0.0), (2.0, 8_000.0)):
        house.say("ess0", battery_w, at_s)
        house.say("pv0", 3_000.0, at_s)
        house.turn(at_s)
    house.say("grid0", 5_000.0, 1.0)
    house.turn(2.1)
    assert house.load(2.2)["value"] == pytest.approx(8_000.0), "the battery stood still when the meter read"


@pytest.mark.parametrize("missing", sorted(PROFILES))
def test_a_part_that_was_never_there_gives_no_load(house: House, missing: str) -> None:
    for name in PROFILES:
        if name != missing:
            house.say(name, 1_000.0, 1.0)
    house.turn(1.0)
    assert house.load(1.1)["value"] is None


@pytest.mark.parametrize("missing", sorted(PROFILES))
def test_a_part_that_says_it_has_no_number_stops_it_until_it_is_back(house: House, missing: str) -> None:
    def say_all(at_s: float, odd_w: float) -> None:
        for name in PROFILES:
            house.say(name, odd_w if name == missing else 1_000.0, at_s)
        house.turn(at_s)

    say_all(1.0, 1_000.0)
    assert house.load(1.1)["value"] == 3_000.0
    before = house.load(1.2)["time"]
    say_all(2.0, nan)
    assert house.load(2.1)["time"] == before, "no partial sum"
    house.turn(60.0)
    assert house.load(60.1)["quality"] == "stale"
    say_all(61.0, 2_000.0)
    found = house.load(61.1)
    assert (found["value"], found["quality"]) == (4_000.0, "good")
