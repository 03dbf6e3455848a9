"""Grid loss, island, black start, return: balance and physics at every instant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from simems_edge.config import Site
from simems_edge.sim.plant import Plant

NOON = datetime(2026, 6, 9, 10, tzinfo=UTC)
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
PROFILES = {
    "grid0": "sunspec_meter",
    "bus0": "sunspec_meter",
    "ess0": "virtual_storage",
    "pv0": "virtual_pv",
    "breaker0": "virtual_breaker",
    "relay0": "virtual_relay",
    "load0": "virtual_load",
    "evcs0": "virtual_charger",
}


def island_site(**devices: dict[str, Any]) -> Site:
    own: dict[str, dict[str, Any]] = {
        "ess0": {"forming": {"droop_pct": 2.0}, "initial_soc_pct": 60.0},
        "bus0": {"bus_side": True},
        "load0": {"load": {"power_w": 8_000.0}, "relays": ("relay0",)},
    }
    for name, settings in devices.items():
        own[name] = own.get(name, {}) | settings
    return Site.model_validate(
        {
            "site": {
                "id": "island-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
            },
            "components": tuple({"id": n, "profile": p, "connection": CONNECTION} for n, p in PROFILES.items()),
            "simulation": {"pv": {"peak_w": 40_000.0}, "devices": own},
        }
    )


def plant_of(**devices: dict[str, Any]) -> Plant:
    plant = Plant.from_site(island_site(**devices), start_utc=NOON)
    plant.drive("site/load_power_w", 12_000.0)
    plant.drive("pv0/available_power_w", 5_000.0)
    return plant


def balance_w(plant: Plant) -> float:
    truth = plant.truth()
    sources = truth["site/grid_power_w"] + truth["pv0/active_power_w"] + truth["ess0/active_power_w"]
    return sources - truth["site/load_power_w"] - truth["evcs0/active_power_w"]


def run(plant: Plant, duration_s: float, dt_s: float = 0.1) -> None:
    for _ in range(round(duration_s / dt_s)):
        plant.step(dt_s)
        assert balance_w(plant) == pytest.approx(0.0, abs=1e-6)
        truth = plant.truth()
        if not truth["site/live"]:
            assert truth["ess0/active_power_w"] == truth["pv0/active_power_w"] == truth["site/load_power_w"] == 0.0


def island(plant: Plant) -> None:
    """The grid goes, the breaker opens, the battery is ordered to form."""
    plant.drive("grid/present", 0.0)
    run(plant, 1.0)
    plant.command("breaker0/closed", 0.0)
    run(plant, 0.5)
    plant.command("ess0/operating_mode", 1.0)
    run(plant, 5.0)


def test_without_a_former_the_bus_dies() -> None:
    plant = plant_of()
    run(plant, 1.0)
    plant.drive("grid/present", 0.0)
    plant.step(0.1)
    dying = plant.readings("grid0")
    assert dying is not None
    assert 50.0 < dying.values["voltage_v"] < 200.0
    assert 48.0 < dying.values["frequency_hz"] < 50.0
    run(plant, 2.0)
    assert plant.truth()["site/voltage_v"] == 0.0
    plant.command("ess0/operating_mode", 1.0)
    run(plant, 5.0)
    assert not plant.truth()["site/live"], "behind a closed breaker hangs the neighbourhood"


def test_an_ordered_battery_forms_the_island_after_the_breaker_opened() -> None:
    plant = plant_of()
    island(plant)
    truth = plant.truth()
    assert (truth["site/live"], truth["ess0/grid_forming"], truth["breaker0/closed"]) == (1.0, 1.0, 0.0)
    assert truth["site/grid_power_w"] == 0.0
    load_w = truth["ess0/active_power_w"]
    assert load_w == pytest.approx(20_000.0), "PV waits for its reconnection"
    assert truth["site/frequency_hz"] == pytest.approx(50.0 - load_w / 60_000.0 * 0.02 * 50.0, abs=1e-3)
    shown = plant.readings("grid0")
    assert shown is not None
    assert (shown.values["voltage_v"], shown.values["frequency_hz"]) == (0.0, 0.0)
    behind = plant.readings("bus0")
    assert behind is not None
    assert 220.0 < behind.values["voltage_v"] < 231.0


def test_the_frequency_swings_with_inertia_and_droop() -> None:
    """The first-order answer of 2 H droop = 2 * 5 * 0.02 = 0.2 s to 30 kW more: 0.5 Hz lower."""
    plant = plant_of(pv0={"reconnect": 1e3})
    island(plant)
    before_hz = plant.truth()["site/frequency_hz"]
    plant.drive("site/load_power_w", 42_000.0)
    run(plant, 0.2, 0.01)
    drop_hz = before_hz - plant.truth()["site/frequency_hz"]
    assert drop_hz == pytest.approx(0.5 * (1.0 - 0.3679), rel=0.06)
    run(plant, 3.0)
    assert before_hz - plant.truth()["site/frequency_hz"] == pytest.approx(0.5, abs=1e-3)


def test_overload_trips_the_island() -> None:
    plant = plant_of()
    island(plant)
    plant.drive("site/load_power_w", 57_000.0)
    run(plant, 1.5)
    assert plant.truth()["site/live"], "65 kW of 60: borne for two seconds"
    run(plant, 1.5)
    assert not plant.truth()["site/live"]
    run(plant, 10.0)
    assert plant.truth()["site/voltage_v"] == 0.0, "it forms again only when ordered anew"


def test_shedding_by_a_relay_saves_it() -> None:
    plant = plant_of()
    island(plant)
    plant.drive("site/load_power_w", 57_000.0)
    run(plant, 1.0)
    plant.command("relay0/state", 0.0)
    run(plant, 10.0)
    assert plant.truth()["site/live"]
    assert plant.truth()["ess0/active_power_w"] == pytest.approx(57_000.0)


def test_a_full_battery_raises_the_frequency_until_pv_gives_way() -> None:
    plant = plant_of(ess0={"initial_soc_pct": 99.9, "forming": {"overload_time": 5.0}}, pv0={"reconnect": 1.0})
    island(plant)
    plant.drive("pv0/available_power_w", 30_000.0)
    run(plant, 700.0)
    truth = plant.truth()
    assert truth["site/live"]
    assert truth["pv0/active_power_w"] < 29_000.0, "the sun offers 30 kW"
    shown = plant.readings("ess0")
    assert shown is not None
    assert -truth["ess0/active_power_w"] <= shown.values["max_charge_power_w"]
    assert truth["site/frequency_hz"] > 50.2


def test_an_automatic_former_takes_over_by_itself() -> None:
    plant = plant_of(ess0={"forming": {"automatic": True, "start": 0.0}}, breaker0={"breaker": {"automatic": True}})
    plant.drive("grid/present", 0.0)
    run(plant, 2.0)
    assert plant.truth()["breaker0/closed"] == 0.0
    assert plant.truth()["site/live"]


def test_return_waits_for_the_sync_check_and_is_smooth() -> None:
    plant = plant_of()
    island(plant)
    plant.command("breaker0/closed", 1.0)
    run(plant, 2.0)
    assert plant.truth()["breaker0/closed"] == 0.0, "never onto a dead grid"
    plant.drive("grid/present", None)
    angles = []
    for _ in range(2000):
        plant.command("ess0/active_power_w", 15_000.0)  # its setpoint lifts the frequency towards the grid's
        plant.step(0.1)
        if plant.truth()["breaker0/closed"]:
            break
        angles.append(abs(plant.network.angle_deg))
    assert plant.truth()["breaker0/closed"] == 1.0
    assert angles[-1] <= 25.0
    assert max(angles) > 90.0, "it slipped through before"
    assert plant.truth()["breaker0/shocks"] == 0.0
    run(plant, 1.0)
    assert plant.truth()["site/frequency_hz"] == 50.0
    assert plant.truth()["site/grid_power_w"] != 0.0


def test_closing_out_of_step_trips_the_island() -> None:
    plant = plant_of(breaker0={"breaker": {"sync_check": False}})
    island(plant)
    plant.drive("grid/present", None)
    while abs(plant.network.angle_deg) < 90.0:
        plant.step(0.1)
    plant.command("breaker0/closed", 1.0)
    run(plant, 0.3)
    assert plant.truth()["breaker0/shocks"] == 1.0
    assert plant.truth()["ess0/grid_forming"] == 0.0
    plant.drive("grid/present", 0.0)
    plant.command("breaker0/closed", 0.0)
    run(plant, 1.0)
    plant.command("ess0/operating_mode", 1.0)
    run(plant, 5.0)
    assert plant.truth()["ess0/grid_forming"] == 1.0, "once tripped is not for ever"


def test_energy_is_conserved_through_it_all() -> None:
    plant = plant_of()
    stored_wh = plant.truth()["ess0/energy_wh"]
    given_wh = 0.0

    def go(duration_s: float) -> float:
        left_wh = 0.0
        for _ in range(round(duration_s / 0.1)):
            plant.step(0.1)
            left_wh += plant.truth()["ess0/cell_power_w"] * 0.1 / 3600.0
        return left_wh

    plant.drive("grid/present", 0.0)
    given_wh += go(1.0)
    plant.command("breaker0/closed", 0.0)
    plant.command("ess0/operating_mode", 1.0)
    given_wh += go(60.0)
    plant.drive("grid/present", None)
    plant.command("breaker0/closed", 1.0)
    given_wh += go(60.0)
    assert plant.truth()["ess0/energy_wh"] == pytest.approx(stored_wh - given_wh, abs=1e-6)
