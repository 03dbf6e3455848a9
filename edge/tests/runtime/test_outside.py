"""Limits from outside and dimming, from the site file to the setpoints and the events."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import Any

import pytest
from simems_core import BAD, GOOD, Clock, Decision
from simems_core.wire import Event
from simems_edge.config import Site, read_site
from simems_edge.controllers.registry import load_type
from simems_edge.devices.site_check import site_problems
from simems_edge.runtime import Runtime

S = 1_000_000_000
ESS_W, EV_A = "ess0/active_power_w", "evcs0/current_limit_a"
IMPORT_LIMIT, EXPORT_LIMIT = "site/external_import_limit_w", "site/external_export_limit_w"
DIMMING: dict[str, Any] = {
    "devices": ["ess0", "evcs0"],
    "consumers": [{"component": "hp0", "rated_w": 3_000.0, "kind": "heat_pump"}],
    "contacts": [{"channel": "relay0/state", "unknown_after": "10 s"}],
}


def component(name: str, profile: str, unit: int, **more: Any) -> dict[str, Any]:
    return {"id": name, "profile": profile, "connection": {"modbus_tcp": {"host": "127.0.0.1", "unit": unit}}} | more


def outside_site(*, dimming: dict[str, Any] | None = None, external: dict[str, Any] | None = None) -> Site:
    grid: dict[str, Any] = {"import_limit_w": 50_000.0, "export_limit_w": 50_000.0}
    head: dict[str, Any] = {"id": "out-1", "time_zone": "Europe/Berlin", "currency": "EUR", "grid": grid}
    if external is not None:
        grid["external"] = external
    if dimming is not None:
        head["dimming"] = dimming
    components = (
        component("grid0", "sunspec_meter", 1),
        component("ess0", "sunspec_storage", 2, guards={"soc_pct": [10, 95]}),
        component("pv0", "sunspec_pv", 3),
        component("evcs0", "virtual_charger", 4, control={"safe_current_a": 16.0, "dwell": 0.0}),
        component("hp0", "virtual_load", 5),
        component("relay0", "virtual_relay", 6),
    )
    return Site.model_validate({"site": head, "components": components, "controllers": ()})


class OutsideRig:
    """One cycle a second; readings follow nothing, they are what a test says."""

    def __init__(self, site: Site) -> None:
        self.clock = Clock.simulated(1_780_000_000_000_000)
        self.runtime = Runtime(site, clock=self.clock)
        self.events: list[Event] = []
        self.runtime.on_event = self.events.append
        self.second = 0
        self.values = {
            "grid0/active_power_w": 20_000.0,
            "grid0/frequency_hz": 50.0,
            "grid0/voltage_v": 230.0,
            "ess0/active_power_w": 0.0,
            "ess0/soc_pct": 50.0,
            "ess0/max_charge_power_w": 60_000.0,
            "ess0/max_discharge_power_w": 60_000.0,
            "pv0/active_power_w": 0.0,
            "evcs0/active_power_w": 11_040.0,
            "hp0/active_power_w": 0.0,
            "relay0/state": 0.0,
        }

    def step(self, changes: dict[str, float] | None = None, *, count: int = 1) -> dict[str, Decision]:
        self.values |= changes or {}
        decisions: list[Decision] = []
        for _ in range(count):
            self.clock.advance_to(self.second * S)
            for address, value in self.values.items():
                quality = GOOD if value == value else BAD  # noqa: PLR0124 - NaN differs from itself
                self.runtime.image.publish(self.runtime.image.handle(address), value, self.second * S, quality)
            decisions = self.runtime.step(self.second * S)
            self.second += 1
        return {decision.address: decision for decision in decisions}

    def forget(self, address: str) -> None:
        self.values.pop(address, None)

    def shown(self, address: str) -> float:
        return self.runtime.image.snapshot().last_value(self.runtime.image.handle(address))

    def told(self) -> list[str]:
        return [event.code for event in self.events if event.kind == "action"]


def test_an_import_limit_from_outside_is_kept_by_everybody() -> None:
    rig = OutsideRig(outside_site())
    assert rig.step(count=3)[ESS_W].setpoint == 0.0
    limited = rig.step({IMPORT_LIMIT: 15_000.0})[ESS_W]
    assert (round(limited.setpoint), limited.bound) == (5_000, "external:grid0")
    rig.runtime.overrides.set(ESS_W, -10_000.0, duration_s=60.0, reason="test", actor="test")
    asked = rig.step()
    grid_w = 20_000.0 - asked[ESS_W].setpoint - (11_040.0 - 690.0 * asked[EV_A].setpoint)
    assert grid_w <= 15_001.0, "a person cannot cross it either: the charger gives way"


def test_an_export_limit_from_outside_stops_discharge() -> None:
    rig = OutsideRig(outside_site())
    rig.runtime.overrides.set(ESS_W, 40_000.0, duration_s=600.0, reason="test", actor="test")
    assert rig.step(count=2)[ESS_W].setpoint == 40_000.0
    limited = rig.step({EXPORT_LIMIT: 0.0})[ESS_W]
    assert (round(limited.setpoint), limited.bound) == (20_000, "external:grid0")


def test_a_limit_that_is_lost_holds_and_a_declared_failsafe_takes_over() -> None:
    rig = OutsideRig(outside_site())
    rig.step({IMPORT_LIMIT: 15_000.0})
    rig.forget(IMPORT_LIMIT)
    assert round(rig.step(count=300)[ESS_W].setpoint) == 5_000, "nobody took it back"
    rig = OutsideRig(outside_site(external={"silent_after": 60.0, "import_failsafe_w": 12_000.0}))
    assert rig.step(count=60)[ESS_W].setpoint == 0.0
    assert round(rig.step()[ESS_W].setpoint) == 8_000, "none came since the start"
    assert round(rig.step({IMPORT_LIMIT: 18_000.0})[ESS_W].setpoint) == 2_000
    rig.forget(IMPORT_LIMIT)
    assert round(rig.step(count=59)[ESS_W].setpoint) == 2_000
    assert round(rig.step(count=3)[ESS_W].setpoint) == 8_000
    assert rig.shown("site/external_import_state") == 3.0


def test_receiving_obeying_and_releasing_are_told() -> None:
    rig = OutsideRig(outside_site())
    rig.step(count=3)
    rig.step({IMPORT_LIMIT: 15_000.0}, count=2)
    rig.step({"grid0/active_power_w": 15_050.0, ESS_W: 5_000.0}, count=2)
    rig.step({IMPORT_LIMIT: 50_000.0}, count=2)
    codes = [code for code in rig.told() if code.startswith("external")]
    assert codes == ["external_import_limit.received", "external_import_limit.obeyed", "external_import_limit.released"]
    texts = [event.text for event in rig.events if event.code.startswith("external")]
    assert "limited to 15000 W (given)" in texts[0]
    assert "15050 W of 15000 W" in texts[1]


def test_a_limit_that_moves_all_the_time_does_not_flood_the_record() -> None:
    rig = OutsideRig(outside_site())
    for second in range(60):
        rig.step({IMPORT_LIMIT: 15_000.0 + 1_000.0 * (second % 2) + second})
    received = rig.told().count("external_import_limit.received")
    assert 2 <= received <= 7


def test_a_contact_dims_and_its_course_is_on_record() -> None:
    """Three devices: 10.5 kW. The heat pump takes 2 kW, so battery and charger have 8.5 kW."""
    rig = OutsideRig(outside_site(dimming=DIMMING))
    rig.runtime.overrides.set(ESS_W, -10_000.0, duration_s=3600.0, reason="test", actor="test")
    free = rig.step({"hp0/active_power_w": 2_000.0, "grid0/active_power_w": 0.0}, count=3)
    assert (free[ESS_W].setpoint, free[EV_A].setpoint) == (-10_000.0, 16.0)
    dimmed = rig.step({"relay0/state": 1.0})
    drawn_w = -dimmed[ESS_W].setpoint + 690.0 * dimmed[EV_A].setpoint
    assert drawn_w == pytest.approx(8_500.0, abs=1.0)
    assert dimmed[EV_A].bound == "dimming:site" or dimmed[ESS_W].bound == "dimming:site"
    rig.step({ESS_W: dimmed[ESS_W].setpoint, "evcs0/active_power_w": 690.0 * dimmed[EV_A].setpoint}, count=3)
    assert (rig.shown("site/dimming_state"), rig.shown("site/dimming_limit_w")) == (1.0, 10_500.0)
    assert rig.shown("site/dimming_power_w") == pytest.approx(10_500.0, abs=2.0)
    rig.step({"relay0/state": 0.0}, count=3)
    codes = [code for code in rig.told() if code.startswith("dimming")]
    assert codes == ["dimming.received", "dimming.obeyed", "dimming.released"]


def test_a_site_that_does_not_obey_is_on_record_too() -> None:
    rig = OutsideRig(outside_site(dimming=DIMMING))
    rig.step({"relay0/state": 1.0, "hp0/active_power_w": 30_000.0, "ess0/soc_pct": 10.0}, count=70)
    assert rig.told().count("dimming.not_obeyed") == 1


def test_own_sun_offsets_what_the_devices_draw() -> None:
    rig = OutsideRig(outside_site(dimming=DIMMING))
    sunny = rig.step({"relay0/state": 1.0, "pv0/active_power_w": 20_000.0, "grid0/active_power_w": 0.0}, count=2)
    assert sunny[EV_A].setpoint == 16.0


def test_a_lost_contact_dims_after_its_time() -> None:
    rig = OutsideRig(outside_site(dimming=DIMMING))
    rig.runtime.overrides.set(ESS_W, -10_000.0, duration_s=3600.0, reason="test", actor="test")
    calm = {"evcs0/active_power_w": 0.0, "grid0/active_power_w": 0.0}
    assert rig.step(calm, count=3)[ESS_W].setpoint == -10_000.0
    assert rig.step({"relay0/state": nan}, count=9)[ESS_W].setpoint == -10_000.0
    assert rig.step(count=2)[ESS_W].setpoint > -10_000.0
    assert rig.shown("site/dimming_state") == 3.0


def test_a_limit_as_a_value_dims_but_not_below_what_the_law_leaves() -> None:
    rig = OutsideRig(outside_site(dimming=DIMMING))
    rig.step({"site/external_dimming_limit_w": 12_000.0}, count=2)
    assert (rig.shown("site/dimming_state"), rig.shown("site/dimming_limit_w")) == (2.0, 12_000.0)
    rig.step({"site/external_dimming_limit_w": 1_000.0}, count=2)
    assert rig.shown("site/dimming_limit_w") == 10_500.0


def test_frequency_voltage_and_rocof_of_the_site_come_from_its_meter() -> None:
    rig = OutsideRig(outside_site())
    for second in range(6):
        rig.values["grid0/frequency_hz"] = 50.0 - 0.01 * second
        rig.step({"grid0/voltage_v": 231.5})
    assert rig.shown("site/frequency_hz") == pytest.approx(49.96, abs=0.011)
    assert rig.shown("site/voltage_v") == 231.5


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{devices: [ess0], contacts: [{channel: ess0/soc_pct}]}", "contacts[0].channel: .*no such channel"),
        ("{devices: [pv0]}", "devices[0]: .*no battery or charger"),
        ("{devices: [ess0], consumers: [{component: ess0, rated_w: 3 kW}]}", "among the devices already"),
        ("{devices: [ess0], consumers: [{component: nobody, rated_w: 3 kW}]}", "gives no active_power_w"),
    ],
)
def test_what_cannot_be_kept_is_said_with_its_place(tmp_path: Path, section: str, message: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(
        f"""
