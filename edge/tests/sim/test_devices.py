"""Heat, hybrids, reactive power, weak grids, phases, cars, heat pumps: what physics and their makers allow."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.config import SimulatedDevice, SimulatedThermal, Site
from simems_edge.sim.battery import Battery
from simems_edge.sim.charger import Vehicle
from simems_edge.sim.plant import Plant

NOON = datetime(2026, 6, 9, 10, tzinfo=UTC)
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
PROFILES = {
    "grid0": "sunspec_meter",
    "sub0": "sunspec_meter",
    "pv0": "virtual_pv",
    "ess0": "virtual_storage",
    "ess1": "virtual_storage",
    "evcs0": "virtual_charger",
    "load0": "virtual_load",
    "sg1": "virtual_relay",
    "sg2": "virtual_relay",
}


def plant_of(grid: dict[str, Any] | None = None, **devices: dict[str, Any]) -> Plant:
    site = Site.model_validate(
        {
            "site": {
                "id": "devices-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
            },
            "components": tuple({"id": n, "profile": p, "connection": CONNECTION} for n, p in PROFILES.items()),
            "simulation": {"pv": {"peak_w": 40_000.0}, "devices": devices, "grid": grid or {}},
        }
    )
    plant = Plant.from_site(site, start_utc=NOON)
    plant.drive("site/load_power_w", 10_000.0)
    plant.drive("pv0/available_power_w", 6_000.0)
    return plant


def shown(plant: Plant, component: str) -> Any:
    reading = plant.readings(component)
    assert reading is not None
    return reading.values


# ---- balance


@settings(max_examples=20, deadline=None)
@given(
    commands=st.lists(st.tuples(st.floats(-7e4, 7e4), st.floats(-7e4, 7e4), st.floats(0, 32)), min_size=1, max_size=8),
    phases=st.sampled_from([(1,), (2,), (1, 2, 3), (2, 3)]),
    impedance=st.sampled_from([0.0, 0.05]),
)
def test_each_phase_balances(
    commands: list[tuple[float, float, float]], phases: tuple[int, ...], impedance: float
) -> None:
    weak = {"resistance_ohm": impedance, "reactance_ohm": impedance}
    plant = plant_of(
        weak, ess1={"phases": phases}, load0={"load": {"power_w": 2_000.0, "tan_phi": 0.3}, "phases": (2,)}
    )
    plant.arrive("evcs0", Vehicle(20_000.0, plant.utc_s + 1e6, 1, 16.0))
    for power_w, reactive_var, limit_a in commands:
        plant.command("ess0/active_power_w", power_w)
        plant.command("ess1/active_power_w", -power_w / 2.0)
        plant.command("ess0/reactive_power_var", reactive_var)
        plant.command("evcs0/current_limit_a", limit_a)
        plant.step(1.0)
        parts = [shown(plant, name) for name in ("grid0", "pv0", "ess0", "ess1")]
        takes = [shown(plant, name) for name in ("evcs0", "load0")]
        base_w = plant.truth()["site/load_power_w"] - takes[1]["active_power_w"]
        for quantity, base in (("active_power_w", base_w), ("reactive_power_var", 0.2 * base_w)):
            for phase, share in (("_l1", 0.36), ("_l2", 0.33), ("_l3", 0.31)):
                # Reactive power: meter and loads count what is taken, PV and batteries what is injected.
                given_ = sum(part[quantity + phase] for part in parts)
                taken = sum(part[quantity + phase] for part in takes) + share * base
                assert given_ == pytest.approx(taken, abs=1e-6), quantity + phase


def test_voltage_answers_to_active_and_reactive_power() -> None:
    """U^2 = b + sqrt(b^2 - |Z|^2 |S|^2) with b = U0^2 / 2 - (R P + X Q), each phase."""
    plant = plant_of({"resistance_ohm": 0.1, "reactance_ohm": 0.2})
    plant.drive("pv0/available_power_w", 0.0)
    plant.step(1.0)
    reading = shown(plant, "grid0")
    p, q = reading["active_power_w_l1"], reading["reactive_power_var_l1"]
    b = 231.0**2 / 2.0 - (0.1 * p + 0.2 * q)
    wanted_v = math.sqrt(b + math.sqrt(b * b - (0.1**2 + 0.2**2) * (p * p + q * q)))
    assert reading["voltage_v_l1"] == pytest.approx(wanted_v, rel=1e-9)
    low_v = reading["voltage_v"]
    plant.command("ess0/reactive_power_var", 30_000.0)
    for _ in range(10):
        plant.step(1.0)
    raised_v = shown(plant, "grid0")["voltage_v"]
    assert raised_v > low_v
    assert raised_v == pytest.approx(231.0 - (0.1 * 10_000 / 3 + 0.2 * (2_000 - 30_000) / 3) / 231.0, abs=0.5)


def test_reactive_power_stays_in_the_circle() -> None:
    plant = plant_of()
    plant.command("ess0/active_power_w", 48_000.0)
    plant.command("ess0/reactive_power_var", 60_000.0)
    for _ in range(5):
        plant.step(1.0)
    truth = plant.truth()
    assert math.hypot(truth["ess0/active_power_w"], truth["ess0/reactive_power_var"]) <= 60_000.0 + 1e-6
    assert truth["ess0/reactive_power_var"] == pytest.approx(36_000.0, rel=1e-3)


def test_a_sub_meter_counts_its_components() -> None:
    plant = plant_of(sub0={"measures": ("load0", "pv0")}, load0={"load": {"power_w": 2_500.0}})
    plant.step(1.0)
    assert shown(plant, "sub0")["active_power_w"] == pytest.approx(2_500.0 - 6_000.0)


# ---- batteries


def test_losses_warm_the_battery_and_the_room_cools_it() -> None:
    thermal = SimulatedThermal(ambient_degc=20.0, heat_capacity_j_per_k=8e5, resistance_k_per_w=0.01)
    battery = Battery(SimulatedDevice(thermal=thermal, initial_soc_pct=100.0, capacity_wh=1e6, time_constant=0.0))
    assert battery.warmth is not None
    loss_w = battery.loss_w(60_000.0) + 50.0
    for _ in range(3600):
        battery.command(60_000.0)
        battery.step(1.0)
    rise_k = loss_w * 0.01 * (1.0 - math.exp(-3600.0 / 8000.0))
    assert battery.warmth.mean_degc == pytest.approx(20.0 + rise_k, rel=1e-6)
    battery.release()
    for _ in range(100_000):
        battery.step(1.0)
    assert battery.warmth.mean_degc == pytest.approx(20.5, abs=0.01), "standby alone: 50 W over 0.01 K/W"


@pytest.mark.parametrize(
    ("degc", "charge", "discharge"),
    [(-5.0, 0.0, 1.0), (6.0, 0.5, 1.0), (25.0, 1.0, 1.0), (49.0, 0.5, 0.5), (60.0, 0.0, 0.0)],
)
def test_its_bms_narrows_the_limits(degc: float, charge: float, discharge: float) -> None:
    battery = Battery(SimulatedDevice(thermal=SimulatedThermal(ambient_degc=degc)))
    assert battery.max_charge_w == pytest.approx(60_000.0 * charge)
    assert battery.max_discharge_w == pytest.approx(60_000.0 * discharge)


def test_a_hybrid_tells_its_parts_apart() -> None:
    plant = plant_of(ess0={"hybrid": {"peak_w": 20_000.0}, "time_constant": 0.0})
    plant.drive("ess0/dc_pv_available_w", 8_000.0)
    for wanted_w in (0.0, 5_000.0, 30_000.0, -10_000.0):
        plant.command("ess0/active_power_w", wanted_w)
        plant.step(1.0)
        reading, truth = shown(plant, "ess0"), plant.truth()
        assert truth["ess0/active_power_w"] == wanted_w
        assert reading["dc_pv_power_w"] == 8_000.0
        loss_w = reading["dc_power_w"] + reading["dc_pv_power_w"] - wanted_w
        assert 50.0 <= loss_w < 2_500.0, "what comes in at the cells' side leaves at the terminals or is lost"


def test_a_full_hybrid_curtails_its_own_sun() -> None:
    plant = plant_of(ess0={"hybrid": {"peak_w": 20_000.0}, "initial_soc_pct": 100.0})
    plant.drive("ess0/dc_pv_available_w", 8_000.0)
    plant.command("ess0/active_power_w", 0.0)
    plant.step(1.0)
    assert plant.truth()["ess0/dc_pv_power_w"] < 100.0
    assert plant.truth()["ess0/soc_pct"] <= 100.0


def test_dead_time_gain_deadband_and_ramp() -> None:
    battery = Battery(
        SimulatedDevice(time_constant=0.0, dead_time=2.0, gain=0.9, deadband_w=300.0, ramp_w_per_s=10_000.0)
    )
    seen = []
    for second in range(8):
        battery.command(20_000.0 if second < 6 else 20_200.0)
        battery.step(1.0)
        seen.append(battery.power_w)
    assert seen[:5] == [0.0, 0.0, 10_000.0, 18_000.0, 18_000.0]
    assert seen[7] == 18_000.0, "200 W more is inside its deadband"


# ---- cars


def car(plant: Plant, limits: list[float], seconds: int, dt_s: float = 1.0) -> list[float]:
    currents = []
    for limit_a in limits:
        for _ in range(seconds):
            plant.command("evcs0/current_limit_a", limit_a)
            plant.step(dt_s)
            currents.append(plant.truth()["evcs0/current_a"])
    return currents


def test_a_car_follows_within_five_seconds_and_pauses_below_six_amps() -> None:
    plant = plant_of(evcs0={"charger": {"response": 4.0}})
    assert shown(plant, "evcs0")["status"] == 1.0
    plant.arrive("evcs0", Vehicle(20_000.0, plant.utc_s + 3600.0, 3, 16.0))
    currents = car(plant, [10.0, 32.0, 5.9, 6.0], 10)
    assert currents[2] == 6.0
    assert currents[3] == currents[9] == 10.0
    assert currents[12] == 10.0
    assert currents[19] == 16.0, "its own charger takes no more"
    assert currents[29] == 0.0
    assert shown(plant, "evcs0")["status"] == 3.0
    assert currents[39] == 6.0
    assert shown(plant, "evcs0")["active_power_w"] == pytest.approx(3 * 6.0 * 230.0)


def test_phases_can_be_taken_away() -> None:
    plant = plant_of()
    plant.arrive("evcs0", Vehicle(20_000.0, plant.utc_s + 3600.0, 3, 16.0))
    plant.command("evcs0/phases", 1.0)
    car(plant, [16.0], 10)
    reading = shown(plant, "evcs0")
    assert (reading["phases"], reading["active_power_w"]) == (1.0, pytest.approx(16.0 * 230.0))
    assert reading["active_power_w_l2"] == 0.0


def test_it_stops_when_it_has_its_energy_and_leaves_in_time() -> None:
    plant = plant_of()
    plant.arrive("evcs0", Vehicle(1_000.0, plant.utc_s + 1800.0, 3, 16.0))
    car(plant, [16.0], 170, 10.0)
    reading = shown(plant, "evcs0")
    assert reading["status"] == 4.0
    assert reading["session_energy_wh"] == pytest.approx(1_000.0, abs=40.0)
    car(plant, [16.0], 15, 10.0)
    assert shown(plant, "evcs0")["status"] == 1.0


def test_daily_sessions_keep_the_clock_on_the_wall() -> None:
    sessions = ({"arrive": "12:30", "depart": "13:00", "energy_wh": 20_000.0, "phases": 1, "max_current_a": 10.0},)
    plant = plant_of(evcs0={"charger": {"sessions": sessions}})
    powers = {}
    for _ in range(130):
        plant.step(30.0)
        powers[round(plant.time_s / 60.0, 1)] = plant.truth()["evcs0/active_power_w"]
    assert powers[29.5] == 0.0
    assert powers[31.0] > 0.0
    assert powers[60.5] == 0.0


# ---- heat


def heat_pump(plant: Plant, hours: float) -> tuple[list[float], list[float]]:
    powers, temperatures = [], []
    for _ in range(round(hours * 120)):
        plant.step(30.0)
        powers.append(plant.truth()["load0/active_power_w"])
        temperatures.append(plant.truth()["load0/temperature_degc"])
    return powers, temperatures


def test_a_heat_pump_keeps_the_house_and_obeys_sg_ready() -> None:
    off = {"initially_on": False}
    plant = plant_of(load0={"heat_pump": {"outside_degc": -5.0}, "relays": ("sg1", "sg2")}, sg1=off, sg2=off)
    powers, temperatures = heat_pump(plant, 24.0)
    assert set(powers) == {0.0, 3_000.0}
    assert 20.3 < min(temperatures) <= max(temperatures) < 21.7
    mean_w = sum(powers) / len(powers)
    assert mean_w == pytest.approx(250.0 * 26.0 / 3.0, rel=0.1), "loss of the house over its COP"
    plant.command("sg1/state", 1.0)
    powers, _ = heat_pump(plant, 1.9)
    assert set(powers[1:]) == {0.0}, "blocked"
    powers, _ = heat_pump(plant, 0.6)
    assert powers[-1] == 3_000.0, "for two hours at most"
    plant.command("sg2/state", 1.0)
    _, temperatures = heat_pump(plant, 24.0)
    assert max(temperatures) > 22.0, "ordered on: it heats further"


# ---- what meters show


def test_resolution_and_dropouts() -> None:
    dropouts = {"mean_interval": 20.0, "duration": 3.0}
    plant = plant_of(grid0={"resolution_w": 50.0, "noise_w": 20.0, "dropouts": dropouts})
    silent, values = 0, set()
    for _ in range(2000):
        plant.step(0.1)
        reading = plant.readings("grid0")
        silent += reading is None
        if reading is not None:
            values.add(reading.values["active_power_w"] % 50.0)
    assert values <= {0.0}
    assert silent == pytest.approx(2000 * 3.0 / 23.0, rel=0.5)


@pytest.mark.parametrize(("show", "valid"), [("last", True), ("nan", False)])
def test_a_dropout_repeats_or_says_so(show: str, valid: bool) -> None:
    plant = plant_of(grid0={"dropouts": {"mean_interval": 1.0, "duration": 3600.0, "show": show}})
    for _ in range(100):
        plant.step(0.5)
        before = shown(plant, "grid0")["active_power_w"]
    plant.drive("site/load_power_w", 30_000.0)
    plant.step(0.5)
    value = shown(plant, "grid0")["active_power_w"]
    assert (value == before) if valid else math.isnan(value)
