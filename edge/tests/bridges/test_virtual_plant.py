"""The bridge against the virtual plant's real Modbus servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from simems_core import Clock
from simems_edge.config import Site
from simems_edge.sim.plant import Plant
from simems_edge.sim.servers import PlantServers

from .conftest import bridge_site, modbus_component, unused_port

pytestmark = pytest.mark.integration
NOON = datetime(2026, 6, 9, 10, tzinfo=UTC)


@asynccontextmanager
async def _plant(site: Site, speed: float = 1.0) -> AsyncIterator[tuple[Plant, PlantServers]]:
    plant = Plant.from_site(site, start_utc=NOON)
    servers = PlantServers(site, plant, lambda: {"counter": plant.time_s, "speed": speed})
    await servers.start()
    stepping = asyncio.create_task(_step(plant))
    try:
        yield plant, servers
    finally:
        stepping.cancel()
        await asyncio.gather(stepping, return_exceptions=True)
        await servers.stop()


async def _step(plant: Plant) -> None:
    began = time.monotonic()
    while True:
        behind_s = time.monotonic() - began - plant.time_s
        if behind_s > 0.0:
            plant.step(behind_s)
        await asyncio.sleep(0.02)


def _whole_site() -> Site:
    profiles = {"grid0": "sunspec_meter", "pv0": "sunspec_pv", "ess0": "sunspec_storage"}
    return bridge_site(*(modbus_component(name, profile, unused_port()) for name, profile in profiles.items()))


async def test_values_arrive_and_setpoints_are_followed(run_bench: Any) -> None:
    site = _whole_site()
    async with _plant(site) as (plant, _), run_bench(site) as bench:
        await bench.until(lambda: all(bench.valid(f"{n}/active_power_w") for n in ("grid0", "pv0", "ess0")))
        bench.bridge.write("ess0/active_power_w", 15_000.0)
        await bench.until(lambda: abs(bench.value("ess0/active_power_w") - 15_000.0) < 50.0)
        truth = plant.truth()
        assert bench.value("pv0/active_power_w") == pytest.approx(truth["pv0/active_power_w"], rel=0.05)
        assert bench.value("grid0/frequency_hz") == 50.0
        assert bench.value("ess0/soc_pct") == pytest.approx(truth["ess0/soc_pct"], abs=0.1)
        assert bench.value("ess0/communication") == 1.0
        assert not bench.problems
    plant.step(5.0)
    assert plant.truth()["ess0/active_power_w"] == 0.0, "an orderly stop hands the battery back"


async def test_a_dead_device_never_slows_another_and_comes_back(run_bench: Any) -> None:
    site = _whole_site()
    async with _plant(site) as (plant, servers), run_bench(site) as bench:
        await bench.until(lambda: bench.valid("grid0/active_power_w") and bench.valid("ess0/active_power_w"))
        plant.silence("grid0", True)
        await servers.refuse(servers.endpoints["pv0"])
        await bench.until(lambda: bench.value("grid0/communication") == 0.0 and bench.value("pv0/communication") == 0.0)
        assert set(bench.problems) == {("grid0", "communication_lost"), ("pv0", "communication_lost")}
        handle = bench.image.handle("ess0/active_power_w")
        ages_s = []
        for _ in range(50):
            await asyncio.sleep(0.02)
            ages_s.append((bench.clock.now_ns() - bench.latch().time_of(handle)) / 1e9)
        assert sorted(ages_s)[45] < 0.5, "the battery is still read several times a second"
        await bench.until(lambda: not bench.valid("grid0/active_power_w"))
        plant.silence("grid0", False)
        await servers.open(servers.endpoints["pv0"])
        await bench.until(lambda: not bench.problems and bench.valid("grid0/active_power_w"), 25)


async def test_an_absurd_setpoint_is_never_sent(run_bench: Any) -> None:
    site = _whole_site()
    async with _plant(site) as (plant, _), run_bench(site) as bench:
        bench.bridge.write("ess0/active_power_w", float("nan"))
        await bench.until(lambda: ("ess0", "setpoint_rejected") in bench.problems)
        bench.bridge.write("ess0/active_power_w", -5_000.0)
        await bench.until(lambda: plant.truth()["ess0/active_power_w"] < -4_900.0)
        assert not bench.problems
        with pytest.raises(KeyError):
            bench.bridge.write("grid0/active_power_w", 1.0)


async def test_a_plant_at_another_speed_is_refused(run_bench: Any) -> None:
    site = _whole_site()
    async with _plant(site, speed=10.0), run_bench(site) as bench:
        await bench.until(lambda: ("grid0", "clock_speed") in bench.problems)
        assert "--clock-file" in bench.problems["grid0", "clock_speed"]
        assert not bench.valid("grid0/active_power_w")


async def test_a_real_device_is_refused_on_a_scaled_clock(run_bench: Any) -> None:
    site = _whole_site()
    clock = Clock.scaled(time.monotonic_ns(), 0, 10.0)
    async with _plant(site, speed=1.0), run_bench(site, clock) as bench:
        await bench.until(lambda: ("ess0", "clock_speed") in bench.problems)


async def test_a_wrong_profile_is_told(run_bench: Any) -> None:
    port = unused_port()
    site = bridge_site(modbus_component("grid0", "sunspec_meter", port))
    wrong = bridge_site(modbus_component("ess0", "sunspec_storage", port))
    async with _plant(site), run_bench(wrong) as bench:
        await bench.until(lambda: ("ess0", "profile_mismatch") in bench.problems)
        assert "soc_pct" in bench.problems["ess0", "profile_mismatch"]


async def test_several_units_behind_one_port(run_bench: Any) -> None:
    port = unused_port()
    site = bridge_site(
        modbus_component("grid0", "sunspec_meter", port, unit=1),
        modbus_component("ess0", "sunspec_storage", port, unit=2),
        modbus_component("plant0", "virtual_plant", port, unit=1),
    )
    async with _plant(site), run_bench(site) as bench:
        await bench.until(lambda: bench.valid("grid0/active_power_w") and bench.valid("ess0/soc_pct"))
        await bench.until(lambda: bench.value("plant0/counter") >= 1.0)
