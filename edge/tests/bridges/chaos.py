"""A Modbus server that misbehaves and a TCP proxy that does, framed by hand, with the truth written down beside them.

The server's registers change with every request, so that the answer to any other request is a wrong value here.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pymodbus.framer.rtu import FramerRTU
from simems_edge.bridges.modbus.adu import Framing

SERVER_FAULTS = (
    "silence", "late", "wrong_number", "wrong_unit", "wrong_function", "wrong_count", "short", "exception",
    "wrong_echo",
)  # fmt: skip
"""``wrong_number``: another transaction (TCP), a wrong checksum (RTU)."""
PROXY_FAULTS = ("split", "glued", "duplicate", "garbage", "reset", "half_open", "lost_request", "bytewise")
FAULTS = SERVER_FAULTS + PROXY_FAULTS
GRACE = 2
"""Exchanges without a fault after one with a fault: what must be recovered within."""
LATE_FACTOR = 1.3


@dataclass
class Truth:
    """What one line's server last saw, and all writes it obeyed."""

    asked: tuple[int, int, int, int] | None = None
    """Unit, function, address, count of the last request."""
    words: list[int] = field(default_factory=list)
    obeyed: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)


@dataclass
class Dice:
    """Chooses the faults, the same for the same seed."""

    random: random.Random
    rate: float
    injected: Counter[str] = field(default_factory=Counter)
    chosen: str | None = None
    _rest: int = 0

    def roll(self) -> None:
        """Once an exchange."""
        self.chosen = None
        if self._rest:
            self._rest -= 1
        elif self.random.random() < self.rate:
            self.chosen = self.random.choice(FAULTS)
            self.injected[self.chosen] += 1
            self._rest = GRACE


def wrapped(framing: Framing, number: int, unit: int, pdu: bytes) -> bytes:
    """A frame, by pymodbus' checksum and the standard's header."""
    if framing is Framing.TCP:
        return struct.pack(">HHHB", number & 0xFFFF, 0, len(pdu) + 1, unit) + pdu
    body = bytes([unit]) + pdu
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


