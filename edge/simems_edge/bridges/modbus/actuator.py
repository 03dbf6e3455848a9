"""One settable channel of one device: writes on change, refreshes for the device's watchdog, reads back, compares.

A setpoint that nobody repeats dies: where the device has a watchdog, that ends it; where it has none, the device is
handed back to itself. Persistent registers are read first, written only when they differ, within their daily budget.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from simems_edge.bridges.budget import WriteBudget
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.devices.points import Sink
from simems_edge.devices.profile import ProfileChannel
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.view import DeviceView, Write

ReadBack = Callable[[Write], Awaitable[list[int]]]
"""What stands where this write goes."""
SendWrite = Callable[[Write], Awaitable[None]]
Words = tuple[int, ...]
PERSISTENT_INTERVAL_S: Final = 60.0
"""A persistent register is not written more often, whatever its budget still has."""
MISMATCH_WAIT_S: Final = 1.0
"""A device that does not show what it confirmed is asked again after this."""


class ActuatorWriter:
    """Exists for one channel of access write; lives as long as the bridge, across sessions with the device."""

    def __init__(self, address: str, channel: ProfileChannel, store: SetpointStore, reporter: Reporter) -> None:
        self.address = address
        self.channel = channel
        self._store = store
        self._reporter = reporter
        self._budget = WriteBudget(min(sink.daily_writes for sink in channel.write))
        self._value: float | None = None
        self._shown: Words | None = None
        self._written_s = -math.inf
        self._armed_s = -math.inf
        self._not_before_s = -math.inf
        self._attempt: tuple[Words, float] | None = None
        self._touched = False
        """Something of ours may be in the device."""

    def new_session(self) -> None:
        """The device may have restarted: nothing is known of what it holds."""
        self._shown = None
        self._written_s = -math.inf

    async def serve(self, view: DeviceView, read: ReadBack, write: SendWrite, now_s: float) -> bool:
        """Write when the setpoint changed or wants refreshing. True when what arms it must be read again."""
        value = self._store.alive(self.address, now_s)
        if value is None:
            await self._expired(view, write)
            return False
        try:
            sink = view.sink_of(self.channel)
            rows = view.setpoint_writes(self.channel, self._steadied(sink, value))
            arms = view.arm_writes(self.channel)
        except EncodeError as error:
            self._reporter.problem("setpoint_rejected", f"{self.address}: {error}; it was not sent")
            return False
        self._reporter.clear("setpoint_rejected")
        words = tuple(word for row in rows for word in row.registers)
        held = await self._held(sink, rows, words, read, now_s)
        arms = [row for row in arms if not row.persistent or self._may_wear(now_s, self._armed_s)]
        if (held and not arms) or not self._may_write(sink, now_s):
            return False
        return await self._send(sink, rows, arms, read, write, now_s)

    async def release(self, view: DeviceView, write: SendWrite) -> None:
        """Hand the device back to itself."""
        if not self._touched:
            return
        for row in view.disarm_writes(self.channel):
            await write(row)
        self._value, self._attempt, self._touched = None, None, False
        self.new_session()

    async def _expired(self, view: DeviceView, write: SendWrite) -> None:
        if not self._touched:
            return
        sink = view.sink_of(self.channel)
        if sink.watchdog_s is not None or sink.on_silence == "hold" or not view.disarm_writes(self.channel):
            return
        self._reporter.problem(
            "setpoint_expired", f"{self.address}: nobody repeats the setpoint; handed back to the device"
        )
        await self.release(view, write)

    def _steadied(self, sink: Sink, value: float) -> float:
        """The former setpoint while the new one differs by less than the dead band."""
        held = self._value
        return held if held is not None and value != 0.0 and abs(value - held) < sink.deadband else value

    async def _held(self, sink: Sink, rows: Sequence[Write], words: Words, read: ReadBack, now_s: float) -> bool:
        """Whether the device holds exactly this, written recently enough. After a write of unknown fate it is asked;
        a persistent register is asked before it is written at all."""
        attempted = self._attempt is not None and self._attempt[0] == words
        if sink.read_back and (attempted or (sink.persistent and self._shown is None)):
            if await self._shows(rows, read):
                self._shown, self._written_s = words, self._attempt[1] if attempted and self._attempt else now_s
            self._attempt = None
        refresh_s = math.inf if sink.refresh_s is None else sink.refresh_s
        return self._shown == words and now_s - self._written_s < refresh_s

    def _may_write(self, sink: Sink, now_s: float) -> bool:
        if now_s < self._not_before_s or now_s - self._written_s < sink.minimum_interval_s:
            return False
        return not sink.persistent or self._may_wear(now_s, self._written_s)

    def _may_wear(self, now_s: float, last_s: float) -> bool:
        """Whether a persistent register may be written now."""
        if now_s - last_s < PERSISTENT_INTERVAL_S:
            return False
        if not self._budget.allows(now_s):
            text = f"{self.address}: written {self._budget.daily} times in 24 h; the device keeps what it has"
            self._reporter.problem("write_budget", text)
            return False
        self._reporter.clear("write_budget")
        return True

    async def _send(
        self, sink: Sink, rows: Sequence[Write], arms: Sequence[Write], read: ReadBack, write: SendWrite, now_s: float
    ) -> bool:
        words = tuple(word for row in rows for word in row.registers)
        self._attempt, self._written_s, self._touched = (words, now_s), now_s, True
        if sink.persistent or any(row.persistent for row in arms):
            self._budget.spend(now_s)
            self._armed_s = now_s
        for row in (*rows, *arms):
            await write(row)
        self._attempt, self._shown = None, words
        self._value = self._store.alive(self.address, now_s)
        self._reporter.clear("setpoint_expired")
        if sink.read_back:
            await self._compare(rows, read, now_s)
        return bool(arms)

    async def _shows(self, rows: Sequence[Write], read: ReadBack) -> bool:
        return [tuple(await read(row)) for row in rows] == [row.registers for row in rows]

    async def _compare(self, rows: Sequence[Write], read: ReadBack, now_s: float) -> None:
        if await self._shows(rows, read):
            self._reporter.clear("setpoint_mismatch")
            return
        points = ", ".join(row.point for row in rows)
        self._reporter.problem(
            "setpoint_mismatch", f"{self.address}: the device does not show the setpoint it confirmed ({points})"
        )
        self._shown, self._not_before_s = None, now_s + MISMATCH_WAIT_S
