"""The bytes of one connection, over pymodbus' transports (TCP and serial). One question at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pymodbus.transport import CommParams, CommType, ModbusProtocol

from simems_edge.bridges.errors import NoAnswerError
from simems_edge.config import Modbus, ModbusRtu

Judge = Callable[[bytes], bytes | None]
"""Received bytes -> the answer, None while it is not whole; raises what is wrong with it."""
LONGEST: Final = 1024
"""No answer and no line noise needs more bytes to be judged."""
PARITY: Final = {"none": "N", "even": "E", "odd": "O"}


def wire_parameters(connection: Modbus) -> CommParams:
    """For pymodbus' transport: it never reconnects by itself."""
    if isinstance(connection, ModbusRtu):
        return CommParams(
            comm_name="modbus", comm_type=CommType.SERIAL, host=connection.device, baudrate=connection.baud,
            bytesize=8, parity=PARITY[connection.parity], stopbits=connection.stop_bits, timeout_connect=1.0,
        )  # fmt: skip
    return CommParams(comm_name="modbus", comm_type=CommType.TCP, host=connection.host, port=connection.port)


class Wire(ModbusProtocol):
    """Open from :meth:`open` until :meth:`close` or the peer's end."""

    def __init__(self, parameters: CommParams) -> None:
        super().__init__(parameters, is_server=False)
        self.heard_s = -1.0
        """When the last byte came, by the event loop's clock."""
        self._received = b""
        self._judge: Judge | None = None
        self._answer: asyncio.Future[bytes] | None = None

    async def open(self) -> None:
        """Raises OSError. Not by the library's ``connect``: its time limit loses a cancellation on Python 3.11."""
        self.is_closing = False
        self.transport, _ = await self.call_create()

    @property
    def is_open(self) -> bool:
        return self.is_active()

    @property
    def dirty(self) -> bool:
        """Bytes came that nobody asked for."""
        return bool(self._received)

    def drop_received(self) -> None:
        self._received = b""

    async def ask(self, frame: bytes, judge: Judge) -> bytes:
        """Send and wait. Raises what ``judge`` raises, :class:`NoAnswerError` when the connection ends."""
        answer: asyncio.Future[bytes] = self.loop.create_future()
        self._answer = answer
        self._judge, self._received = judge, b""
        try:
            self.send(frame)
            return await answer
        finally:
            self._judge = self._answer = None

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        self.heard_s = self.loop.time()
        self._received = (self._received + data)[-LONGEST:]
        judge, answer = self._judge, self._answer
        if judge is None or answer is None or answer.done():
            return
        try:
            found = judge(self._received)
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked must get it
            answer.set_exception(error)
            return
        if found is not None:
            self._received = b""
            answer.set_result(found)

    def eof_received(self) -> None:
        """Half-open: whoever sends nothing more is gone for us."""
        self.callback_disconnected(None)

    def callback_disconnected(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswerError("the connection broke"))

    def callback_connected(self) -> None:
        self._received = b""

    def callback_data(self, data: bytes, addr: tuple[object, ...] | None = None) -> int:
        """Not used: :meth:`data_received` comes first."""
        raise NotImplementedError

    def callback_new_connection(self) -> ModbusProtocol:
        """Only servers have them."""
        raise NotImplementedError
