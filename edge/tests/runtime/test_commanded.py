"""What a site file lets the cycle command beside batteries, and that its limits are kept together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from simems_core import Clock, Decision
from simems_edge.config import Site
from simems_edge.devices import Profile, load_profile, profile_names
from simems_edge.devices.phases import missing_for_phases
from simems_edge.devices.profile import parse_profile
from simems_edge.runtime import Runtime

S = 1_000_000_000
RATED_W = 60_000.0


def connection(unit: int) -> dict[str, Any]:
    return {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": unit}}


def component(name: str, profile: str, unit: int, **more: Any) -> dict[str, Any]:
    return {"id": name, "profile": profile, "connection": connection(unit)} | more


GRID = component("grid0", "sunspec_meter", 1)
ESS = component("ess0", "sunspec_storage", 2, guards={"soc_pct": [10, 95]})
PV = component("pv0", "sunspec_pv", 3, control={"rating_w": 30_000.0})


def site(components: list[dict[str, Any]], *, grid: dict[str, float] | None = None, **more: Any) -> Site:
    limits = {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0} | (grid or {})
    head = {"id": "site-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": limits}
    return Site.model_validate({"site": head, "components": tuple(components), "controllers": ()} | more)


def battery(name: str, soc_pct: float = 50.0, power_w: float = 0.0) -> dict[str, float]:
    return {
        f"{name}/active_power_w": power_w,
        f"{name}/soc_pct": soc_pct,
        f"{name}/max_charge_power_w": RATED_W,
        f"{name}/max_discharge_power_w": RATED_W,
    }


def meter(power_w: float, *phases_w: float) -> dict[str, float]:
    values = {"grid0/active_power_w": power_w, "grid0/frequency_hz": 50.0}
    for phase, phase_w in enumerate(phases_w, start=1):
        volts = {f"grid0/voltage_v_l{phase}": 230.0, f"grid0/current_a_l{phase}": abs(phase_w) / 230.0}
        values |= {f"grid0/active_power_w_l{phase}": phase_w} | volts
    return values


class Stepped:
    """One cycle a second on a simulated clock."""

    def __init__(self, what: Site) -> None:
        self.clock = Clock.simulated(1_780_000_000_000_000)
        self.runtime = Runtime(what, clock=self.clock)
        self.second = 0

    def step(self, values: dict[str, float], count: int = 1) -> dict[str, Decision]:
        decisions: list[Decision] = []
        for _ in range(count):
            self.clock.advance_to(self.second * S)
            for address, value in values.items():
                self.runtime.image.publish(self.runtime.image.handle(address), value, self.second * S)
            decisions = self.runtime.step(self.second * S)
            self.second += 1
        return {decision.address: decision for decision in decisions}


def said(decision: Decision) -> tuple[float, str]:
    return round(decision.setpoint, 3), decision.reason


def test_a_site_without_control_commands_its_batteries_alone() -> None:
    plain = component("pv0", "sunspec_pv", 3)
    runtime = Stepped(site([GRID, ESS, plain])).runtime
    assert runtime.assembly.actuators == ("ess0/active_power_w",)
    assert "pv0/active_power_limit_w_setpoint" not in {channel.address for channel in runtime.channels}


def test_batteries_charge_before_solar_power_is_curtailed() -> None:
    stepped = Stepped(site([GRID, ESS, PV]))
    sun = {"pv0/active_power_w": 29_000.0}
    decided = stepped.step(meter(-70_000.0) | battery("ess0") | sun)
    assert said(decided["ess0/active_power_w"]) == (-21_000.0, "fallback; bound: grid:grid0"), "1 kW more sun may come"
    assert said(decided["pv0/active_power_limit_w"]) == (30_000.0, "fallback")
    full = Stepped(site([GRID, ESS, PV])).step(meter(-70_000.0) | battery("ess0", soc_pct=95.0) | sun)
    assert said(full["ess0/active_power_w"])[0] == 0.0
    assert said(full["pv0/active_power_limit_w"]) == (9_000.0, "fallback; bound: grid:grid0")


def test_a_curtailed_inverter_stays_curtailed_while_its_sun_stands_and_is_freed_after() -> None:
    stepped = Stepped(site([GRID, PV]))
    load_w, sun_w, power_w, limits = -41_000.0, 29_000.0, 29_000.0, []
    for second in range(60):
        sun_w = 29_000.0 if second < 30 else 5_000.0
        decided = stepped.step(meter(load_w - power_w) | {"pv0/active_power_w": power_w})
        limits.append(decided["pv0/active_power_limit_w"].setpoint)
        power_w = min(sun_w, limits[-1])
    assert limits[5:30] == pytest.approx([9_000.0] * 25), "no swing"
    assert limits[-1] >= 9_000.0


def test_the_phase_limit_is_kept_by_each_phase() -> None:
    stepped = Stepped(site([GRID, ESS], grid={"phase_limit_a": 100.0}))
    calm = stepped.step(meter(30_000.0, 10_000.0, 10_000.0, 10_000.0) | battery("ess0"))
    assert said(calm["ess0/active_power_w"]) == (0.0, "fallback")
    stepped = Stepped(site([GRID, ESS], grid={"phase_limit_a": 100.0}))
    one = stepped.step(meter(45_000.0, 25_000.0, 10_000.0, 10_000.0) | battery("ess0"))
    assert said(one["ess0/active_power_w"]) == (6_000.0, "fallback; bound: phase:grid0"), "a third of it is on L1"
    turned = component("ess0", "sunspec_storage", 2, control={"phases": [1]})
    stepped = Stepped(site([GRID, turned], grid={"phase_limit_a": 100.0}))
    alone = stepped.step(meter(45_000.0, 25_000.0, 10_000.0, 10_000.0) | battery("ess0"))
    assert said(alone["ess0/active_power_w"]) == (2_000.0, "fallback; bound: phase:grid0")


def test_a_phase_that_nobody_sees_closes() -> None:
    stepped = Stepped(site([GRID, ESS, PV], grid={"phase_limit_a": 100.0}))
    stepped.runtime.overrides.set("ess0/active_power_w", -5_000.0, duration_s=60.0, reason="test", actor="test")
    blind = stepped.step(meter(30_000.0, 10_000.0, 10_000.0) | battery("ess0") | {"pv0/active_power_w": 1_000.0})
    assert said(blind["ess0/active_power_w"]) == (0.0, "manual; bound: phase:grid0")
    assert said(blind["pv0/active_power_limit_w"]) == (30_000.0, "fallback"), "its export alone passes no phase"
    seen = stepped.step(meter(30_000.0, 1e4, 1e4, 1e4) | battery("ess0") | {"pv0/active_power_w": 1_000.0})
    assert said(seen["ess0/active_power_w"]) == (-5_000.0, "manual")


def test_a_cluster_shares_what_a_person_asks_of_it() -> None:
    entry = {"id": "store", "members": ["ess0", "ess1"], "share": "soc", "limit_w": 40_000.0}
    other = component("ess1", "sunspec_storage", 4, guards={"soc_pct": [10, 95]})
    stepped = Stepped(site([GRID, ESS, other], clusters=(entry,)))
    stepped.runtime.overrides.set("store/active_power_w", 30_000.0, duration_s=600.0, reason="test", actor="test")
    values = meter(30_000.0) | battery("ess0", 50.0, 1_000.0) | battery("ess1", 30.0, 500.0)
    decided = stepped.step(values, count=3)
    assert said(decided["ess0/active_power_w"]) == (20_000.0, "manual; bound: cluster:store")
    assert said(decided["ess1/active_power_w"]) == (10_000.0, "manual; bound: cluster:store")
    assert said(decided["store/active_power_w"]) == (30_000.0, "manual")
    latest: Any = stepped.runtime.latest()
    assert latest["values"]["store/active_power_w"]["value"] == 1_500.0
    stepped.runtime.overrides.set("store/active_power_w", 90_000.0, duration_s=600.0, reason="test", actor="test")
    capped = stepped.step(values)
    assert capped["store/active_power_w"].setpoint == pytest.approx(40_000.0)
    assert capped["ess0/active_power_w"].bound == "cap:store"


def test_decisions_on_clusters_reach_no_bridge() -> None:
    written: list[str] = []

    class Bridge:
        addresses = frozenset({"ess0/active_power_w", "pv0/active_power_limit_w", "store/active_power_w"})

        async def run(self) -> None: ...

        def write(self, address: str, setpoint: float) -> None:
            written.append(address)

    from simems_edge.runtime.outputs import BridgeThread

    entry = {"id": "store", "members": ["ess0"]}
    stepped = Stepped(site([GRID, ESS, PV], clusters=(entry,)))
    thread = BridgeThread(Bridge(), frozenset(one.address for one in stepped.runtime.assembly.commanded))
    thread.write(list(stepped.step(meter(0.0) | battery("ess0") | {"pv0/active_power_w": 0.0}).values()))
    assert written == ["ess0/active_power_w", "pv0/active_power_limit_w"]


@pytest.mark.parametrize("profile", [name for name in profile_names() if load_profile(name).kind == "evcs"])
def test_every_charger_can_be_commanded_also_one_whose_limit_cannot_be_read(profile: str) -> None:
    charger = component("evcs0", profile, 6, control={"safe_current_a": 6.0})
    stepped = Stepped(site([GRID, charger]))
    assert said(stepped.step(meter(0.0))["evcs0/current_limit_a"])[0] in {0.0, 6.0}


# ---- devices that no shipped profile describes


def _register(address: int) -> list[dict[str, Any]]:
    return [{"modbus": {"address": address, "type": "int16"}}]


def _setting(address: int) -> list[dict[str, Any]]:
    return [one | {"memory": "volatile"} for one in _register(address)]


def _profiles(name: str) -> Profile:
    charger = {
        "id": "charger",
        "kind": "evcs",
        "description": "A charger of these tests",
        "source": "none",
        "untested": "everything",
        "protocol": "modbus",
        "channels": [
            {"name": "active_power_w", "unit": "W", "read": _register(1)},
            {"name": "current_limit_a", "unit": "A", "read": _register(2), "write": _setting(2), "maximum": 32},
        ],
    }
    if name == "charger":
        return parse_profile(charger, name)
    profile = load_profile(name)
    if name != "sunspec_storage":
        return profile
    data = profile.model_dump(exclude_unset=True)
    for row in data["channels"]:
        if row["name"] == "reactive_power_var":
            row["write"] = [{"sunspec": {"models": [704], "point": "VarSet"}}]
    return parse_profile(data, name)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[[Site], Stepped]:
    for place in ("runtime.assembly", "controllers.registry"):
        monkeypatch.setattr(f"simems_edge.{place}.load_profile", _profiles)
    return Stepped


def test_chargers_are_shed_after_batteries_and_before_anything_is_missed(made: Callable[[Site], Stepped]) -> None:
    charger = component("evcs0", "charger", 5, control={"safe_current_a": 16.0})
    stepped = made(site([GRID, ESS, charger]))
    car = {"evcs0/active_power_w": 11_000.0}
    first = stepped.step(meter(110_000.0) | battery("ess0") | car)
    assert said(first["ess0/active_power_w"]) == (10_040.0, "fallback; bound: grid:grid0"), "16 A are 11.04 kW"
    assert said(first["evcs0/current_limit_a"]) == (16.0, "fallback")
    stepped = made(site([GRID, ESS, charger]))
    empty = stepped.step(meter(105_000.0) | battery("ess0", soc_pct=5.0) | car)
    assert empty["evcs0/current_limit_a"].setpoint == pytest.approx(6_000.0 / 690.0)
    assert empty["evcs0/current_limit_a"].bound == "grid:grid0"
    stepped = made(site([GRID, ESS, charger]))
    off = stepped.step(meter(109_000.0) | battery("ess0", soc_pct=5.0) | car)
    assert off["evcs0/current_limit_a"].setpoint == 0.0, "below 6 A there is nothing"


def test_active_and_reactive_power_share_the_apparent_power(made: Callable[[Site], Stepped]) -> None:
    both = component("ess0", "sunspec_storage", 2, control={"reactive_rating_var": 40_000.0})
    stepped = made(site([GRID, both]))
    for target, value in (("ess0/active_power_w", 30_000.0), ("ess0/reactive_power_var", -40_000.0)):
        stepped.runtime.overrides.set(target, value, duration_s=600.0, reason="test", actor="test")
    known = meter(60_000.0) | battery("ess0")
    decided = stepped.step(known | {"ess0/max_apparent_power_va": 34_000.0})
    assert said(decided["ess0/active_power_w"]) == (30_000.0, "manual")
    assert said(decided["ess0/reactive_power_var"]) == (-16_000.0, "manual; bound: circle:ess0")
    unknown = made(site([GRID, both])).step(known)
    assert {decision.setpoint for decision in unknown.values()} == {0.0}


def test_a_meter_must_read_its_phases_for_their_limit() -> None:
    profile = load_profile("sunspec_meter")
    assert missing_for_phases(profile) == []
    kept = tuple(row for row in profile.channels if not row.name.startswith(("voltage_v", "current_a")))
    assert missing_for_phases(profile.model_copy(update={"channels": kept})) == ["voltage_v_l1..l3", "current_a_l1..l3"]
