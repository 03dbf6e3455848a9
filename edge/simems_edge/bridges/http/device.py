"""One HTTP device: polled, checked, commanded; and asked again after every failure."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from simems_edge.bridges.command_writer import CommandWriter
from simems_edge.bridges.content_publisher import ContentPublisher
from simems_edge.bridges.errors import DeviceError, ForbiddenError, RefusedError, UnsuitableError
from simems_edge.bridges.http.link import HttpLink
from simems_edge.bridges.poll_schedule import Schedule
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.standing import Standing
from simems_edge.bridges.surroundings import Surroundings
from simems_edge.config import Component
from simems_edge.contracts.interfaces import INTERFACES
from simems_edge.devices.commands import Command, allowed
from simems_edge.devices.content_view import ContentView, Fresh, Part
from simems_edge.devices.json_content import at_pointer
from simems_edge.devices.profile import Profile

_LOG = logging.getLogger(__name__)
_CLOSING_S = 1.0
_LONGEST_WAIT_S = 1.0


class HttpDevice:
    def __init__(
        self, component: Component, profile: Profile, link: HttpLink, around: Surroundings, reporter: Reporter
    ) -> None:
        self.id = component.id
        self.woken = asyncio.Event()
        self.standing = Standing(component.id, around, reporter)
        self._profile, self._link, self._around, self._reporter = profile, link, around, reporter
        self._view = ContentView(profile)
        self._publisher = ContentPublisher(component.id, profile, around.image)
        self._allowed = allowed(profile.channels)
        self._writers = [
            CommandWriter(f"{component.id}/{channel.name}", channel, around.store, reporter)
            for channel in profile.channels
            if channel.settable
        ]

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
                await self._attempt()
                await asyncio.sleep(self.standing.breaker.wait_s())
        finally:
            await self._release()

    async def _attempt(self) -> None:
        try:
            await self._session()
        except UnsuitableError as error:
            self.standing.failed(error.code, str(error), tolerated=False)
        except DeviceError as error:
            self.standing.failed(error.code, str(error), tolerated=True)
        except (ValueError, LookupError, TypeError) as error:
            _LOG.exception("unexpected data from %s", self.id)
            text = f"the device's data cannot be understood: {type(error).__name__}"
            self.standing.failed("device_data", text, tolerated=False)

    async def _session(self) -> None:
        """Ends only by an error."""
        parts = await self._first_round()
        for writer in self._writers:
            writer.new_session()
        schedule = Schedule({part: part.poll_s for part in parts}, self._around.now_s())
        while True:
            for part in schedule.take(self._around.now_s()):
                self._take(await self._read(part))
            self.woken.clear()
            await self._serve()
            await self._wait(schedule.next_s)

    async def _first_round(self) -> list[Part]:
        """Everything once; what an optional channel's document refuses is left alone from then on."""
        self._view.forget()
        rows, parts, refused = list[Fresh](), list[Part](), dict[str, str]()
        for part in self._view.parts:
            try:
                rows += await self._read(part)
                parts.append(part)
            except RefusedError as error:
                refused[part.key] = str(error)
        self._must_be_there(refused)
        self._take(rows)
        return parts

    def _must_be_there(self, refused: dict[str, str]) -> None:
        lost = {name for key in refused for name in self._view.names_of(key)}
        readable = [c.name for c in self._profile.channels if c.readable and c.name not in lost]
        settable = [c.name for c in self._profile.channels if c.settable]
        missing = INTERFACES[self._profile.kind].missing(readable, settable)
        if refused and (missing or len(refused) == len(self._view.parts)):
            text = next(iter(refused.values()))
            raise RefusedError(f"{text}; profile {self._profile.id} reads {', '.join(missing) or 'all'} there")
        told = [text for key, text in refused.items() if not self._apart(key)]
        if told:
            self._reporter.problem("documents_refused", f"{told[0]}; its channels are missing, the others are read")
        else:
            self._reporter.clear("documents_refused")

    def _apart(self, key: str) -> bool:
        return any(part.key == key and part.apart for part in self._view.parts)

    async def _read(self, part: Part) -> list[Fresh]:
        document = await self._link.ask("GET", part.key)
        return self._view.update(part.key, document, self._around.clock.now_ns())

    def _take(self, rows: list[Fresh]) -> None:
        """The device answered: its values go into the image, unless it shows itself frozen."""
        now_ns = self._around.clock.now_ns()
        frozen = self._view.frozen(now_ns)
        if frozen is not None:
            self._publisher.all_bad(now_ns)
            self.standing.failed("device_frozen", frozen, tolerated=False)
            return
        self._publisher.publish(rows)
        self.standing.answered()

    async def _wait(self, until_s: float) -> None:
        host_s = max((until_s - self._around.now_s()) / self._around.clock.speed, 0.0)
        try:
            async with asyncio.timeout(min(host_s, _LONGEST_WAIT_S)):
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
            self._reporter.clear("setpoint_refused")

    async def _shown(self, writer: CommandWriter) -> float | None:
        key = self._view.key_of(writer.channel)
        if key is None:
            return None
        document = await self._link.ask("GET", key)
        self._take(self._view.update(key, document, self._around.clock.now_ns()))
        found = self._view.value(writer.channel.name)
        return None if found is None else found[0]

    async def _send(self, command: Command) -> None:
        """The last gate: what the profile does not list is never sent."""
        if not self._allowed(command):
            raise ForbiddenError(f"{command.method} {command.place} is not among what profile {self._profile.id} sends")
        document = await self._link.ask(command.method, command.place, command.text)
        if command.answer is not None and at_pointer(document, command.answer[0]) != command.answer[1]:
            raise RefusedError(f"{command.place}: its answer lacks {command.answer[1]!r} at {command.answer[0]}")

    async def _release(self) -> None:
        try:
            async with asyncio.timeout(_CLOSING_S):
                for writer in self._writers:
                    if self.standing.answering:
                        await writer.release(self._send)
        except (DeviceError, TimeoutError, ValueError):
            _LOG.info("%s could not be handed back to itself; its own watchdog ends the setpoint", self.id)
