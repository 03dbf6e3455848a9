"""What a message says now: its setpoints while they live, else its idle values. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simems_edge.bridges.reporter import Reporter
from simems_edge.devices.can_frames import MessageCodec, numbers_of
from simems_edge.devices.content_points import CanSink, Transmit
from simems_edge.devices.profile import ProfileChannel
from simems_edge.devices.registers import EncodeError

IDLE_FRAMES: Final = 3
"""Sent with idle values once nobody repeats the setpoint; then the message stops, and the device sees that too."""
Alive = Callable[[str], float | None]
"""Name of a channel -> its setpoint, None when nobody repeats it."""


class Transmission:
    """One message of one device. A message without a setpoint (a heartbeat) never stops."""

    def __init__(
        self, transmit: Transmit, codec: MessageCodec, channels: tuple[ProfileChannel, ...], reporter: Reporter
    ) -> None:
        self.period_s, self.codec = transmit.period_s, codec
        self._transmit, self._reporter = transmit, reporter
        self._setpoints = [
            (channel, sink.can)
            for channel in channels
            for sink in channel.write
            if sink.can is not None and sink.can.message == transmit.message
        ]
        self._count = 0
        self._idle_left = 0 if self._setpoints else 1

    def next_frame(self, alive: Alive) -> bytes | None:
        """None: nothing is to be sent. An impossible setpoint is told, and idle values are sent in its place."""
        values = [(channel, sink, alive(channel.name)) for channel, sink in self._setpoints]
        given = [(channel, sink, value) for channel, sink, value in values if value is not None]
        if given:
            self._idle_left = IDLE_FRAMES
        elif self._idle_left == 0:
            return None
        elif self._setpoints:
            self._idle_left -= 1
        data = self._active(given) if given else None
        self._count += 1
        return self.idle_frame() if data is None else data

    def idle_frame(self) -> bytes:
        """With the idle values."""
        return self.codec.encode(self._transmit.idle, self._count)

    def _active(self, given: list[tuple[ProfileChannel, CanSink, float]]) -> bytes | None:
        try:
            data = self.codec.encode(numbers_of(self._transmit, given), self._count)
        except EncodeError as error:
            self._reporter.problem("setpoint_rejected", f"{error}; idle values were sent")
            return None
        self._reporter.clear("setpoint_rejected")
        return data

    @property
    def controls(self) -> bool:
        """Whether it carries a setpoint, and something of it may be in the device."""
        return bool(self._setpoints) and self._count > 0
