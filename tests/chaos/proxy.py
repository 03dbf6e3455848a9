"""A proxy between boxes and ingest processes that harms connections on demand."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field

FAULTS = ("cut", "reset", "half-open", "delay", "slow", "reorder")


class Pipe:
    """One direction of a connection; what ``fault`` says happens to its bytes."""

    def __init__(self) -> None:
        self.fault = ""
        self.released = asyncio.Event()
        self._held = bytearray()

    async def run(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(16_384):
                await self._harm(data, sink)
        with suppress(OSError):
            await self._late(sink)
        sink.close()

    async def _harm(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        if self.fault == "half-open":
            await asyncio.Event().wait()
        if self.fault == "reorder":
            self._held += data
            return
        if self.fault == "delay":
            await asyncio.sleep(random.uniform(0.1, 0.6))
        step = 200 if self.fault == "slow" else len(data)
        for start in range(0, len(data), step):
            sink.write(data[start : start + step])
            await sink.drain()
            if self.fault == "slow":
                await asyncio.sleep(0.005)

    async def _late(self, sink: asyncio.StreamWriter) -> None:
        """What was held arrives after all, when its sender has long come back over another connection."""
        if self._held:
            await self.released.wait()
            sink.write(bytes(self._held))
            await sink.drain()


@dataclass
class Flow:
    """One connection through the proxy."""

    box: asyncio.StreamWriter
    up: Pipe = field(default_factory=Pipe)
    down: Pipe = field(default_factory=Pipe)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def heal(self) -> None:
        self.up.fault = self.down.fault = ""


class Proxy:
    """In front of several ports; passes on to one that answers."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self._flows: list[Flow] = []
        self._reordering: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._server.close()
        tasks = [*self._reordering, *(task for flow in self._flows for task in flow.tasks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in random.sample(self.ports, len(self.ports)):
            with suppress(OSError):
                there, here = await asyncio.open_connection("127.0.0.1", port)
                break
        else:
            writer.close()
            return
        flow = Flow(writer)
        flow.tasks = [
            asyncio.create_task(flow.up.run(reader, here)),
            asyncio.create_task(flow.down.run(there, writer)),
        ]
        self._flows.append(flow)
        await asyncio.wait(flow.tasks)
        here.close()
        self._flows.remove(flow)

    def harm(self, kind: str) -> bool:
        """One connection that is well, at random; False when there is none."""
        well = [flow for flow in self._flows if not (flow.up.fault or flow.box.is_closing())]
        if not well:
            return False
        flow = random.choice(well)
        flow.up.fault = flow.down.fault = kind
        if kind == "reset":
            raw = flow.box.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if kind in ("cut", "reset"):
            for task in flow.tasks:
                task.cancel()
            flow.box.transport.abort()
        if kind in ("delay", "slow"):
            asyncio.get_running_loop().call_later(random.uniform(1.0, 4.0), flow.heal)
        if kind == "reorder":
            flow.down.fault = ""
            self._reordering.add(task := asyncio.create_task(_reorder(flow)))
            task.add_done_callback(self._reordering.discard)
        return True


async def _reorder(flow: Flow) -> None:
    """Hold what the box sends, make it come back by another connection, and only then deliver what was held."""
    await asyncio.sleep(random.uniform(0.1, 0.4))
    flow.box.transport.abort()
    await asyncio.sleep(random.uniform(0.2, 0.6))
    flow.up.released.set()
