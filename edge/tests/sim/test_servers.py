"""An independent SunSpec reader finds the virtual devices and reads what they really do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pymodbus.client import AsyncModbusTcpClient
from simems_edge.config import Site
from simems_edge.sim.plant import Plant
from simems_edge.sim.servers import PlantServers, ServerError
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

pytestmark = pytest.mark.integration
NOON = datetime(2026, 6, 9, 10, tzinfo=UTC)


@pytest.fixture
def served_plant(plant_site: Site) -> Plant:
    return Plant.from_site(plant_site, start_utc=NOON)


@pytest.fixture
async def plant_servers(plant_site: Site, served_plant: Plant) -> AsyncIterator[PlantServers]:
    servers = PlantServers(plant_site, served_plant, lambda: {"counter": 7.0, "speed": 1.0})
    await servers.start()
    yield servers
    await servers.stop()


def _read(endpoint: tuple[str, int]) -> dict[int, dict[str, float]]:
    device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=endpoint[0], ipport=endpoint[1], timeout=5)
    device.scan()
    models = {}
    for number, instances in device.models.items():
        if isinstance(number, int) and number != 64901:  # ours: its definition is not in the reader's library
            points = instances[0].points.items()
            models[number] = {name: point.cvalue for name, point in points if point.cvalue is not None}
    device.close()
    return models


async def test_pysunspec2_reads_the_truth(plant_servers: PlantServers, served_plant: Plant) -> None:
    for _ in range(3):
        served_plant.command("ess0/active_power_w", -20_000.0)
        served_plant.step(1.0)
    truth = served_plant.truth()
    read = {name: await asyncio.to_thread(_read, at) for name, at in plant_servers.endpoints.items()}
    assert read["grid0"][213]["W"] == pytest.approx(truth["grid0/active_power_w"], rel=1e-5)
    assert read["grid0"][213]["Hz"] == 50.0
    assert read["grid0"][213]["TotWhImp"] == pytest.approx(truth["grid0/import_energy_wh"], rel=1e-5, abs=1e-3)
    assert read["pv0"][701]["W"] == pytest.approx(truth["pv0/active_power_w"], abs=5.0)
    assert read["ess0"][701]["W"] == pytest.approx(truth["ess0/active_power_w"], abs=5.0)
    assert read["ess0"][713]["SoC"] == pytest.approx(truth["ess0/soc_pct"], abs=0.05)
    assert read["ess0"][702]["WChaRteMax"] == 60_000
    assert {1, 701, 702, 704, 713} <= set(read["ess0"])


async def test_only_settings_can_be_written(plant_servers: PlantServers, served_plant: Plant) -> None:
    host, port = plant_servers.endpoints["ess0"]
    client = AsyncModbusTcpClient(host, port=port)
    await client.connect()
    refused = await client.write_registers(40070, [1], device_id=1)
    assert refused.isError()
    device = await client.read_holding_registers(40000, count=2, device_id=1)
    assert device.registers == [0x5375, 0x6E53]
    client.close()
    served_plant.step(1.0)
    assert served_plant.truth()["ess0/active_power_w"] == 0.0


async def test_silent_and_refusing_devices(plant_servers: PlantServers, served_plant: Plant) -> None:
    host, port = endpoint = plant_servers.endpoints["grid0"]
    client = AsyncModbusTcpClient(host, port=port, timeout=0.2, retries=0)
    assert await client.connect()
    served_plant.silence("grid0", True)
    with pytest.raises(Exception, match="No response"):
        await client.read_holding_registers(40000, count=2, device_id=1)
    served_plant.silence("grid0", False)
    assert not (await client.read_holding_registers(40000, count=2, device_id=1)).isError()
    await plant_servers.refuse(endpoint)
    refused = AsyncModbusTcpClient(host, port=port, timeout=0.5, retries=0)
    assert not await refused.connect()
    await plant_servers.open(endpoint)
    assert await refused.connect()
    client.close()
    refused.close()


async def test_a_taken_port_is_named(plant_servers: PlantServers, plant_site: Site, served_plant: Plant) -> None:
    second = PlantServers(plant_site, served_plant, dict)
    with pytest.raises(ServerError, match="cannot be opened"):
        await second.start()
    await second.stop()
    assert plant_servers.endpoints
