"""One CAN bus of this machine: heard in a thread of its own, opened again with back-off and jitter when it is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from threading import Event as Flag
from typing import Final

import can

from simems_edge.bridges.breaker import CircuitBreaker
from simems_edge.bridges.errors import DeviceError, NoAnswerError, NoConnectionError
from simems_edge.config import Can

logging.getLogger("can").setLevel(logging.WARNING)
HEAR_S: Final = 0.2
BUS_OFF: Final = 0x40
"""CAN_ERR_BUSOFF of Linux' can/error.h, in an error frame's identifier."""
STEADY_S: Final = 1.0
"""A bus that lasted so long counts as found."""


class CanLink:
    """``on_frame`` is called on the event loop with each data frame, ``on_lost(error, open)`` when the bus is gone."""

    def __init__(
        self,
        connection: Can,
        random: Callable[[], float],
        *,
        on_frame: Callable[[can.Message], None],
        on_up: Callable[[], None],
        on_lost: Callable[[DeviceError, bool], None],
    ) -> None:
        self.name = connection.channel
        self.breaker = CircuitBreaker(random)
        self._connection = connection
        self._on_frame, self._on_up, self._on_lost = on_frame, on_up, on_lost
        self._bus: can.BusABC | None = None
        self._failed: asyncio.Event = asyncio.Event()
        self._why = ""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._once()
            except NoAnswerError as error:
                self.breaker.failure()
                self._on_lost(error, self.breaker.open)
            await asyncio.sleep(max(self.breaker.wait_s(), 0.1))

    async def _once(self) -> None:
        """One opening of the bus; ends by an error only."""
        loop, stopping = asyncio.get_running_loop(), Flag()
        bus = await asyncio.to_thread(self._open)
        self._failed, self._why = asyncio.Event(), ""
        hearing = loop.run_in_executor(None, self._hear, bus, loop, stopping)
        self._bus, began_s = bus, loop.time()
        self._on_up()
        try:
            await self._failed.wait()
            if loop.time() - began_s > STEADY_S:
                self.breaker.success()
            raise NoAnswerError(f"the bus {self.name} is lost: {self._why}")
        finally:
            self._bus = None
            stopping.set()
            await asyncio.wait([hearing])
            await asyncio.to_thread(bus.shutdown)

    def _open(self) -> can.BusABC:
        one = self._connection
        try:
            return can.Bus(channel=one.channel, interface=one.interface, receive_own_messages=False)
        except (can.CanError, OSError, ValueError, NotImplementedError) as error:
            text = f"no bus {one.channel} ({type(error).__name__}); check its name and that it is up: ip link"
            raise NoConnectionError(text) from error

    def _hear(self, bus: can.BusABC, loop: asyncio.AbstractEventLoop, stopping: Flag) -> None:
        """In a thread of its own."""
        while not stopping.is_set():
            try:
                message = bus.recv(HEAR_S)
            except (can.CanError, OSError, ValueError) as error:
                loop.call_soon_threadsafe(self._fail, type(error).__name__)
                return
            if message is not None:
                loop.call_soon_threadsafe(self._take, message)

    def _take(self, message: can.Message) -> None:
        if message.is_error_frame:
            if message.arbitration_id & BUS_OFF:
                self._fail("bus off; set restart-ms of the interface, check bit rate, wiring and termination")
            return
        if not message.is_remote_frame and not message.is_fd:
            self._on_frame(message)

    def _fail(self, why: str) -> None:
        self._why = self._why or why
        self._failed.set()

    def send(self, frame_id: int, data: bytes, *, extended: bool) -> None:
        """Does not wait. Raises :class:`NoAnswerError` when the bus does not take it."""
        bus = self._bus
        if bus is None:
            raise NoAnswerError(f"the bus {self.name} is not open")
        try:
            bus.send(can.Message(arbitration_id=frame_id, data=data, is_extended_id=extended), timeout=0.0)
        except (can.CanError, OSError, ValueError) as error:
            self._fail(f"frames are not taken ({type(error).__name__}); is anybody on the bus?")
            raise NoAnswerError(f"the bus {self.name} does not take frames") from error
