"""One connection to a Modbus device, gateway or serial line, shared by its units. Every answer is checked against its
question (:mod:`adu`).

Whatever could make one answer be taken for another's is cut: after a time-out, a wrong answer or a byte that nobody
asked for, a TCP connection is closed (what arrives late dies with it) and a serial line is listened to until the late
answer must have passed. RTU frames carry no number, so between two of them the line must also have been silent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from simems_edge.bridges.errors import DeviceError, GatewayError, NoAnswerError, NoConnectionError, RefusedError
from simems_edge.bridges.modbus.adu import (
    Framing,
    Question,
    bits_of,
    frame,
    judge,
    read_question,
    registers_of,
    write_question,
)
from simems_edge.bridges.modbus.wire import Wire, wire_parameters
from simems_edge.config import Connection, Modbus, ModbusRtu, ModbusTcp
from simems_edge.devices.tables import BIT_TABLES, Table

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # it dumps frames; our own errors say what happened
SERVER_SILENCE_S = 0.004
"""RTU over TCP: an answer that comes doubled shows itself within this time."""
LAST_TRANSACTION = 0xFFFF


def silence_s(connection: Modbus) -> float:
    """Silence before a frame: 3.5 characters, 1.75 ms above 19200 baud (Modbus over Serial Line 1.02, 2.5.1.1)."""
    if isinstance(connection, ModbusTcp):
        return 0.0
    if not isinstance(connection, ModbusRtu):
        return SERVER_SILENCE_S
    return 0.00175 if connection.baud > 19200 else 3.5 * 11 / connection.baud


class ModbusLink:
    """One question at a time, in the order they were asked."""

    def __init__(self, connection: Connection) -> None:
        """Of the units on it, ``connection`` is any one."""
        modbus = connection.modbus
        self.name = connection.line
        self._parameters = wire_parameters(modbus)
        self._framing = Framing.TCP if isinstance(modbus, ModbusTcp) else Framing.RTU
        self._serial = isinstance(modbus, ModbusRtu)
        self._silence_s = silence_s(modbus)
        self._wire: Wire | None = None
        self._lock = asyncio.Lock()
        self._transaction = 0
        self._quarantine_s = 0.0
        """A serial line is not spoken on before this time of the event loop: a late answer may still come."""

    def cost_s(self, timeout_s: float) -> float:
        """How long a try of a dead unit keeps the others from speaking."""
        return 2.0 * timeout_s  # a serial line is listened to as long again, a TCP connection opened anew

    async def read(self, unit: int, table: Table, address: int, count: int, timeout_s: float) -> list[int]:
        """``count`` registers or bits. Raises the errors of :mod:`simems_edge.bridges.errors`."""
        data = await self._exchange(read_question(unit, table, address, count), timeout_s)
        return bits_of(data, count) if table in BIT_TABLES else registers_of(data)

    async def write(
        self, unit: int, table: Table, address: int, values: Sequence[int], timeout_s: float, *, single: bool = False
    ) -> None:
        """Raises as :meth:`read`. After :class:`NoAnswerError` it is not known whether the device took the value."""
        await self._exchange(write_question(unit, table, address, values, single=single), timeout_s)

    async def close(self) -> None:
        """Idempotent."""
        wire, self._wire = self._wire, None
        if wire is not None:
            with suppress(OSError):
                wire.close()

    async def _exchange(self, question: Question, timeout_s: float) -> bytes:
        async with self._lock:
            wire = await self._ready(timeout_s)
            self._transaction = self._transaction % LAST_TRANSACTION + 1
            number = self._transaction
            try:
                async with asyncio.timeout(timeout_s):
                    return await wire.ask(
                        frame(question, self._framing, number), lambda got: judge(question, self._framing, number, got)
                    )
            except (RefusedError, GatewayError) as error:
                raise type(error)(f"unit {question.unit} at {self.name}: {error}") from error
            except DeviceError as error:
                await self._cut(timeout_s)
                raise type(error)(f"unit {question.unit} at {self.name} {error}") from error
            except (TimeoutError, OSError) as error:
                await self._cut(timeout_s)
                raise NoAnswerError(
                    f"unit {question.unit} at {self.name} does not answer within {timeout_s:g} s"
                ) from error
            except BaseException:  # cancelled while a question was out: its answer must not meet the next one
                await self._cut(timeout_s)
                raise

    async def _cut(self, timeout_s: float) -> None:
        if self._serial:
            self._quarantine_s = asyncio.get_running_loop().time() + timeout_s
        else:
            await self.close()

    async def _ready(self, timeout_s: float) -> Wire:
        """An open connection with nothing of former answers on it."""
        await self._settle()
        wire = self._wire
        if wire is not None and wire.dirty and not self._serial:
            await self.close()
        elif wire is not None and wire.is_open:
            wire.drop_received()
            return wire
        return await self._open(timeout_s)

    async def _settle(self) -> None:
        if not self._silence_s or self._wire is None:
            return
        loop = asyncio.get_running_loop()
        # A time is waited for, which bytes that still come may move.
        while (wait_s := max(self._quarantine_s, self._wire.heard_s + self._silence_s) - loop.time()) > 0.0:  # noqa: ASYNC110
            await asyncio.sleep(wait_s)

    async def _open(self, timeout_s: float) -> Wire:
        await self.close()
        wire = Wire(self._parameters)
        try:
            async with asyncio.timeout(timeout_s):
                await wire.open()
        except (TimeoutError, OSError, ValueError) as error:
            wire.close()
            raise NoConnectionError(f"no connection to {self.name}; check {self._what_to_check()}") from error
        self._wire = wire
        return wire

    def _what_to_check(self) -> str:
        return "the device's name and rights" if self._serial else "host, port and that the device is on"
