"""All MQTT devices of a site, over one connection to its broker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import aiomqtt
from simems_core import Clock, ProcessImage

from simems_edge.bridges.errors import DeviceError, NoAnswerError
from simems_edge.bridges.mqtt.device import MqttDevice
from simems_edge.bridges.mqtt.session import BrokerLink, subscribe
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.bridges.surroundings import Surroundings
from simems_edge.config import Site
from simems_edge.devices import Profile

_HEARTBEAT_S = 1.0


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
        self._around = Surroundings(image, clock, SetpointStore(), dice)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._settable: dict[str, MqttDevice] = {}
        self._devices: list[MqttDevice] = []
        self._link = BrokerLink(site.mqtt, f"simems-{site.site.id}-devices", dice, on_up=self._up, on_lost=self._lost)
        for component in site.components:
            mqtt = component.connection.mqtt
            if mqtt is None:
                continue
            profile, reporter = profiles[component.id], Reporter(component.id, on_problem, on_clear)
            device = MqttDevice(component.id, mqtt, profile, self._around, reporter, self._say)
            self._devices.append(device)
            self._settable |= {f"{component.id}/{c.name}": device for c in profile.channels if c.settable}

    @property
    def addresses(self) -> frozenset[str]:
        """Channels that :meth:`write` takes."""
        return frozenset(self._settable)

    async def run(self) -> None:
        """Until cancelled. Then devices are handed back to themselves and the connection is closed."""
        self._loop = asyncio.get_running_loop()
        listening = asyncio.create_task(self._link.run(self._listen), name="mqtt broker")
        try:
            async with asyncio.TaskGroup() as tasks:
                for device in self._devices:
                    tasks.create_task(device.run(), name=f"mqtt {device.id}")
                tasks.create_task(self._heartbeat(), name="mqtt heartbeat")
                tasks.create_task(_watch(listening), name="mqtt watch")
        finally:
            self._loop = None
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def write(self, address: str, setpoint: float) -> None:
        """Any thread; the latest wins; KeyError for what no profile lets be set. To be repeated while it holds."""
        device = self._settable[address]
        self._around.store.give(address, setpoint, self._around.now_s())
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(device.woken.set)

    async def _listen(self, client: aiomqtt.Client) -> None:
        for topic in dict.fromkeys(topic for device in self._devices for topic in device.topics):
            await subscribe(client, topic, self._link.name)
        async for message in client.messages:
            for device in self._devices:
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
        for device in self._devices:
            device.new_session()

    def _lost(self, error: DeviceError, is_open: bool) -> None:
        for device in self._devices if is_open else ():
            device.standing.failed("communication_lost", str(error), tolerated=False)

    async def _heartbeat(self) -> None:
        while True:
            for device in self._devices:
                device.standing.publish()
            await asyncio.sleep(_HEARTBEAT_S / self._around.clock.speed)


async def _watch(task: asyncio.Task[None]) -> None:
    """Raises what ends the connection's task by mistake; it is not cancelled with the devices, which still speak."""
    await asyncio.shield(task)