class Server(asyncio.Protocol):
    """One connection of the misbehaving server."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._take()) is not None:
            self._answer(*request)

    def _take(self) -> tuple[int, int, bytes] | None:
        """Number, unit and PDU of one whole request."""
        if self._line.framing is Framing.TCP:
            if len(self._buffer) < 8:
                return None
            number, _, length = struct.unpack_from(">HHH", self._buffer)
            if len(self._buffer) < 6 + length:
                return None
            frame, self._buffer = self._buffer[: 6 + length], self._buffer[6 + length :]
            return number, frame[6], frame[7:]
        if len(self._buffer) < 8:
            return None
        size = 9 + self._buffer[6] if self._buffer[1] == 16 else 8
        if len(self._buffer) < size:
            return None
        frame, self._buffer = self._buffer[:size], self._buffer[size:]
        right = FramerRTU.compute_CRC(frame[:-2]).to_bytes(2, "big") == frame[-2:]
        return (0, frame[0], frame[1:-2]) if right else None

    def _answer(self, number: int, unit: int, pdu: bytes) -> None:
        line = self._line
        function, address, count = struct.unpack_from(">BHH", pdu)
        line.generation += 1
        truth = line.truth
        truth.asked = (unit, function, address, count)
        if function == 16:
            truth.obeyed.append((unit, address, struct.unpack_from(f">{count}H", pdu, 6)))
            body = pdu[1:5]
        else:
            truth.words = [line.word(unit, address + n) for n in range(count)]
            body = struct.pack(f">B{count}H", 2 * count, *truth.words)
        self._misbehave(number, unit, function, body)

    def _misbehave(self, number: int, unit: int, function: int, body: bytes) -> None:
        line, fault = self._line, self._line.dice.chosen
        right = wrapped(line.framing, number, unit, bytes([function]) + body)
        if fault == "silence":
            return
        if fault == "late":
            asyncio.get_running_loop().call_later(line.timeout_s * LATE_FACTOR, self._send, right)
            return
        self._send(self._bent(fault, number, unit, function, body) or right)

    def _bent(self, fault: str | None, number: int, unit: int, function: int, body: bytes) -> bytes | None:
        """A wrong answer; None where the fault does not concern the server or this function."""
        framing, one, write = self._line.framing, bytes([function]), function == 16
        words = struct.pack(">B", body[0]) + self._line.dice.random.randbytes(len(body) - 1)
        match fault:
            case "wrong_number" if framing is Framing.TCP:
                bent = wrapped(framing, number - 1, unit, one + words)
            case "wrong_number":
                right = wrapped(framing, number, unit, one + words)
                bent = right[:-1] + bytes([right[-1] ^ 0x10])
            case "wrong_unit":
                bent = wrapped(framing, number, unit + 1, one + words)
            case "wrong_function":
                bent = wrapped(framing, number, unit, bytes([6 if write else 4]) + words)
            case "wrong_count" if not write:
                bent = wrapped(framing, number, unit, one + bytes([body[0] + 2]) + body[1:] + b"\x12\x34")
            case "wrong_echo" if write:
                bent = wrapped(framing, number, unit, one + struct.pack(">HH", 0xBEEF, struct.unpack(">HH", body)[1]))
            case "exception":
                bent = wrapped(framing, number, unit, bytes([function | 0x80, 4]))
            case "short":
                bent = wrapped(framing, number, unit, one + body)[:-3]
            case _:
                return None
        return bent

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


class Upstream(asyncio.Protocol):
    """The proxy's connection to the server."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._proxy.connected(transport)

    def data_received(self, data: bytes) -> None:
        self._proxy.answer(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.end()


class Proxy(asyncio.Protocol):
    """One connection through the proxy, which bends what passes."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._up: asyncio.Transport | None = None
        self._waiting = b""
        self._last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._down = transport
        loop = asyncio.get_running_loop()
        self._opening = loop.create_task(loop.create_connection(lambda: Upstream(self), "127.0.0.1", self._line.port))

    def connected(self, transport: asyncio.Transport) -> None:
        self._up = transport
        if self._waiting:
            transport.write(self._waiting)

    def data_received(self, data: bytes) -> None:
        """A request: each exchange begins here."""
        self._line.dice.roll()
        if self._line.dice.chosen == "lost_request":
            return
        if self._up is None:
            self._waiting += data
        else:
            self._up.write(data)

    def answer(self, data: bytes) -> None:
        last, self._last = self._last, data
        self._bend(self._line.dice.chosen, data, last)

    def _bend(self, fault: str | None, data: bytes, last: bytes) -> None:
        loop = asyncio.get_running_loop()
        if fault == "split":
            cut = self._line.dice.random.randint(1, len(data) - 1)
            self._down.write(data[:cut])
            loop.call_later(0.001, self._late_write, data[cut:])
        elif fault == "bytewise":
            for byte in data:
                self._late_write(bytes([byte]))
        elif fault == "glued":
            self._down.write(last + data)
        elif fault == "duplicate":
            self._down.write(data + data)
        elif fault == "garbage":
            self._down.write(self._line.dice.random.randbytes(self._line.dice.random.randint(1, 600)))
        elif fault == "reset":
            self._down.abort()
        elif fault == "half_open":
            self._down.write_eof()
        else:
            self._down.write(data)

    def _late_write(self, data: bytes) -> None:
        if not self._down.is_closing():
            self._down.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._up is not None:
            self._up.close()

    def end(self) -> None:
        if not self._down.is_closing():
            self._down.close()


@dataclass
class Line:
    """A server behind a proxy, and the truth about it."""

    framing: Framing
    dice: Dice
    timeout_s: float
    truth: Truth = field(default_factory=Truth)
    generation: int = 0
    port: int = 0

    def word(self, unit: int, address: int) -> int:
        """What the register holds now."""
        return (unit * 7919 + address * 104729 + self.generation * 15485863) & 0xFFFF


@asynccontextmanager
async def standing(line: Line) -> AsyncIterator[int]:
    """Server and proxy; leaves the proxy's port."""
    loop = asyncio.get_running_loop()
    make_server: Callable[[], Server] = lambda: Server(line)  # noqa: E731
    server = await loop.create_server(make_server, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    proxy = await loop.create_server(lambda: Proxy(line), "127.0.0.1", 0)
    try:
        yield proxy.sockets[0].getsockname()[1]
    finally:
        proxy.close()
        server.close()
