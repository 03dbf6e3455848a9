"""One settable channel of a device that takes requests or messages: sent on change, refreshed for the device's
watchdog, read back, compared. A setpoint that nobody repeats is handed back."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

from simems_edge.bridges.budget import WriteBudget
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.devices.commands import Command, command_of, hand_back_of
from simems_edge.devices.points import Sink
from simems_edge.devices.profile import ProfileChannel
from simems_edge.devices.registers import EncodeError

Send = Callable[[Command], Awaitable[None]]
"""Raises a DeviceError; after NoAnswerError it is not known whether the device took it."""
Shown = Callable[[], Awaitable[float | None]]
"""The channel, read anew; None when the device does not show it."""
PERSISTENT_INTERVAL_S: Final = 60.0
"""A setpoint that the device keeps in its flash is not sent more often, whatever its budget still has."""
MISMATCH_WAIT_S: Final = 1.0
"""A device that does not show what it was told is told again after this."""


class CommandWriter:
    """Lives as long as the bridge, across sessions with the device."""

    def __init__(self, address: str, channel: ProfileChannel, store: SetpointStore, reporter: Reporter) -> None:
        self.address, self.channel, self._sink = address, channel, channel.write[0]
        self._store, self._reporter = store, reporter
        self._budget = WriteBudget(self._sink.daily_writes)
        self._shown: Command | None = None
        """What the device is known to hold."""
        self._doubtful: Command | None = None
        """Sent, and no answer came."""
        self._held: float | None = None
        self._sent_s = self._not_before_s = -math.inf
        self._touched = False

    def new_session(self) -> None:
        """The device may have restarted: nothing is known of what it holds."""
        self._shown = None

    async def serve(self, send: Send, shown: Shown, now_s: float) -> None:
        """Send when the setpoint changed or wants refreshing."""
        value = self._store.alive(self.address, now_s)
        if value is None:
            await self._expired(send)
            return
        try:
            command = command_of(self.channel, self._sink, self._steadied(value))
        except EncodeError as error:
            self._reporter.problem("setpoint_rejected", f"{self.address}: {error}; it was not sent")
            return
        self._reporter.clear("setpoint_rejected")
        if not await self._is_held(command, shown, now_s) and self._may_send(now_s):
            await self._send(command, send, shown, now_s)
            self._held = value

    async def release(self, send: Send) -> None:
        """Hand the device back to itself, where the profile says how."""
        command = hand_back_of(self._sink)
        if self._touched and command is not None:
            await send(command)
        self._touched, self._shown, self._held, self._doubtful = False, None, None, None

    async def _expired(self, send: Send) -> None:
        sink = self._sink
        if not self._touched or sink.watchdog_s is not None or sink.on_silence == "hold" or hand_back_of(sink) is None:
            return
        self._reporter.problem(
            "setpoint_expired", f"{self.address}: nobody repeats the setpoint; handed back to the device"
        )
        await self.release(send)

    def _steadied(self, value: float) -> float:
        """The former setpoint while the new one differs by less than the dead band."""
        held = self._held
        return held if held is not None and value != 0.0 and abs(value - held) < self._sink.deadband else value

    async def _is_held(self, command: Command, shown: Shown, now_s: float) -> bool:
        """Whether the device holds this, sent recently enough. After a message of unknown fate it is asked; what wears
        out is asked for before it is sent at all."""
        sink = self._sink
        ask = self._doubtful == command or (sink.persistent and self._shown is None)
        if ask and sink.read_back and self.channel.readable and self._same(await shown(), command):
            self._shown = command
            self._sent_s = now_s if self._doubtful is None else self._sent_s
        self._doubtful = None
        refresh_s = math.inf if sink.refresh_s is None else sink.refresh_s
        return self._shown == command and now_s - self._sent_s < refresh_s

    def _may_send(self, now_s: float) -> bool:
        sink, since_s = self._sink, now_s - self._sent_s
        if now_s < self._not_before_s or since_s < sink.minimum_interval_s:
            return False
        if not sink.persistent:
            return True
        if since_s < PERSISTENT_INTERVAL_S:
            return False
        if not self._budget.allows(now_s):
            text = f"{self.address}: sent {self._budget.daily} times in 24 h; the device keeps what it has"
            self._reporter.problem("write_budget", text)
            return False
        self._reporter.clear("write_budget")
        return True

    async def _send(self, command: Command, send: Send, shown: Shown, now_s: float) -> None:
        self._doubtful, self._sent_s, self._touched = command, now_s, True
        if self._sink.persistent:
            self._budget.spend(now_s)
        await send(command)
        self._doubtful, self._shown = None, command
        self._reporter.clear("setpoint_expired")
        if self._sink.read_back and self.channel.readable and not self._same(await shown(), command):
            text = f"{self.address}: the device does not show the setpoint it was sent"
            self._reporter.problem("setpoint_mismatch", text)
            self._shown, self._not_before_s = None, now_s + MISMATCH_WAIT_S
            return
        self._reporter.clear("setpoint_mismatch")

    def _same(self, value: float | None, command: Command) -> bool:
        return value is not None and abs(value - command.shows) <= _tolerance(self.channel, self._sink)


def _tolerance(channel: ProfileChannel, sink: Sink) -> float:
    """Half of what the device rounds to, and of what the channel is recorded in."""
    numbered = sink.http or sink.mqtt
    step = 0.0 if numbered is None else numbered.scale * 10.0**-numbered.decimals
    return 0.0 if channel.kind != "float" else max(step, channel.resolution) / 2 + 1e-9
