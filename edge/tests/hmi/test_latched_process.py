"""A whole edge and a battery on a real port: a cell falls too low, the edge is killed, the fault is still there."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from simems_edge.devices.definition import load_definition
from simems_edge.devices.sunspec import BASE_ADDRESSES, END_OF_CHAIN, MARKER, Value, encode_model

BOUND_S = 40.0
pytestmark = pytest.mark.integration
UNDER = "cell_undervoltage:ess0"
POINTS: dict[int, dict[str, Value]] = {
    1: {"Mn": "Sim EMS", "Md": "Test battery", "Vr": "1", "SN": "1", "DA": 1},
    701: {"W": 0, "W_SF": 0, "InvSt": 3},
    702: {"WChaRteMax": 50_000, "WDisChaRteMax": 50_000, "WMax": 50_000, "W_SF": 1},
    704: {"WSetEna": 0, "WSetMod": 1, "WSet": 0, "WSet_SF": 0},
    713: {"SoC": 50.0, "Pct_SF": -1},
}


@dataclass
class CellBattery:
    """Answers Modbus with SunSpec models, 802 among them; what is written to it is kept."""

    cell_v: float = 3.2

    def chain(self) -> list[int]:
        cells: dict[str, Value] = {"CellVMin": self.cell_v, "CellVMax": 3.3, "CellV_SF": -3}
        words = list(MARKER)
        for model, points in (POINTS | {802: cells}).items():
            words += encode_model(load_definition(model), points)
        return [*words, END_OF_CHAIN, 0]

    async def access(
        self, _function: int, _start: int, _address: int, _count: int, registers: list[int], written: Any
    ) -> None:
        if written is None:
            words = self.chain()
            start = len(words) - load_definition(802).length - 4  # its header, and the end of the chain
            registers[start : len(words)] = words[start:]

    def device(self) -> SimDevice:
        data = SimData(BASE_ADDRESSES[0], values=self.chain(), datatype=DataType.REGISTERS)
        return SimDevice(id=1, simdata=[data], action=self.access)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    api: httpx.AsyncClient

    async def faults(self) -> dict[str, bool]:
        """Fault -> may it be cleared?"""
        return {fault["id"]: fault["clearable"] for fault in (await self.api.get("/faults")).json()}

    async def until(self, faults: dict[str, bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while await self.faults() != faults:  # noqa: ASYNC110 - another process has no event
                await asyncio.sleep(0.05)

    async def clear(self, code: str) -> httpx.Response:
        token = (await self.api.post("/auth/pin", json={"pin": "1"})).json()["access_token"]
        return await self.api.post(f"/faults/{code}/clear", headers={"Authorization": f"Bearer {token}"})


@asynccontextmanager
async def edge_on(folder: Path, battery_port: int) -> AsyncIterator[Running]:
    port = unused_port()
    connection = {"modbus_tcp": {"host": "127.0.0.1", "port": battery_port, "unit": 1}}
    site = {
        "site": {
            "id": "cells-1",
            "time_zone": "Europe/Stockholm",
            "currency": "SEK",
            "grid": {"import_limit_w": 100_000, "export_limit_w": 50_000},
        },
        "components": [{"id": "ess0", "profile": "sunspec_storage", "connection": connection}],
        "hmi": {"host": "127.0.0.1", "port": port},
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(site))
    command = [sys.executable, "-m", "simems_edge.cli.main", "run", "site.yaml", "--data", "data"]
    environment = os.environ | {"SIMEMS_HMI_PIN": "1"}
    log = (folder / "log").open("ab")
    process = await asyncio.to_thread(subprocess.Popen, command, cwd=folder, env=environment, stderr=log)
    with log, process:
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10) as api:
                await answering(lambda: process.poll() is None, api)
                yield Running(process, api)
        finally:
            process.kill()


async def answering(alive: Callable[[], bool], api: httpx.AsyncClient) -> None:
    async with asyncio.timeout(BOUND_S):
        while True:
            assert alive(), "the edge has ended"
            try:
                await api.get("/faults")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_fault_of_a_real_device_outlives_kill_9_until_it_is_cleared(tmp_path: Path) -> None:
    battery, port = CellBattery(), unused_port()
    server = ModbusTcpServer([battery.device()], address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        async with edge_on(tmp_path, port) as edge:
            await edge.until({})
            battery.cell_v = 2.3
            await edge.until({UNDER: False})
            assert (await edge.clear("cell_undervoltage")).status_code == 409
            edge.process.kill()
            edge.process.wait(BOUND_S)
        battery.cell_v = 3.2
        async with edge_on(tmp_path, port) as edge:
            assert UNDER in await edge.faults(), "from its first answer on"
            await edge.until({UNDER: True})
            assert (await edge.clear(UNDER)).json() == {"cleared": [UNDER]}
            await edge.until({})
            edge.process.kill()
            edge.process.wait(BOUND_S)
        async with edge_on(tmp_path, port) as edge:
            assert await edge.faults() == {}, "cleared is cleared"
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus gives it no types
