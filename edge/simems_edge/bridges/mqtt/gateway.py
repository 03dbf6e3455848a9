"""The site at its broker: channels out, and requests in where the site file has any."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
from collections import deque
from pathlib import Path
from typing import Final, Protocol

import aiomqtt
from simems_core import Clock, ProcessImage

from simems_edge.bridges.errors import DeviceError
from simems_edge.bridges.mqtt.discovery import announcement
from simems_edge.bridges.mqtt.limits import CHANNELS, Limits
from simems_edge.bridges.mqtt.requests import Asked, RequestError, UsedIds, asked
from simems_edge.bridges.mqtt.session import BrokerLink, subscribe
from simems_edge.bridges.mqtt.telling import Teller
from simems_edge.bridges.mqtt.topics import OFFLINE, ONLINE, Topics
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.secrets import SecretError, read_secret
from simems_edge.config import MqttRequest, Site
from simems_edge.kit.checkpoint import checkpoint
from simems_edge.kit.side_by_side import until_first_ends

log = logging.getLogger(__name__)
COMPONENT: Final = "mqtt"
REPEAT_S: Final = 1.0
REFUSALS_TOLD_EVERY_S: Final = 10.0
ANSWERS: Final = 100
"""Answers that wait for the broker; the oldest is dropped."""


class Desk(Protocol):
    """What requests come to in the end."""

    def override(self, target: str, value: float, *, duration_s: float, reason: str, actor: str) -> None:
        """Raises KeyError, ValueError or OSError."""

    def tell(self, code: str, text: str, actor: str) -> None:
        """Into the log of what was asked and done."""

    def time_known(self) -> bool:
        """Whether the wall clock is set."""


class MqttGateway:
    """For a site with a section ``mqtt.publish``. Its failure costs the control nothing."""

    def __init__(
        self,
        site: Site,
        image: ProcessImage,
        clock: Clock,
        folder: Path,
        desk: Desk,
        *,
        on_problem: OnProblem,
        on_clear: OnClear,
    ) -> None:
        """``folder``: where limits outlast a restart."""
        if site.mqtt is None or site.mqtt.publish is None:
            raise ValueError("the site has no section mqtt.publish")
        self._settings, self._publish = site.mqtt, site.mqtt.publish
        self._image, self._clock, self._desk = image, clock, desk
        self.topics = Topics(site.site.id, self._publish)
        rows = self.topics.told(image.channels)
        self._channels = [(image.handle(row.address), row) for row in rows]
        self._teller = Teller(self._channels, self.topics)
        self._reporter = Reporter(COMPONENT, on_problem, on_clear)
        self._requests = {self.topics.request(one.name): one for one in self._settings.requests}
        self._limits, self._used = Limits(site, image, folder, clock.now_ns), UsedIds()
        self._answers: deque[tuple[str, str]] = deque(maxlen=ANSWERS)
        self._refusal_told_s = -math.inf
        self._restored = False
        self._link = BrokerLink(
            self._settings,
            f"simems-{site.site.id}",
            random.SystemRandom().random,
            will=aiomqtt.Will(self.topics.status, OFFLINE, qos=1, retain=True),
            on_up=self._up,
            on_lost=self._lost,
        )

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run(self._session), name="mqtt gateway")
            tasks.create_task(self._hold_limits(), name="mqtt limits")

    def _up(self) -> None:
        self._reporter.clear("broker_lost", "broker_refused")
        self._teller.forget()

    def _lost(self, error: DeviceError, is_open: bool) -> None:
        if is_open:
            self._reporter.problem("broker_lost", str(error))

    async def _session(self, client: aiomqtt.Client) -> None:
        """One connection's life: ends by an error of its own, or when a part of it ends."""
        for topic in self._requests:
            await subscribe(client, topic, self._link.name, as_published=True)
        await client.publish(self.topics.status, ONLINE, qos=1, retain=True)
        checkpoint()
        try:
            await until_first_ends(self._tell(client), self._listen(client))
        except asyncio.CancelledError:
            await client.publish(self.topics.status, OFFLINE, qos=1, retain=True)
            raise

    # ---- out

    async def _tell(self, client: aiomqtt.Client) -> None:
        if self._publish.discovery is not None:
            for _, channel in self._channels:
                await client.publish(*announcement(channel, self.topics), qos=1, retain=True)
                checkpoint()
        while True:
            now_ns = self._clock.now_ns()
            due = self._teller.due(self._image.snapshot(), now_ns * 1e-9, self._clock.utc_us(now_ns))
            for topic, text in due:
                await client.publish(topic, text, qos=0, retain=True)
                checkpoint()
                await self._answer(client)
            await self._answer(client)
            await asyncio.sleep(self._publish.interval_s / self._clock.speed)

    async def _answer(self, client: aiomqtt.Client) -> None:
        while self._answers:
            topic, text = self._answers.popleft()
            await client.publish(topic, text, qos=1)
            checkpoint()

    # ---- in

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            request = self._requests.get(str(message.topic))
            if request is not None:
                await asyncio.to_thread(self.take, request, message.payload, retained=bool(message.retain))
                await self._answer(client)

    def take(self, request: MqttRequest, payload: object, *, retained: bool) -> None:
        """Carry a request out, or refuse and report it. Waits for the disk: not on an event loop."""
        found = None
        try:
            now_s = self._dated()
            found = asked(
                payload,
                self.topics.request(request.name),
                read_secret(Path(request.secret_file)),
                request,
                now_s,
                retained=retained,
            )
            self._used.use(found.id, now_s)
            self._carry_out(request, found, now_s)
        except (RequestError, SecretError, KeyError, ValueError, OSError) as error:
            self._refuse(request, found, str(error.args[0]) if error.args else type(error).__name__)
            return
        text = f"{request.sets} {found.value:g} for {found.duration_s:g} s: {found.reason}"
        self._desk.tell("mqtt_request.taken", f"{request.name}: {text}", _actor(found))
        self._answers.append((self.topics.response(found.id), json.dumps({"accepted": True})))

    def _dated(self) -> float:
        if not self._desk.time_known():
            raise RequestError("cannot be dated: the clock of this machine is not set")
        return self._now_s()

    def _carry_out(self, request: MqttRequest, found: Asked, now_s: float) -> None:
        """Its time counts from when it was sent: however late it comes, it ends when its sender wanted."""
        left_s = min(found.time + found.duration_s - now_s, found.duration_s)
        if left_s <= 0.0:
            raise RequestError("is over already")
        if request.sets in CHANNELS:
            self._limits.set(request.sets, found.value, left_s, now_s)
            return
        reason, actor = found.reason, _actor(found)
        self._desk.override(request.sets, found.value, duration_s=left_s, reason=reason, actor=actor)

    def _refuse(self, request: MqttRequest, found: Asked | None, why: str) -> None:
        if found is not None:
            self._answers.append((self.topics.response(found.id), json.dumps({"accepted": False, "why": why})))
        now_s = self._clock.now_ns() * 1e-9
        log.warning("a request is refused", extra={"request": request.name, "why": why})
        if now_s - self._refusal_told_s >= REFUSALS_TOLD_EVERY_S:
            self._refusal_told_s = now_s
            actor = COMPONENT if found is None else _actor(found)
            self._desk.tell("mqtt_request.refused", f"{request.name} {why}", actor)

    def hold(self, now_s: float) -> None:
        """Give standing limits again and end those whose time is over. Waits for the disk: not on an event loop."""
        if not self._restored:
            self._limits.restore(now_s)
            self._restored = True
        for sets in self._limits.repeat(now_s):
            self._desk.tell("mqtt_request.ended", f"{sets}: its time is over", "system")

    async def _hold_limits(self) -> None:
        while True:
            if self._desk.time_known():
                await asyncio.to_thread(self.hold, self._now_s())
            await asyncio.sleep(REPEAT_S / self._clock.speed)

    def _now_s(self) -> float:
        return self._clock.utc_us(self._clock.now_ns()) * 1e-6


def _actor(found: Asked) -> str:
    return f"{COMPONENT}:{found.actor}"
