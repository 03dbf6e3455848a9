"""Smart charging in the whole runtime: three ideal chargers, a house, a roof and a battery."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from pydantic import ValidationError
from simems_core import BAD, GOOD, Clock
from simems_edge.config import Site
from simems_edge.controllers.optimisation.phase_switch import PhaseSwitch
from simems_edge.controllers.optimisation.smart_charging import SmartChargingSettings
from simems_edge.controllers.optimisation.surplus_gate import SurplusGate
from simems_edge.runtime import Runtime

NAMES = ("evcs0", "evcs1", "evcs2")
VOLTAGE_V = 230.0
TCP = {"connection": {"modbus_tcp": {"host": "127.0.0.1"}}}
NONE, CAR = 1.0, 3.0
START_S = 1_790_000_000


def site_of(dwell: float, **settings: Any) -> Site:
    switches = bool(settings.get("switch_phases"))
    control = {"control": {"safe_current_a": 0.0, "maximum_current_a": 32.0, "dwell": dwell, "switch_phases": switches}}
    chargers = tuple({"id": name, "profile": "virtual_charger"} | TCP | control for name in NAMES)
    entry = {"id": "cars0", "type": "smart_charging", "evcs": list(NAMES), "grid": "grid0", "fuse_a": 63.0} | settings
    limits = {"import_limit_w": 200_000.0, "export_limit_w": 200_000.0}
    return Site.model_validate(
        {
            "site": {"id": "cars-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": limits},
            "cycle": {"period": 1.0},
            "components": (
                {"id": "grid0", "profile": "sunspec_meter"} | TCP,
                {"id": "ess0", "profile": "sunspec_storage"} | TCP,
                *chargers,
            ),
            "controllers": (entry,),
        }
    )


class Garage:
    """Cars take at once what they may. :meth:`step` gives the setpoints."""

    def __init__(self, dwell: float = 0.0, **settings: Any) -> None:
        self.clock = Clock.simulated(START_S * 1_000_000)
        self.runtime = Runtime(site_of(dwell, **settings), clock=self.clock)
        self.cars_a = dict.fromkeys(NAMES, 0.0)
        """What each car can take; 0: none there."""
        self.deaf: set[str] = set()
        """Chargers that keep what they have."""
        self.more: dict[str, float] = {}
        self.silent: set[str] = set()
        self.follow_s = 0
        """Cars draw what they might for so long after it was less."""
        self.recent = {name: deque([0.0], maxlen=1) for name in NAMES}
        self.limits_a = dict.fromkeys(NAMES, 0.0)
        self.phases = dict.fromkeys(NAMES, 3.0)
        self.cycle = 0

    def drawn_a(self, name: str) -> float:
        return min(max(self.recent[name]), self.cars_a[name])

    def power_w(self) -> float:
        return sum(self.drawn_a(name) * self.phases[name] for name in NAMES) * VOLTAGE_V

    def step(self, house_w: float, seconds: int = 1, battery_w: float = 0.0) -> dict[str, float]:
        """``house_w``: load less production; ``battery_w``: discharge > 0."""
        for _ in range(seconds):
            self.cycle += 1
            now_ns = self.cycle * 1_000_000_000
            self.clock.advance_to(now_ns)
            self._publish(house_w, battery_w, now_ns)
            decisions = {one.address: one.setpoint for one in self.runtime.step(now_ns)}
            for name in NAMES:
                if name not in self.deaf:
                    offered = decisions.get(f"{name}/phases", 3.0)
                    assert offered == self.phases[name] or self.drawn_a(name) == 0.0, "switched while current flows"
                    self.limits_a[name], self.phases[name] = decisions[f"{name}/current_limit_a"], offered
                self.recent[name] = deque([*self.recent[name], self.limits_a[name]], maxlen=1 + self.follow_s)
        return dict(self.limits_a)

    def _publish(self, house_w: float, battery_w: float, now_ns: int) -> None:
        values = {
            "grid0/active_power_w": house_w + self.power_w() - battery_w,
            "grid0/frequency_hz": 50.0,
            "ess0/active_power_w": battery_w,
            "ess0/soc_pct": 50.0,
            "ess0/max_charge_power_w": 50_000.0,
            "ess0/max_discharge_power_w": 50_000.0,
        }
        for name in NAMES:
            values[f"{name}/active_power_w"] = self.drawn_a(name) * self.phases[name] * VOLTAGE_V
            values[f"{name}/status"] = CAR if self.cars_a[name] else NONE
            values[f"{name}/current_limit_a"] = self.limits_a[name]
            values[f"{name}/phases"] = self.phases[name]
        for address, value in (values | self.more).items():
            quality = BAD if address in self.silent else GOOD
            self.runtime.image.publish(self.runtime.image.handle(address), value, now_ns, quality)


def test_cars_share_the_fuse_and_none_passes_it() -> None:
    garage = Garage(fuse_a=32.0)
    garage.cars_a = dict.fromkeys(NAMES, 32.0)
    for _ in range(120):
        limits = garage.step(0.0)
        assert sum(limits.values()) <= 32.0 + 1e-6
    assert list(limits.values()) == pytest.approx([32.0 / 3] * 3, abs=0.5)


def test_a_car_that_comes_gets_its_part_and_one_that_goes_leaves_it() -> None:
    garage = Garage(fuse_a=32.0)
    garage.cars_a["evcs0"] = 32.0
    assert garage.step(0.0, 60)["evcs0"] == pytest.approx(32.0)
    garage.cars_a["evcs1"] = 32.0
    assert garage.step(0.0, 60)["evcs1"] == pytest.approx(16.0, abs=0.5)
    garage.cars_a["evcs0"] = 0.0
    assert garage.step(0.0, 60)["evcs1"] == pytest.approx(32.0, abs=0.5)


def test_what_one_leaves_is_given_when_its_car_has_followed() -> None:
    """IEC 61851-1: a car has 5 s. Its charger shows the lower limit at once."""
    garage = Garage(fuse_a=32.0)
    garage.follow_s = 5
    garage.cars_a["evcs0"] = 32.0
    garage.step(0.0, 60)
    garage.cars_a["evcs1"] = 32.0
    for _ in range(60):
        garage.step(0.0)
        assert garage.power_w() <= 32.0 * 3 * VOLTAGE_V + 1e-6
    assert garage.limits_a["evcs1"] == pytest.approx(16.0, abs=0.5)


def test_a_small_car_leaves_what_it_cannot_take() -> None:
    garage = Garage(fuse_a=32.0)
    garage.cars_a = {"evcs0": 8.0, "evcs1": 32.0, "evcs2": 0.0}
    assert garage.step(0.0, 150)["evcs1"] == pytest.approx(22.0, abs=0.6), "32 A less 8 A and 2 A to spare"


def test_a_step_of_the_load_takes_from_the_cars_within_seconds() -> None:
    garage = Garage(import_limit_w=30_000.0)
    garage.cars_a = dict.fromkeys(NAMES, 32.0)
    garage.step(5_000.0, 120)
    assert garage.power_w() + 5_000.0 == pytest.approx(30_000.0, rel=0.05)
    garage.step(15_000.0, 3)
    assert garage.power_w() + 15_000.0 <= 30_000.0 * 1.001


def test_while_the_site_is_over_its_limit_no_charger_is_waited_for() -> None:
    """One does not follow the step, another not what follows from that: each costs a second, not four."""
    garage = Garage(import_limit_w=40_000.0)
    garage.cars_a = dict.fromkeys(NAMES, 32.0)
    garage.step(2_000.0, 120)
    assert garage.power_w() + 2_000.0 == pytest.approx(40_000.0, rel=0.05)
    garage.deaf.add("evcs0")
    over = 0
    for second in range(20):
        if second == 2:
            garage.deaf.add("evcs1")
        garage.step(17_000.0)
        over += garage.power_w() + 17_000.0 > 40_000.0 * 1.001
    assert over <= 4


def test_a_charger_that_does_not_follow_keeps_its_part_from_the_others() -> None:
    garage = Garage(fuse_a=32.0)
    garage.cars_a = {"evcs0": 32.0, "evcs1": 0.0, "evcs2": 0.0}
    garage.step(0.0, 60)
    garage.deaf.add("evcs0")
    garage.cars_a["evcs1"] = 32.0
    for _ in range(60):
        limits = garage.step(0.0)
        assert sum(limits.values()) <= 32.0 + 1e-6
    assert limits["evcs0"] == pytest.approx(32.0)
    assert limits["evcs1"] == 0.0


def test_a_charger_that_is_away_takes_nothing_from_the_others() -> None:
    garage = Garage(fuse_a=32.0)
    garage.cars_a = {"evcs0": 32.0, "evcs1": 32.0, "evcs2": 0.0}
    garage.more["evcs1/communication"] = 0.0
    garage.silent |= {f"evcs1/{name}" for name in ("active_power_w", "status", "current_limit_a", "phases")}
    assert garage.step(0.0, 60) == {"evcs0": pytest.approx(32.0), "evcs1": 0.0, "evcs2": 0.0}


def test_a_break_in_the_connection_stops_no_car_and_its_part_stays_reserved() -> None:
    garage = Garage(fuse_a=32.0)
    garage.cars_a = {"evcs0": 32.0, "evcs1": 32.0, "evcs2": 0.0}
    garage.step(0.0, 60)
    garage.more["evcs1/communication"] = 0.0
    garage.silent |= {f"evcs1/{name}" for name in ("active_power_w", "status", "current_limit_a", "phases")}
    for _ in range(60):
        assert garage.step(0.0) == {"evcs0": pytest.approx(16.0), "evcs1": pytest.approx(16.0), "evcs2": 0.0}
    garage.silent.clear()
    garage.more["evcs1/communication"] = 1.0
    assert garage.step(0.0, 60)["evcs1"] == pytest.approx(16.0)


def test_surplus_must_last_and_may_fail_for_a_while() -> None:
    garage = Garage(surplus=True, start_after_s=60.0, stop_after_s=120.0)
    garage.cars_a["evcs0"] = 16.0
    assert garage.step(-6_000.0, 50)["evcs0"] == 0.0
    assert garage.step(-6_000.0, 40)["evcs0"] == pytest.approx(6_000.0 / 690.0, abs=0.1)
    assert garage.step(1_000.0, 100)["evcs0"] == pytest.approx(6.0, abs=0.01), "a cloud"
    assert garage.step(1_000.0, 60)["evcs0"] == 0.0


def test_a_battery_is_not_drained_into_a_car_and_waits_for_it() -> None:
    garage = Garage(surplus=True, start_after_s=5.0, ess=["ess0"])
    garage.cars_a["evcs0"] = 32.0
    assert garage.step(1_000.0, 60, battery_w=20_000.0)["evcs0"] == 0.0, "what it discharges is no surplus"
    limits = garage.step(-8_000.0, 60, battery_w=-8_000.0)
    assert limits["evcs0"] == pytest.approx(8_000.0 / 690.0, abs=0.2), "what it charges with is"


def test_a_car_that_must_leave_charges_from_the_grid() -> None:
    garage = Garage(surplus=True)
    garage.cars_a = {"evcs0": 32.0, "evcs1": 32.0, "evcs2": 0.0}
    garage.more = {"evcs0/energy_request_wh": 20_000.0, "evcs0/departure_time": START_S + 3600.0}
    limits = garage.step(2_000.0, 60)
    assert limits["evcs0"] == pytest.approx(32.0, abs=0.5)
    assert limits["evcs1"] == 0.0


def test_nobody_waits_much_longer_than_the_longest_pause() -> None:
    garage = Garage(fuse_a=13.0, longest_pause_s=300.0)
    garage.cars_a = dict.fromkeys(NAMES, 32.0)
    waits, longest = dict.fromkeys(NAMES, 0), 0
    for _ in range(2_400):
        limits = garage.step(0.0)
        assert sum(limits.values()) <= 13.0 + 1e-6
        waits = {name: 0 if limits[name] > 0.0 else waits[name] + 1 for name in NAMES}
        longest = max(longest, *waits.values())
    assert longest <= 300 + 60


def test_little_sun_is_for_one_phase_and_much_for_three() -> None:
    """No change while current flows (the rig looks at each), none sooner than the last one allows."""
    garage = Garage(surplus=True, switch_phases=True, start_after_s=30.0, stop_after_s=30.0, switch_every_s=300.0)
    garage.cars_a["evcs0"] = 16.0
    garage.step(-2_500.0, 120)
    assert garage.phases["evcs0"] == 1.0
    assert garage.limits_a["evcs0"] == pytest.approx(2_500.0 / VOLTAGE_V, abs=0.2)
    garage.step(-9_000.0, 100)
    assert garage.phases["evcs0"] == 1.0, "too soon"
    garage.step(-9_000.0, 400)
    assert garage.phases["evcs0"] == 3.0
    assert garage.limits_a["evcs0"] == pytest.approx(9_000.0 / (3 * VOLTAGE_V), abs=0.2)


def test_phases_change_only_when_nothing_flows_and_not_often() -> None:
    switch = PhaseSwitch(every_s=100.0, wait_s=10.0)
    for _ in range(9):
        switch.step(1, flows_nothing=True, dt_s=1.0)
    assert not switch.idle, "not wished for long enough"
    for _ in range(60):
        switch.step(1, flows_nothing=False, dt_s=1.0)
    assert (switch.phases, switch.idle) == (3, True), "current still flows"
    switch.step(1, flows_nothing=True, dt_s=1.0)
    assert (switch.phases, switch.idle) == (1, True)
    for _ in range(16):
        switch.step(1, flows_nothing=True, dt_s=1.0)
    assert not switch.idle
    for _ in range(80):
        switch.step(3, flows_nothing=True, dt_s=1.0)
    assert switch.phases == 1, "the last change is not long enough ago"
    for _ in range(10):
        switch.step(3, flows_nothing=True, dt_s=1.0)
    assert [switch.phases] == [3]


def test_a_wish_that_goes_away_while_it_stops_changes_nothing() -> None:
    switch = PhaseSwitch(every_s=0.0, wait_s=0.0)
    switch.step(1, flows_nothing=False, dt_s=1.0)
    assert switch.idle
    switch.step(3, flows_nothing=False, dt_s=1.0)
    assert (switch.phases, switch.idle) == (3, False)


def test_without_the_meter_it_withdraws() -> None:
    garage = Garage(import_limit_w=30_000.0)
    garage.cars_a = dict.fromkeys(NAMES, 16.0)
    assert garage.step(0.0, 60)["evcs0"] > 6.0
    garage.silent.add("grid0/active_power_w")
    assert garage.step(0.0, 20) == dict.fromkeys(NAMES, 0.0), "each at its safe current"


def test_the_gate_opens_and_closes_after_its_times() -> None:
    gate = SurplusGate(start_after_s=10.0, stop_after_s=20.0)
    opened = [gate.step(5_000.0, 4_140.0, 1.0) for _ in range(10)]
    assert opened == [0.0] * 9 + [5_000.0]
    closed = [gate.step(0.0, 4_140.0, 1.0) for _ in range(20)]
    assert closed == [4_140.0] * 19 + [0.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"surplus": True}, "need a meter"),
        ({"import_limit_w": 1000.0}, "need a meter"),
        ({"phases": ["123", "1"]}, "one for each charger"),
        ({"phases": ["4"]}, "phases"),
        ({"minimum_current_a": 40.0}, "above maximum"),
        ({"evcs": []}, "evcs"),
        ({"switch_phases": True}, "surplus charging"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SmartChargingSettings.model_validate({"evcs": ["evcs0"], "fuse_a": 32.0} | settings)
