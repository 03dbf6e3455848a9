"""One device that sends to the broker: heard, judged, commanded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from simems_edge.bridges.command_writer import CommandWriter
from simems_edge.bridges.content_publisher import ContentPublisher
from simems_edge.bridges.errors import DeviceError, ForbiddenError, RefusedError
from simems_edge.bridges.mqtt.payload import content_of
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.standing import Standing
from simems_edge.bridges.surroundings import NANOSECONDS, Surroundings
from simems_edge.config import Mqtt
from simems_edge.devices.commands import Command, allowed
from simems_edge.devices.content_points import TOPIC
from simems_edge.devices.content_view import ContentView
from simems_edge.devices.json_content import ContentError
from simems_edge.devices.profile import Profile
from simems_edge.kit.checkpoint import checkpoint

_LOG = logging.getLogger(__name__)
TURN_S: Final = 1.0
CONFIRM_S: Final = 3.0
"""A device shows what it was told within this."""
Say = Callable[[str, str], Awaitable[None]]
"""(topic, payload); raises a DeviceError."""


class MqttDevice:
    def __init__(
        self, component: str, connection: Mqtt, profile: Profile, around: Surroundings, reporter: Reporter, say: Say
    ) -> None:
        self.id = component
        self.woken = asyncio.Event()
        self.standing = Standing(component, around, reporter)
        self._base, self._timeout_s = connection.topic, connection.timeout_s
        self._profile, self._around, self._reporter, self._say = profile, around, reporter, say
        self._view = ContentView(profile)
        self._keys = {part.key.replace(TOPIC, self._base): part.key for part in self._view.parts}
        self._publisher = ContentPublisher(component, profile, around.image)
        self._allowed = allowed(profile.channels)
        self._heard = asyncio.Event()
        self._told_ns = -1
        self._heard_ns: int | None = None
        self._listening_ns = around.clock.now_ns()
        self._writers = [
            CommandWriter(f"{component}/{channel.name}", channel, around.store, reporter)
            for channel in profile.channels
            if channel.settable
        ]

    @property
    def topics(self) -> list[str]:
        """What must be subscribed to."""
        return list(self._keys)

    def new_session(self) -> None:
        """The broker was lost meanwhile: nothing of before is believed."""
        self._view.forget()
        self._listening_ns = self._around.clock.now_ns()
        for writer in self._writers:
            writer.new_session()

    def hear(self, topic: str, payload: object, *, retained: bool) -> None:
        """A message came. A retained one says what once was, not what is: it is left alone."""
        key = self._keys.get(topic)
        if key is None or retained:
            return
        now_ns = self._around.clock.now_ns()
        try:
            rows = self._view.update(key, content_of(payload), now_ns)
        except ContentError as error:
            self._reporter.problem("wrong_answer", f"{topic}: the payload {error}")
            return
        self._heard_ns = now_ns
        frozen = self._view.frozen(now_ns)
        if frozen is not None:
            self._publisher.all_bad(now_ns)
            self.standing.failed("device_frozen", frozen, tolerated=False)
        else:
            self._publisher.publish(rows)
            self.standing.answered()
        self._heard.set()

    def wake(self) -> None:
        """A setpoint is in the store."""
        self.woken.set()

    def publish_communication(self) -> None:
        """Now, as it stands."""
        self.standing.publish()

    async def run(self) -> None:
        """Until cancelled; then the device is handed back to itself."""
        try:
            while True:
                checkpoint()
                self._judge_silence()
                self.woken.clear()
                await self._serve()
                await self._wait()
        finally:
            await self._release()

    def _judge_silence(self) -> None:
        since_ns = self._listening_ns if self._heard_ns is None else max(self._heard_ns, self._listening_ns)
        if (self._around.clock.now_ns() - since_ns) * NANOSECONDS > self._timeout_s:
            text = f"{self._base} has been silent for more than {self._timeout_s:g} s"
            self.standing.failed("communication_lost", text, tolerated=False)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(TURN_S / self._around.clock.speed):
                await self.woken.wait()
        except TimeoutError:
            return

    # ---- writing

    async def _serve(self) -> None:
        for writer in self._writers:
            try:
                await writer.serve(self._send, partial(self._shown, writer), self._around.now_s())
            except (RefusedError, ForbiddenError) as error:
                self._reporter.problem("setpoint_refused", f"{writer.address}: {error}")
                continue
            except DeviceError as error:
                _LOG.info("%s: %s", writer.address, error)  # told as a problem of the broker
                continue
            self._reporter.clear("setpoint_refused")

    async def _shown(self, writer: CommandWriter) -> float | None:
        """As the device says it since it was last told anything; None when it says nothing in time."""
        try:
            async with asyncio.timeout(CONFIRM_S):
                while True:
                    found = self._view.value(writer.channel.name)
                    if found is not None and found[1] > self._told_ns:
                        return found[0]
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            return None

    async def _send(self, command: Command) -> None:
        """The last gate: what the profile does not list is never sent."""
        if not self._allowed(command):
            raise ForbiddenError(f"{command.place} is not among the topics that profile {self._profile.id} sends to")
        self._told_ns = self._around.clock.now_ns()
        await self._say(command.place.replace(TOPIC, self._base), command.text)

    async def _release(self) -> None:
        try:
            for writer in self._writers:
                if self.standing.answering:
                    await writer.release(self._send)
        except (DeviceError, TimeoutError, ValueError):
            _LOG.info("%s could not be handed back to itself", self.id)
