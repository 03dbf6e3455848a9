"""A serial line made of a pty pair, with RTU devices of pymodbus' framing on it. Nothing but the kernel in between."""

from __future__ import annotations

import asyncio
import os
import struct
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pymodbus.framer.rtu import FramerRTU


@dataclass
class SerialLine:
    """Units 1..n, each with holding registers ``unit * 100 + address``; those in ``dead`` never answer."""

    units: frozenset[int]
    dead: set[int] = field(default_factory=set)
    late_s: dict[int, float] = field(default_factory=dict)
    """Units that answer only after this."""
    asked: dict[int, int] = field(default_factory=dict)
    written: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
    _buffer: bytes = b""
    _master: int = -1

    def readable(self) -> None:
        self._buffer += os.read(self._master, 1024)
        while len(self._buffer) >= 8:
            size = 9 + self._buffer[6] if self._buffer[1] == 16 else 8
            if len(self._buffer) < size:
                return
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            assert FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")), "the master's frames are whole"
            self._answer(frame)

    def _answer(self, frame: bytes) -> None:
        unit, function, address, count = struct.unpack_from(">BBHH", frame)
        self.asked[unit] = self.asked.get(unit, 0) + 1
        if unit not in self.units or unit in self.dead:
            return
        if function == 16:
            self.written.append((unit, address, struct.unpack_from(f">{count}H", frame, 7)))
            body = frame[:6]
        else:
            words = [(unit * 100 + address + n) & 0xFFFF for n in range(count)]
            body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *words)
        answer = body + FramerRTU.compute_CRC(body).to_bytes(2, "big")
        asyncio.get_running_loop().call_later(self.late_s.get(unit, 0.0), os.write, self._master, answer)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Leaves the name of the end that the bridge opens."""
        self._master, slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(slave)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._master, self.readable)
        try:
            yield os.ttyname(slave)
        finally:
            loop.remove_reader(self._master)
            os.close(slave)
            os.close(self._master)
