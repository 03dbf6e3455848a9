"""An edge that begins (again) moves nothing of what only people and sequences may move: contacts, modes, phases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from simems_core import Clock
from simems_edge.bridges.modbus import ModbusBridge
from simems_edge.config import Site
from simems_edge.runtime import Runtime

from .register_devices import Place, RegisterDevice, serving

pytestmark = pytest.mark.integration
PHASES = 1215
CHARGES_ON_ONE: dict[Place, int] = {
    (None, "holding", address + n): word
    for address, words in {
        344: (0x455A, 0xC000),  # 3500 W
        320: (0x4170, 0, 0, 0, 0, 0),
        1210: (0x4170, 0),  # 15 A
        PHASES: (1,),
    }.items()
    for n, word in enumerate(words)
}


def site(port: int, controllers: tuple[dict[str, Any], ...]) -> Site:
    limits = {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0}
    charger = {
        "id": "evcs0",
        "profile": "alfen_ng9xx",
        "connection": {"modbus_tcp": {"host": "127.0.0.1", "port": port}},
        "control": {"safe_current_a": 6.0, "maximum_current_a": 16.0, "switch_phases": True},
    }
    grid = {"id": "grid0", "profile": "sunspec_meter", "connection": {"modbus_tcp": {"host": "127.0.0.1", "port": 1}}}
    return Site.model_validate(
        {
            "site": {"id": "start-1", "time_zone": "UTC", "currency": "EUR", "grid": limits},
            "components": (grid, charger),
            "controllers": controllers,
        }
    )


SURPLUS = {"id": "cars0", "type": "smart_charging", "evcs": ["evcs0"], "grid": "grid0", "fuse_a": 32.0, "surplus": True,
           "switch_phases": True}  # fmt: skip


@pytest.mark.parametrize("controllers", [(), (SURPLUS,)], ids=["nobody asks", "surplus charging"])
async def test_phases_stay_as_they_are(controllers: tuple[dict[str, Any], ...]) -> None:
    device = RegisterDevice(CHARGES_ON_ONE)
    async with serving(device) as port:
        runtime = Runtime(site(port, controllers), clock=Clock.monotonic(), bridges=[ModbusBridge])
        await asyncio.to_thread(runtime.start)
        try:
            await _until(lambda: any(one.address == 1210 for one in device.written))  # its current is commanded
            cycle = runtime.cycle.number
            await _until(lambda: runtime.cycle.number >= cycle + 10)
            assert [one for one in device.written if one.address == PHASES] == []
        finally:
            await asyncio.to_thread(runtime.stop)


async def _until(true: Any) -> None:
    async with asyncio.timeout(30.0):
        while not true():  # noqa: ASYNC110 - the device and the cycle tell nobody
            await asyncio.sleep(0.02)
