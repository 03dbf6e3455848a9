"""One look at what a CAN device sends, without an image. Nothing is ever sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import can

from simems_edge.bridges.can.bus import CanLink
from simems_edge.bridges.errors import DeviceError, NoAnswerError, WrongAnswerError
from simems_edge.config import Can
from simems_edge.devices import Profile
from simems_edge.devices.can_frames import codecs
from simems_edge.devices.content_view import ContentView
from simems_edge.devices.json_content import ContentError


class CanProbe:
    """Listens for the connection's ``timeout_s``."""

    def __init__(self, connection: Can, profile: Profile) -> None:
        self._connection = connection
        self._view = ContentView(profile)
        self._codecs = {(codec.frame_id, codec.extended): codec for codec in codecs(profile).values()}
        self._link = CanLink(connection, lambda: 0.5, on_frame=self._hear, on_up=lambda: None, on_lost=self._lost)
        self._frames = 0
        self._wrong: str | None = None
        self._error: DeviceError | None = None

    async def watch(self, interval_s: float) -> AsyncGenerator[dict[str, float | None], None]:
        """What came, each ``interval_s``; None: nothing of it came. Raises DeviceError."""
        task = asyncio.create_task(self._link.run())
        try:
            while True:
                await asyncio.sleep(self._connection.timeout_s)
                self._judge()
                yield self._view.shown()
                await asyncio.sleep(max(interval_s - self._connection.timeout_s, 0.0))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _judge(self) -> None:
        if self._error is not None:
            raise self._error
        if self._wrong is not None:
            raise WrongAnswerError(self._wrong)
        if self._frames == 0:
            text = f"no frame of the profile came on {self._link.name} within {self._connection.timeout_s:g} s"
            raise NoAnswerError(f"{text}; check bit rate, wiring and that the device is on")

    def _hear(self, frame: can.Message) -> None:
        codec = self._codecs.get((frame.arbitration_id, bool(frame.is_extended_id)))
        if codec is None:
            return
        try:
            for part, numbers in codec.contents(bytes(frame.data)).items():
                self._view.update(part, numbers, time.monotonic_ns())
        except ContentError as error:
            self._wrong = str(error)
            return
        self._frames += 1

    def _lost(self, error: DeviceError, _open: bool) -> None:
        self._error = error
