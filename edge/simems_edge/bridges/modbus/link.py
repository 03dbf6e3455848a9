"""One TCP connection to a Modbus device or gateway. Thin: every answer is checked against its question.

After a time-out or an answer that does not fit, the connection is closed: what arrives late dies with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from simems_edge.bridges.modbus.errors import NoAnswerError, RefusedError, WrongAnswerError

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # it dumps frames; our own errors say what happened

READ_HOLDING, WRITE_MULTIPLE = 3, 16


@dataclass(frozen=True, slots=True)
class Question:
    """A request and what its answer must look like."""

    ask: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]]
    function: int
    unit: int
    fits: Callable[[ModbusPDU], bool]


class ModbusLink:
    """Shared by the devices (units) behind one host and port; one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._client: AsyncModbusTcpClient | None = None
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    async def read(self, unit: int, address: int, count: int, timeout_s: float) -> list[int]:
        """``count`` holding registers. Raises the errors of :mod:`simems_edge.bridges.modbus.errors`."""

        async def ask(client: AsyncModbusTcpClient) -> ModbusPDU:
            return await client.read_holding_registers(address, count=count, device_id=unit)

        def fits(answer: ModbusPDU) -> bool:
            return len(answer.registers) == count

        answer = await self._exchange(Question(ask, READ_HOLDING, unit, fits), timeout_s)
        return list(answer.registers)

    async def write(self, unit: int, address: int, registers: Sequence[int], timeout_s: float) -> None:
        """Raises as :meth:`read`. After :class:`NoAnswerError` it is not known whether the device took the value."""

        async def ask(client: AsyncModbusTcpClient) -> ModbusPDU:
            return await client.write_registers(address, list(registers), device_id=unit)

        def fits(answer: ModbusPDU) -> bool:
            return (answer.address, answer.count) == (address, len(registers))

        await self._exchange(Question(ask, WRITE_MULTIPLE, unit, fits), timeout_s)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _exchange(self, question: Question, timeout_s: float) -> ModbusPDU:
        async with self._lock:
            client = await self._connected(timeout_s)
            try:
                async with asyncio.timeout(timeout_s):
                    answer = await question.ask(client)
                self._check(question, answer)
            except (TimeoutError, ModbusException, OSError) as error:
                await self.close()
                text = f"unit {question.unit} at {self.name} does not answer within {timeout_s:g} s"
                raise NoAnswerError(text) from error
            except RefusedError:
                raise
            except BaseException:
                await self.close()
                raise
        return answer

    def _check(self, question: Question, answer: ModbusPDU) -> None:
        function = answer.function_code & 0x7F
        if (answer.dev_id, function) != (question.unit, question.function) or answer.transaction_id == 0:
            raise WrongAnswerError(f"{self.name} answered with another unit or function than was asked for")
        if answer.isError():
            text = f"unit {question.unit} at {self.name} refused with Modbus exception {answer.exception_code}"
            raise RefusedError(text)
        if not question.fits(answer):
            raise WrongAnswerError(f"{self.name} answered about other registers than were asked for")

    async def _connected(self, timeout_s: float) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        await self.close()
        client = AsyncModbusTcpClient(
            self.host, port=self.port, timeout=timeout_s, retries=0, reconnect_delay=0.0, reconnect_delay_max=0.0
        )
        try:
            async with asyncio.timeout(timeout_s):
                connected = await client.connect()
        except (TimeoutError, ModbusException, OSError) as error:
            client.close()
            raise NoAnswerError(f"no connection to {self.name}") from error
        if not connected:
            client.close()
            raise NoAnswerError(f"no connection to {self.name}; check host, port and that the device is on")
        self._client = client
        return client
