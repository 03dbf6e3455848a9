"""A whole site: the loop closes on an HTTP meter, the battery listens on CAN, what its BMS says holds at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from simems_core import Clock
from simems_edge.bridges.kinds import bridges_of
from simems_edge.config import Site
from simems_edge.runtime import Runtime

from .http_devices import HttpPeer, http_peer
from .test_can import Bms
from .test_http import documents

pytestmark = pytest.mark.integration


def site_of(peer: HttpPeer, bus: str) -> Site:
    data: dict[str, Any] = {
        "site": {"id": "three-1", "time_zone": "Europe/Stockholm", "currency": "SEK",
                 "grid": {"import_limit_w": 100_000, "export_limit_w": 50_000}},
        "components": [
            {"id": "grid0", "profile": "shelly_gen2_em",
             "connection": {"http": {"url": f"http://127.0.0.1:{peer.port}", "timeout": 2.0}}},
            {"id": "ess0", "profile": "generic_bms_can",
             "connection": {"can": {"channel": bus, "interface": "virtual", "timeout": 1.0}},
             "guards": {"soc_pct": [10, 95], "cell_voltage_v": [2.8, 3.6]}},
        ],
        "controllers": [{"id": "self0", "type": "self_consumption", "grid": "grid0", "ess": "ess0"}],
    }  # fmt: skip
    return Site.model_validate_json(json.dumps(data))


async def until(ready: Callable[[], Any], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not ready():  # noqa: ASYNC110 - what it waits for lives in other threads
            await asyncio.sleep(0.02)


async def test_the_loop_closes_and_the_battery_has_the_last_word(tmp_path: Path) -> None:
    bus = f"three-{uuid4().hex[:8]}"
    bms = Bms(bus)
    bms.signals["BMS_Pack"] |= {"Power": 0.0, "Current": 0.0}
    speaking = asyncio.create_task(bms.run())
    async with http_peer(documents("shelly_gen2_em")) as peer:
        site = site_of(peer, bus)
        runtime = Runtime(site, clock=Clock.monotonic(), bridges=bridges_of(site, tmp_path))
        await asyncio.to_thread(runtime.start)
        try:
            await until(lambda: any(abs(one["PowerRequest"] - 715) <= 2 for one in bms.commands() if one["Enable"]))
            bms.signals["BMS_Limits"]["MaxDischargeCurrent"] = 0.5  # 400 W at 800 V
            await until(lambda: bms.commands()[-1]["PowerRequest"] in {399, 400})
            bms.signals["BMS_Cells"]["CellVoltageMin"] = 2.7
            await until(lambda: bms.commands()[-1]["PowerRequest"] == 0)
            bms.signals["BMS_Cells"]["CellVoltageMin"] = 3.2
            bms.counting = False
            await until(lambda: "ess0" in runtime.reports.lost() or runtime.reports.problems())
            await until(lambda: bms.commands()[-1]["PowerRequest"] == 0)
        finally:
            await asyncio.to_thread(runtime.stop)
        assert bms.commands()[-1]["PowerRequest"] == 0
    speaking.cancel()
    await asyncio.gather(speaking, return_exceptions=True)
    bms.close()
