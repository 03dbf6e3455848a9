"""One settable channel of one device: writes on change, refreshes for the device's watchdog, reads back, compares."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

from simems_edge.bridges.modbus.reporter import Reporter
from simems_edge.bridges.modbus.setpoints import SetpointStore
from simems_edge.devices.mapping import Layout, Models, Write, arm_writes, disarm_writes, setpoint_writes
from simems_edge.devices.profile import ProfileChannel
from simems_edge.devices.registers import EncodeError

ReadRegisters = Callable[[int, int], Awaitable[list[int]]]
WriteRegisters = Callable[[int, Sequence[int]], Awaitable[None]]


class ActuatorWriter:
    """Exists for one channel of access write; lives as long as the bridge, across sessions with the device."""

    def __init__(self, address: str, channel: ProfileChannel, store: SetpointStore, reporter: Reporter) -> None:
        self.address = address
        self.channel = channel
        self._store = store
        self._reporter = reporter
        self._refresh_s = min((sink.refresh_s for sink in channel.write if sink.refresh_s), default=math.inf)
        self._shown: tuple[int, ...] | None = None
        self._written_s = -math.inf
        self._attempt: tuple[tuple[int, ...], float] | None = None

    def new_session(self) -> None:
        """The device may have restarted: nothing is known of what it holds."""
        self._shown = None
        self._written_s = -math.inf

    async def serve(
        self, layout: Layout, models: Models, read: ReadRegisters, write: WriteRegisters, now_s: float
    ) -> bool:
        """Write when the setpoint changed or wants refreshing. True when the model must be read again (armed)."""
        value = self._store.alive(self.address, now_s)
        if value is None:
            return False
        try:
            rows = setpoint_writes(self.channel, value, layout, models)
            arms = arm_writes(self.channel, layout, models)
        except EncodeError as error:
            self._reporter.problem("setpoint_rejected", f"{self.address}: {error}; it was not sent")
            return False
        self._reporter.clear("setpoint_rejected")
        registers = tuple(word for row in rows for word in row.registers)
        if await self._already(rows, registers, read, now_s) and not arms:
            return False
        self._attempt = (registers, now_s)
        for row in (*rows, *arms):
            await write(row.address, row.registers)
        self._attempt = None
        self._shown, self._written_s = registers, now_s
        await self._compare(rows, read)
        return bool(arms)

    async def release(self, layout: Layout, write: WriteRegisters) -> None:
        """Hand the device back to itself."""
        for row in disarm_writes(self.channel, layout):
            await write(row.address, row.registers)
        self.new_session()

    async def _already(
        self, rows: Sequence[Write], registers: tuple[int, ...], read: ReadRegisters, now_s: float
    ) -> bool:
        """Whether the device holds exactly this, written recently enough. After a write of unknown fate it is asked."""
        if self._attempt is not None and self._attempt[0] == registers:
            attempted_s, self._attempt = self._attempt[1], None
            if [await read(row.address, len(row.registers)) for row in rows] == [list(row.registers) for row in rows]:
                self._shown, self._written_s = registers, attempted_s
        return self._shown == registers and now_s - self._written_s < self._refresh_s

    async def _compare(self, rows: Sequence[Write], read: ReadRegisters) -> None:
        for row in rows:
            if tuple(await read(row.address, len(row.registers))) != row.registers:
                text = f"{self.address}: the device does not show the setpoint it confirmed ({row.point})"
                self._reporter.problem("setpoint_mismatch", text)
                self._shown = None
                return
        self._reporter.clear("setpoint_mismatch")
