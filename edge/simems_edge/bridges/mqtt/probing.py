"""One look at what an MQTT device sends, without an image. Nothing is ever set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from uuid import uuid4

import aiomqtt

from simems_edge.bridges.errors import NoAnswerError, WrongAnswerError
from simems_edge.bridges.mqtt.payload import content_of
from simems_edge.bridges.mqtt.session import BrokerLink, subscribe
from simems_edge.config import Mqtt, MqttSettings
from simems_edge.devices import Profile
from simems_edge.devices.content_points import TOPIC
from simems_edge.devices.content_view import ContentView
from simems_edge.devices.json_content import ContentError


class MqttProbe:
    """Waits for each of the device's messages once, at most ``timeout_s`` of its connection."""

    def __init__(self, connection: Mqtt, profile: Profile, broker: MqttSettings) -> None:
        self._connection, self._profile = connection, profile
        self._link = BrokerLink(
            broker,
            f"simems-probe-{uuid4().hex[:8]}",
            lambda: 0.5,
            on_up=lambda: None,
            on_lost=lambda _error, _open: None,
        )

    async def watch(self, interval_s: float) -> AsyncGenerator[dict[str, float | None], None]:
        """What came, each ``interval_s``; None: nothing of it came. Raises DeviceError."""
        view = ContentView(self._profile)
        async with self._link.opened() as client:
            topics = {part.key.replace(TOPIC, self._connection.topic): part.key for part in view.parts}
            for topic in topics:
                await subscribe(client, topic, self._link.name)
            await self._gather(client, view, topics, set(topics))
            while True:
                yield view.shown()
                await asyncio.sleep(interval_s)
                await self._gather(client, view, topics, set(topics))

    async def _gather(
        self, client: aiomqtt.Client, view: ContentView, topics: dict[str, str], missing: set[str]
    ) -> None:
        heard = len(missing)
        try:
            async with asyncio.timeout(self._connection.timeout_s):
                async for message in client.messages:
                    topic = str(message.topic)
                    if topic in topics and not message.retain:
                        view.update(topics[topic], content_of(message.payload), time.monotonic_ns())
                        missing.discard(topic)
                    if not missing:
                        return
        except TimeoutError as error:
            if len(missing) == heard:
                text = f"{self._connection.topic} sent nothing within {self._connection.timeout_s:g} s"
                raise NoAnswerError(f"{text} (retained messages do not count)") from error
        except ContentError as error:
            raise WrongAnswerError(f"{self._connection.topic}: a payload {error}") from error
