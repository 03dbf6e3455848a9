"""The plant keeps its books: power balances, energy is conserved, limits hold, devices show what they should when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.config import SimulatedDevice, Site
from simems_edge.sim.battery import WATCHDOG_S, Battery
from simems_edge.sim.plant import Plant, PlantError

NOON = datetime(2026, 6, 9, 10, tzinfo=UTC)
Make = Callable[..., Site]


@settings(max_examples=25, deadline=None)
@given(
    commands=st.lists(st.floats(-90_000, 90_000), min_size=1, max_size=30),
    dt_s=st.sampled_from([0.1, 1.0, 7.5]),
    soc_pct=st.sampled_from([0.0, 3.0, 50.0, 98.0, 100.0]),
)
def test_power_balances_and_energy_is_conserved(
    make_plant_site: Make, commands: list[float], dt_s: float, soc_pct: float
) -> None:
    plant = Plant.from_site(make_plant_site(ess0={"initial_soc_pct": soc_pct}), start_utc=NOON)
    stored_wh = plant.truth()["ess0/energy_wh"]
    for command in commands:
        plant.command("ess0/active_power_w", command)
        plant.step(dt_s)
        truth = plant.truth()
        sources = truth["grid0/active_power_w"] + truth["pv0/active_power_w"] + truth["ess0/active_power_w"]
        assert sources == pytest.approx(truth["site/load_power_w"], abs=1e-6)
        stored_wh -= truth["ess0/cell_power_w"] * dt_s / 3600.0
        assert truth["ess0/energy_wh"] == pytest.approx(stored_wh, abs=1e-6)
        assert 0.0 <= truth["ess0/soc_pct"] <= 100.0
        assert truth["ess0/cell_power_w"] >= truth["ess0/active_power_w"] - 1e-9, "losses are never a gain"


def test_battery_stops_at_both_ends_and_tapers() -> None:
    battery = Battery(SimulatedDevice(initial_soc_pct=20.0))
    seen = []
    for _ in range(3 * 3600):
        battery.command(60_000.0)
        battery.step(1.0)
        seen.append(battery.power_w)
    assert battery.soc_pct < 0.1
    assert min(seen) >= 0.0
    assert seen[-1] < 1_000.0
    battery.energy_wh = battery.capacity_wh
    assert battery.max_charge_w == pytest.approx(0.0, abs=1e-6)


def test_battery_forgets_an_old_command() -> None:
    battery = Battery(SimulatedDevice())
    battery.command(30_000.0)
    for _ in range(round(WATCHDOG_S)):
        battery.step(1.0)
    assert battery.power_w == pytest.approx(30_000.0, rel=1e-3)
    for _ in range(5):
        battery.step(1.0)
    assert battery.power_w == 0.0
    assert not battery.commanded


def test_battery_response_does_not_depend_on_the_step() -> None:
    coarse, fine = Battery(SimulatedDevice(time_constant=2.0)), Battery(SimulatedDevice(time_constant=2.0))
    coarse.command(10_000.0)
    fine.command(10_000.0)
    coarse.step(1.0)
    for _ in range(10):
        fine.step(0.1)
    assert fine.power_w == pytest.approx(coarse.power_w)
    assert coarse.power_w == pytest.approx(3934.7, rel=1e-3)


def test_efficiency_falls_at_part_load() -> None:
    battery = Battery(SimulatedDevice())
    shares = [battery.loss_w(power_w) / power_w for power_w in (60_000.0, 30_000.0, 6_000.0, 600.0)]
    assert shares[1] < shares[0]
    assert shares[1] < shares[2] < shares[3]


def test_minimum_power() -> None:
    battery = Battery(SimulatedDevice(minimum_power_w=500.0, time_constant=0.0))
    battery.command(400.0)
    battery.step(1.0)
    assert battery.power_w == 0.0


def test_meter_delay_and_interval(make_plant_site: Make) -> None:
    plant = Plant.from_site(make_plant_site(grid0={"delay": 1.0, "interval": 0.5}), start_utc=NOON)
    truth = {}
    for _ in range(40):
        plant.step(0.1)
        truth[round(plant.time_s, 1)] = plant.truth()["grid0/active_power_w"]
        reading = plant.readings("grid0")
        if plant.time_s > 1.6:
            assert reading is not None
            age_s = plant.time_s - reading.sample_time_s
            assert 1.0 - 1e-6 <= age_s < 1.5 + 1e-6
            assert reading.values["active_power_w"] == truth[round(reading.sample_time_s, 1)]


def test_timestamp_error(make_plant_site: Make) -> None:
    plant = Plant.from_site(make_plant_site(grid0={"timestamp_error": -0.3}), start_utc=NOON)
    plant.step(1.0)
    reading = plant.readings("grid0")
    assert reading is not None
    assert reading.sample_time_s == pytest.approx(0.7)


def test_same_seed_same_plant(plant_site: Site) -> None:
    def day(seed: int) -> list[float]:
        plant = Plant.from_site(plant_site, start_utc=NOON, seed=seed)
        values = []
        for _ in range(200):
            plant.step(1.0)
            values.append(plant.truth()["grid0/active_power_w"])
        return values

    assert day(1) == day(1)
    assert day(1) != day(2)


def test_silence_and_refusals(plant_site: Site) -> None:
    plant = Plant.from_site(plant_site, start_utc=NOON)
    plant.silence("grid0", True)
    assert plant.readings("grid0") is None
    plant.silence("grid0", False)
    assert plant.readings("grid0") is not None
    with pytest.raises(PlantError, match="no ess9"):
        plant.command("ess9/active_power_w", 1.0)
    with pytest.raises(PlantError, match="cannot follow nan"):
        plant.command("ess0/active_power_w", float("nan"))
    with pytest.raises(PlantError, match="is not a setpoint"):
        plant.command("grid0/active_power_w", 1.0)


def test_pv_limit(plant_site: Site) -> None:
    plant = Plant.from_site(plant_site, start_utc=NOON)
    plant.command("pv0/active_power_limit_w", 1_000.0)
    plant.step(1.0)
    assert plant.truth()["pv0/active_power_w"] == 1_000.0
    assert plant.truth()["pv0/available_power_w"] > 1_000.0
    plant.release("pv0/active_power_limit_w")
    plant.step(1.0)
    assert plant.truth()["pv0/active_power_w"] > 1_000.0


def test_restored_plant_goes_on(plant_site: Site) -> None:
    first = Plant.from_site(plant_site, start_utc=NOON)
    for _ in range(100):
        first.command("ess0/active_power_w", 40_000.0)
        first.step(1.0)
    second = Plant.from_site(plant_site, start_utc=NOON)
    second.restore(first.state())
    assert second.state() == first.state()