site:
  {{id: out-1, time_zone: Europe/Berlin, currency: EUR, grid: {{import_limit_w: 50 kW, export_limit_w: 50 kW}},
   dimming: {section}}}
components:
  - {{id: grid0, profile: sunspec_meter, connection: {{modbus_tcp: {{host: 127.0.0.1, unit: 1}}}}}}
  - {{id: ess0, profile: sunspec_storage, connection: {{modbus_tcp: {{host: 127.0.0.1, unit: 2}}}}}}
  - {{id: pv0, profile: sunspec_pv, connection: {{modbus_tcp: {{host: 127.0.0.1, unit: 3}}}}}}
""",
        "utf-8",
    )
    problems = site_problems(read_site(path), lambda name: load_type(name).Settings)
    texts = [f"{problem.path}: {problem.message}" for problem in problems]
    pattern = message.replace("[", r"\[").replace("]", r"\]")
    import re

    assert any(re.search(pattern, text) for text in texts), texts


def test_the_record_holds_the_power_before_during_and_after() -> None:
    rig = OutsideRig(outside_site())
    rig.step(count=70)
    rig.step({IMPORT_LIMIT: 15_000.0}, count=2)
    rig.step({"grid0/active_power_w": 14_900.0}, count=70)
    rig.step({IMPORT_LIMIT: 50_000.0}, count=70)
    entries = [one for one in rig.runtime.limit_record.take() if one.code == "external_import_limit"]
    assert [one.what for one in entries] == ["received", "obeyed", "power", "released", "after"]
    received, obeyed, power, released, after = entries
    assert (received.limit_w, received.power_w, obeyed.power_w) == (15_000.0, 20_000.0, 14_900.0)
    assert set(received.trace_w) == {20_000.0}
    assert len(received.trace_us) == len(power.trace_us) == len(after.trace_us) == 60
    assert power.trace_w[-1] == 14_900.0
    assert released.limit_w is None
    times = [time for one in (received, power, released, after) for time in one.trace_us]
    assert times == sorted(set(times)), "each second once, in order"
    assert rig.runtime.limit_record.take() == []


def test_a_power_that_is_not_known_is_recorded_as_such_and_a_long_limit_takes_little_room() -> None:
    rig = OutsideRig(outside_site())
    rig.step({IMPORT_LIMIT: 15_000.0}, count=2)
    rig.forget("grid0/active_power_w")
    rig.step(count=3600)
    entries = rig.runtime.limit_record.take()
    assert {one.what for one in entries} == {"received", "not_obeyed", "power"}
    assert entries[-1].trace_w[-1] is None
    assert len(entries) < 20
