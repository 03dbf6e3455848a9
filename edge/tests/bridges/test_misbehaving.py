"""A device that answers late, short, as somebody else, or not at all: nothing wrong ever enters the image."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from simems_edge.sim.chains import Chain, build_chain

from .conftest import bridge_site, modbus_component

pytestmark = pytest.mark.integration
TRUE_W = 23_456.0
WRONG_W = -98_765.0
FAULTS = (
    "late", "wrong_function", "wrong_unit", "wrong_count", "short_frame", "exception", "silence", "reset", "stale_id",
    "garbage", "doubled",
)  # fmt: skip


@dataclass
class BadDevice:
    """A Modbus TCP meter of our own making, framed by hand. While ``fault`` is set, whatever it says is wrong."""

    chain: Chain = field(default_factory=lambda: build_chain("meter", "grid0", 0.0, 0.0))
    fault: str | None = None
    requests: int = 0
    faulty: int = 0

    def registers(self, power_w: float) -> list[int]:
        registers = list(self.chain.registers)
        for model in self.chain.models:
            model.encode({"active_power_w": power_w, "frequency_hz": 50.0, "counter": 1.0, "speed": 1.0}, registers)
        return registers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                header = await reader.readexactly(7)
                transaction, _, length, unit = struct.unpack(">HHHB", header)
                function, address, count = struct.unpack(">BHH", (await reader.readexactly(length - 1))[:5])
                self.requests += 1
                await self.answer(writer, transaction, unit, function, address, count)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left, as it should
        finally:
            writer.close()

    async def answer(  # noqa: C901 - one branch per fault
        self, writer: asyncio.StreamWriter, transaction: int, unit: int, function: int, address: int, count: int
    ) -> None:
        right = self.frame(transaction, unit, function, self.words(address, count, TRUE_W))
        wrong_words = self.words(address, count, WRONG_W)
        wrong = self.frame(transaction, unit, function, wrong_words)
        fault = self.fault
        if fault is None:
            writer.write(right)
            return
        self.faulty += 1
        if fault == "late":
            await asyncio.sleep(0.25)
            writer.write(wrong)
        elif fault == "wrong_function":
            writer.write(self.frame(transaction, unit, 4, wrong_words))
        elif fault == "wrong_unit":
            writer.write(self.frame(transaction, unit + 1, function, wrong_words))
        elif fault == "wrong_count":
            writer.write(self.frame(transaction, unit, function, [*wrong_words, 1]))
        elif fault == "short_frame":
            writer.write(wrong[:-3])
        elif fault == "exception":
            writer.write(struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, 4))
        elif fault == "reset":
            writer.transport.abort()
        elif fault == "stale_id":
            writer.write(self.frame(transaction - 1, unit, function, wrong_words))
        elif fault == "garbage":
            writer.write(b"\xff\x00" * 40)
        elif fault == "doubled":
            stale = self.frame(transaction - 1, unit, function, wrong_words)
            writer.write(stale + right + stale)

    def words(self, address: int, count: int, power_w: float) -> list[int]:
        start = address - self.chain.base_address
        return self.registers(power_w)[start : start + count]

    @staticmethod
    def frame(transaction: int, unit: int, function: int, words: list[int]) -> bytes:
        body = struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)
        return struct.pack(">HHHB", transaction & 0xFFFF, 0, len(body) + 1, unit) + body


@asynccontextmanager
async def _listening(device: BadDevice) -> AsyncIterator[int]:
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_wrong_value_and_recovery(run_bench: Any, fault: str) -> None:
    device = BadDevice()
    async with _listening(device) as port:
        site = bridge_site(modbus_component("grid0", "sunspec_meter", port, timeout_s=0.2))
        async with run_bench(site) as bench:
            await bench.until(lambda: bench.valid("grid0/active_power_w"))
            device.fault, before = fault, device.faulty
            seen = set()

            def watched() -> bool:
                seen.add(bench.last("grid0/active_power_w"))
                return device.faulty >= before + 4

            await bench.until(watched)
            if fault != "doubled":
                await bench.until(lambda: bool(bench.problems))
            device.fault, requests = None, device.requests
            await bench.until(lambda: not bench.problems and device.requests > requests + 2, 20)
            await bench.until(lambda: bench.valid("grid0/active_power_w"))
            seen.add(bench.last("grid0/active_power_w"))
            assert seen == {TRUE_W}
            assert bench.value("grid0/communication") == 1.0


async def test_a_value_goes_stale_by_itself_when_its_device_falls_silent(run_bench: Any) -> None:
    device = BadDevice()
    async with _listening(device) as port:
        site = bridge_site(modbus_component("grid0", "sunspec_meter", port, timeout_s=0.2))
        async with run_bench(site) as bench:
            await bench.until(lambda: bench.valid("grid0/active_power_w"))
            device.fault = "silence"
            await bench.until(lambda: not bench.valid("grid0/active_power_w"), 5)
            assert bench.last("grid0/active_power_w") == TRUE_W
            assert ("grid0", "communication_lost") in bench.problems


async def test_what_a_device_does_not_implement_is_bad(run_bench: Any) -> None:
    device = BadDevice()
    async with _listening(device) as port:
        site = bridge_site(modbus_component("grid0", "sunspec_meter", port))
        async with run_bench(site) as bench:
            await bench.until(lambda: bench.valid("grid0/active_power_w"))
            assert math.isnan(bench.value("grid0/power_factor"))
            assert bench.latch().quality(bench.image.handle("grid0/power_factor")) == 2


async def test_nothing_there_is_told_and_found_later(run_bench: Any) -> None:
    device = BadDevice()
    async with _listening(device) as port:
        pass
    site = bridge_site(modbus_component("grid0", "sunspec_meter", port))
    async with run_bench(site) as bench:
        await bench.until(lambda: ("grid0", "communication_lost") in bench.problems)
        server = await asyncio.start_server(device.serve, "127.0.0.1", port)
        await bench.until(lambda: bench.valid("grid0/active_power_w"), 20)
        server.close()
