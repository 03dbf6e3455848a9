"""One device on a bus: heard, judged, commanded."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from simems_edge.bridges.can.bus import CanLink
from simems_edge.bridges.can.transmission import Transmission
from simems_edge.bridges.content_publisher import ContentPublisher
from simems_edge.bridges.errors import DeviceError
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.standing import Standing
from simems_edge.bridges.surroundings import NANOSECONDS, Surroundings
from simems_edge.config import Can
from simems_edge.devices.can_frames import MessageCodec, codecs
from simems_edge.devices.content_view import ContentView
from simems_edge.devices.json_content import ContentError
from simems_edge.devices.profile import Profile

_LOG = logging.getLogger(__name__)
JUDGE_S: Final = 0.1
FrameKey = tuple[int, bool]
"""Identifier, and whether it is an extended one."""


class CanDevice:
    """Raises DbcError when the profile's DBC file cannot be used."""

    def __init__(
        self, component: str, connection: Can, profile: Profile, around: Surroundings, reporter: Reporter, link: CanLink
    ) -> None:
        self.id = component
        self.standing = Standing(component, around, reporter)
        self._timeout_s, self._around, self._reporter, self._link = connection.timeout_s, around, reporter, link
        self._view = ContentView(profile)
        self._publisher = ContentPublisher(component, profile, around.image)
        known = codecs(profile)
        transmits = () if profile.can is None else profile.can.transmit
        said = {one.message for one in transmits}
        self._heard: dict[FrameKey, MessageCodec] = {
            (codec.frame_id, codec.extended): codec for name, codec in known.items() if name not in said
        }
        self._sent = [Transmission(one, known[one.message], profile.channels, reporter) for one in transmits]
        self._wrong: set[str] = set()
        self._heard_ns = around.clock.now_ns()

    def new_session(self) -> None:
        """The bus was lost meanwhile: nothing of before is believed."""
        self._view.forget()
        self._heard_ns = self._around.clock.now_ns()

    def hear(self, key: FrameKey, data: bytes) -> None:
        """A frame came."""
        codec = self._heard.get(key)
        if codec is None:
            return
        now_ns = self._around.clock.now_ns()
        try:
            contents = codec.contents(data)
        except ContentError as error:
            self._wrong.add(codec.name)
            self._tell_wrong(str(error))
            return
        self._wrong.discard(codec.name)
        self._tell_wrong("")
        rows = [row for part, numbers in contents.items() for row in self._view.update(part, numbers, now_ns)]
        self._heard_ns = now_ns
        if self._view.frozen(now_ns) is None:
            self._publisher.publish(rows)
            self.standing.answered()

    def _tell_wrong(self, text: str) -> None:
        if not self._wrong:
            self._reporter.clear("frames_refused")
        elif text:
            self._reporter.problem("frames_refused", text)

    def wake(self) -> None:
        """Nothing to do: setpoints go out at their message's own period."""

    def publish_communication(self) -> None:
        """Now, as it stands."""
        self.standing.publish()

    async def run(self) -> None:
        """Until cancelled; then idle values end what was asked of the device."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._judge())
                for one in self._sent:
                    tasks.create_task(self._transmit(one))
        finally:
            self._release()

    async def _judge(self) -> None:
        """A device that is silent, or whose counter stands still, is gone."""
        while True:
            now_ns = self._around.clock.now_ns()
            frozen = self._view.frozen(now_ns)
            if (now_ns - self._heard_ns) * NANOSECONDS > self._timeout_s:
                text = f"no frame came on {self._link.name} for {self._timeout_s:g} s"
                self.standing.failed("communication_lost", text, tolerated=False)
            elif frozen is not None:
                self._publisher.all_bad(now_ns)
                self.standing.failed("device_frozen", frozen, tolerated=False)
            await asyncio.sleep(JUDGE_S / self._around.clock.speed)

    # ---- writing

    async def _transmit(self, one: Transmission) -> None:
        """Keeps its phase; what was missed is not made up for."""
        due_s = self._around.now_s()
        while True:
            frame = one.next_frame(self._alive)
            if frame is not None:
                self._send(one, frame)
            now_s = self._around.now_s()
            due_s = due_s + one.period_s if due_s + one.period_s > now_s else now_s + one.period_s
            await asyncio.sleep((due_s - now_s) / self._around.clock.speed)

    def _alive(self, channel: str) -> float | None:
        return self._around.store.alive(f"{self.id}/{channel}", self._around.now_s())

    def _send(self, one: Transmission, frame: bytes) -> None:
        try:
            self._link.send(one.codec.frame_id, frame, extended=one.codec.extended)
        except DeviceError as error:
            _LOG.debug("%s: %s", self.id, error)  # told as a problem of the bus

    def _release(self) -> None:
        for one in self._sent:
            if one.controls:
                self._send(one, one.idle_frame())
