"""``simems-edge probe`` of every kind of connection, against real peers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from .broker import broker_of, peer
from .conftest import Call
from .http_devices import http_peer
from .test_can import Bms
from .test_http import documents
from .test_mqtt_devices import reading

pytestmark = pytest.mark.integration


async def probe(call: Call, *arguments: str) -> tuple[int, Any, str]:
    """Exit code, what --json printed, and what stands on stderr."""
    code, out, err = await call(["probe", *arguments, "--json"])
    rows = {row["name"]: row["value"] for row in json.loads(out).get("channels", [])} if out.startswith("{") else {}
    return code, rows, out + err


async def test_http(call: Call) -> None:
    async with http_peer(documents("shelly_gen2_em")) as device:
        code, rows, _ = await probe(call, "shelly_gen2_em", f"127.0.0.1:{device.port}")
        assert (code, rows["active_power_w"]) == (0, 715.5)
        assert (await probe(call, "tasmota_plug", f"127.0.0.1:{device.port}"))[0] == 1
    assert (await probe(call, "shelly_gen2_em", f"http://127.0.0.1:{device.port}", "--timeout", "0.5"))[0] == 3
    assert (await probe(call, "shelly_gen2_em", "ftp://127.0.0.1"))[0] == 2
    assert (await probe(call, "shelly_gen2_em", "127.0.0.1", "--user", "admin"))[0] == 2


async def test_mqtt(call: Call, tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, peer(broker) as (client, _):
        address = f"mqtt://127.0.0.1:{broker.port}/meters/main"
        await client.publish("meters/main", reading(1.0), qos=1, retain=True)
        code, _, text = await probe(call, "generic_mqtt_meter", address, "--timeout", "0.5")
        assert code == 3
        assert "retained" in text

        async def speak() -> None:
            while True:
                await client.publish("meters/main", reading(1500.0), qos=1)
                await asyncio.sleep(0.1)

        task = asyncio.create_task(speak())
        code, rows, _ = await probe(call, "generic_mqtt_meter", address, "--timeout", "5")
        task.cancel()
        assert (code, rows["active_power_w"], rows["import_energy_wh"]) == (0, 1500.0, None)
    assert (await probe(call, "generic_mqtt_meter", "127.0.0.1"))[0] == 2


async def test_can(call: Call) -> None:
    bms = Bms("probed")
    task = asyncio.create_task(bms.run())
    code, rows, _ = await probe(call, "generic_bms_can", "virtual:probed", "--timeout", "0.5")
    task.cancel()
    bms.close()
    assert (code, rows["soc_pct"], rows["capacity_wh"]) == (0, pytest.approx(63.4), 12_000.0)
    assert not bms.commands(), "a probe never commands"
    assert (await probe(call, "generic_bms_can", "virtual:nobody", "--timeout", "0.2"))[0] == 3
    assert (await probe(call, "generic_bms_can", "nocan7", "--timeout", "0.2"))[0] == 3
