"""Modbus TCP servers of pymodbus in a process of their own, one port each, that count what they are asked."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

REGISTERS = 40


class Servers:
    """The other end of the pipe."""

    def __init__(self, pipe: Connection, ports: list[int]) -> None:
        self._pipe, self.ports = pipe, ports

    def asked(self) -> list[int]:
        """Requests so far, by server."""
        self._pipe.send("asked")
        counts: list[int] = self._pipe.recv()
        return counts


@contextmanager
def servers(count: int, silent: int = 0) -> Iterator[Servers]:
    """``silent``: so many of them, the last ones, accept connections and never answer."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_main, args=(theirs, count, silent), daemon=True)
    process.start()
    try:
        yield Servers(ours, ours.recv())
    finally:
        process.kill()
        process.join()


def _main(pipe: Connection, count: int, silent: int) -> None:
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    asyncio.run(_serve(pipe, count, silent))


async def _serve(pipe: Connection, count: int, silent: int) -> None:
    asked = [0] * count
    ports = [await _server(number, asked, silent=number >= count - silent) for number in range(count)]
    pipe.send(ports)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, pipe.recv) == "asked":
        pipe.send(list(asked))


async def _server(number: int, asked: list[int], *, silent: bool) -> int:
    async def count(*_request: object) -> ExcCodes | None:
        asked[number] += 1
        if silent:
            raise asyncio.CancelledError  # ends this request only
        return None

    data = SimData(0, values=list(range(1, REGISTERS + 1)), datatype=DataType.REGISTERS)
    server = ModbusTcpServer([SimDevice(id=1, simdata=[data], action=count)], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    transport: Any = server.transport
    return int(transport.sockets[0].getsockname()[1])
