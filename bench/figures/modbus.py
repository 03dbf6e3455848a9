"""The Modbus bridge: a read beside pymodbus' own of the same block, fifty devices on one core, one dead one of fifty.

A bridge's read is question, checks, decoding of twenty floats and their way into the image. The servers are pymodbus'
in a process of their own; reference and figure are taken in turn in the same run.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pymodbus.client import AsyncModbusTcpClient
from simems_core import Channel, Clock, ProcessImage
from simems_edge.bridges.connection import connection_channels
from simems_edge.bridges.modbus import ModbusBridge
from simems_edge.bridges.modbus.link import ModbusLink
from simems_edge.bridges.modbus.publisher import Publisher
from simems_edge.bridges.modbus.reading import BlockReader
from simems_edge.config import Connection, Site
from simems_edge.devices import Profile
from simems_edge.devices.profile import parse_profile
from simems_edge.devices.register_view import RegisterView
from simems_edge.devices.tables import Table

from bench.figure import Figure
from bench.modbus_servers import REGISTERS, Servers, servers

DEVICES = 50
WARM_UP_S = 3.0
SPAN_S = 12.0
READS = 200
TURNS = 21
RAW = "raw pymodbus read"


def measure() -> list[Figure]:
    with servers(1) as one:
        ours, theirs = asyncio.run(_read_cost(one.ports[0]))
    with servers(DEVICES) as alive:
        rates, cpu_share = asyncio.run(_many(alive))
    with servers(DEVICES, silent=1) as with_dead:
        others, _ = asyncio.run(_many(with_dead))
    others = others[: DEVICES - 1]
    return [
        Figure(f"bridge's read of {REGISTERS} registers, CPU", ours.cpu_us, "us", RAW, theirs.cpu_us, 1.5),
        Figure(f"bridge's read of {REGISTERS} registers, p50", ours.p50_us, "us", RAW, theirs.p50_us, 1.5),
        Figure(
            f"{DEVICES} devices x {REGISTERS} registers, slowest", min(rates), "1/s", "asked for", 1.0, 0.95,
            at_most=False,
        ),
        Figure(f"{DEVICES} devices x {REGISTERS} registers", cpu_share, "cores", "one core", 1.0, 1.0),
        Figure(
            f"1 dead device of {DEVICES}: the others' mean rate", statistics.mean(others), "1/s", "all alive",
            statistics.mean(rates[: DEVICES - 1]), 0.95, at_most=False,
        ),
        Figure(
            f"1 dead device of {DEVICES}: the slowest other", min(others), "1/s", "all alive, slowest",
            min(rates[: DEVICES - 1]), 0.95, at_most=False,
        ),
    ]  # fmt: skip


def _profile() -> Profile:
    channels = [
        {
            "name": f"value_{number}",
            "unit": "W",
            "read": [{"modbus": {"address": 2 * number, "type": "float32"}}],
            "poll_s": 1.0,
            "stale_after_s": 5.0,
        }
        for number in range(REGISTERS // 2)
    ]
    text = "a measurement, made up here"
    data = {
        "id": "bench",
        "kind": "sensor",
        "protocol": "modbus",
        "description": text,
        "source": text,
        "untested": text,
    }
    return parse_profile({**data, "channels": channels}, "bench")


def _image(components: list[str], profile: Profile, more: list[Channel]) -> ProcessImage:
    rows = [
        Channel(f"{name}/{c.name}", unit=c.unit, stale_after_s=5.0) for name in components for c in profile.channels
    ]
    return ProcessImage(rows + more)


@dataclass(frozen=True)
class Cost:
    """Of one read in this process."""

    cpu_us: float
    p50_us: float


async def _read_cost(port: int) -> tuple[Cost, Cost]:
    """Ours and theirs, taken in turn: the turn whose ratio of processor time is the median."""
    profile = _profile()
    link = ModbusLink(Connection.model_validate({"modbus_tcp": {"host": "127.0.0.1", "port": port}}))

    async def read(_unit: int | None, table: Table, address: int, count: int) -> list[int]:
        return await link.read(1, table, address, count, 5.0)

    view, publisher = RegisterView(profile), Publisher("d", profile, _image(["d"], profile, []))
    reader = BlockReader(view, read, time.monotonic_ns)
    blocks = (await reader.read_all()).read
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=5.0)
    await client.connect()

    async def ours() -> None:
        got = await reader.read(blocks)
        publisher.publish(view, got.read, got.arrived_ns)

    async def theirs() -> None:
        assert len((await client.read_holding_registers(0, count=REGISTERS, device_id=1)).registers) == REGISTERS

    pairs = [(await _cost(ours), await _cost(theirs)) for _ in range(TURNS)]
    client.close()
    await link.close()
    return sorted(pairs, key=lambda pair: pair[0].cpu_us / pair[1].cpu_us)[TURNS // 2]


async def _cost(one: Callable[[], Awaitable[None]]) -> Cost:
    took, cpu = [], time.process_time()
    for _ in range(READS):
        began = time.perf_counter()
        await one()
        took.append(time.perf_counter() - began)
    return Cost((time.process_time() - cpu) / READS * 1e6, statistics.median(took) * 1e6)


def _unheard(*_report: str) -> None:
    """What the bridge reports of its devices: the dead one is known."""


async def _many(these: Servers) -> tuple[list[float], float]:
    """Answers a second by device, and the share of a core that the bridge's process took."""
    profile = _profile()
    names = [f"d{number}" for number in range(len(these.ports))]
    components = [
        {
            "id": name,
            "profile": "bench",
            "connection": {"modbus_tcp": {"host": "127.0.0.1", "port": port, "unit": 1, "timeout": 1.0}},
        }
        for name, port in zip(names, these.ports, strict=True)
    ]
    site = Site.model_validate(
        {
            "site": {
                "id": "bench", "time_zone": "UTC", "currency": "EUR",
                "grid": {"import_limit_w": 1000.0, "export_limit_w": 1000.0},
            },
            "components": tuple(components),
        }
    )  # fmt: skip
    image = _image(names, profile, connection_channels(site))
    bridge = ModbusBridge(
        site, dict.fromkeys(names, profile), image, Clock.monotonic(), on_problem=_unheard, on_clear=_unheard
    )
    task = asyncio.create_task(bridge.run())
    await asyncio.sleep(WARM_UP_S)
    before, began, cpu = these.asked(), time.monotonic(), time.process_time()
    await asyncio.sleep(SPAN_S)
    span_s = time.monotonic() - began
    used, after = time.process_time() - cpu, these.asked()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return [(b - a) / span_s for a, b in zip(before, after, strict=True)], used / span_s
