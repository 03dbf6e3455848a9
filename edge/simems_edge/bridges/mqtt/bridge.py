"""All MQTT devices of a site, over one connection to its broker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import aiomqtt
from simems_core import Clock, ProcessImage

from simems_edge.bridges.crew import Crew
from simems_edge.bridges.errors import DeviceError, NoAnswerError
from simems_edge.bridges.mqtt.device import MqttDevice
from simems_edge.bridges.mqtt.session import BrokerLink, subscribe
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.bridges.surroundings import Surroundings
from simems_edge.config import Site
from simems_edge.devices import Profile
from simems_edge.kit.side_by_side import end


class MqttBridge:
    """Publishes what devices say into the image, sends setpoints to them."""

    def __init__(
        self,
        site: Site,
        profiles: Mapping[str, Profile],
        image: ProcessImage,
        clock: Clock,
        *,
        on_problem: OnProblem,
        on_clear: OnClear,
    ) -> None:
        """``profiles``: by component id. ``on_problem`` and ``on_clear`` are called on the bridge's event loop. Raises
        ValueError when the site names no broker."""
        if site.mqtt is None:
            raise ValueError("the site has no section mqtt; add it")
        dice = random.SystemRandom().random
        around = Surroundings(image, clock, SetpointStore(), dice)
        self._crew: Crew[MqttDevice] = Crew(around)
        self._link = BrokerLink(site.mqtt, f"simems-{site.site.id}-devices", dice, on_up=self._up, on_lost=self._lost)
        for component in site.components:
            mqtt = component.connection.mqtt
            if mqtt is None:
                continue
            profile, reporter = profiles[component.id], Reporter(component.id, on_problem, on_clear)
            self._crew.add(MqttDevice(component.id, mqtt, profile, around, reporter, self._say), profile)

    @property
    def addresses(self) -> frozenset[str]:
        """Channels that :meth:`write` takes."""
        return self._crew.addresses

    async def run(self) -> None:
        """Until cancelled. Then devices are handed back to themselves and the connection is closed."""
        listening = asyncio.create_task(self._link.run(self._listen), name="mqtt broker")
        try:
            await self._crew.run("mqtt", _watch(listening))
        finally:
            await end(listening)

    def write(self, address: str, setpoint: float) -> None:
        """As :meth:`Crew.write`."""
        self._crew.write(address, setpoint)

    async def _listen(self, client: aiomqtt.Client) -> None:
        for topic in dict.fromkeys(topic for device in self._crew.devices for topic in device.topics):
            await subscribe(client, topic, self._link.name)
        async for message in client.messages:
            for device in self._crew.devices:
                device.hear(str(message.topic), message.payload, retained=bool(message.retain))

    async def _say(self, topic: str, payload: str) -> None:
        client = self._link.client
        if client is None:
            raise NoAnswerError(f"{self._link.name} is not connected")
        try:
            await client.publish(topic, payload, qos=1)
        except aiomqtt.MqttError as error:
            raise NoAnswerError(f"{self._link.name} does not take messages") from error

    def _up(self) -> None:
        for device in self._crew.devices:
            device.new_session()

    def _lost(self, error: DeviceError, is_open: bool) -> None:
        for device in self._crew.devices if is_open else ():
            device.standing.failed("communication_lost", str(error), tolerated=False)


async def _watch(task: asyncio.Task[None]) -> None:
    """Raises what ends the connection's task by mistake; it is not cancelled with the devices, which still speak."""
    await asyncio.shield(task)
