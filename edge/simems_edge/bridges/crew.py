"""The devices of one bridge: which of their channels can be set, whom a setpoint wakes, and their heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Generic, Protocol, TypeVar

from simems_edge.bridges.surroundings import Surroundings
from simems_edge.devices import Profile

HEARTBEAT_S: Final = 1.0


class Member(Protocol):
    """A device with a task of its own."""

    @property
    def id(self) -> str: ...

    async def run(self) -> None:
        """Until cancelled; then the device is handed back to itself."""

    def wake(self) -> None:
        """On the event loop: a setpoint for it is in the store."""

    def publish_communication(self) -> None:
        """Whether the bridge talks to it, also when nothing changed: else the channel would go stale."""


D = TypeVar("D", bound=Member)


class Crew(Generic[D]):
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._loop: asyncio.AbstractEventLoop | None = None
        self._settable: dict[str, D] = {}
        self.devices: list[D] = []

    def add(self, device: D, profile: Profile) -> None:
        self.devices.append(device)
        self._settable |= {f"{device.id}/{channel.name}": device for channel in profile.channels if channel.settable}

    @property
    def addresses(self) -> frozenset[str]:
        """Channels that :meth:`write` takes."""
        return frozenset(self._settable)

    def write(self, address: str, setpoint: float) -> None:
        """Any thread; the latest wins. Only channels that a profile lets be written: others raise KeyError.

        Call it again at least every second while the setpoint holds (each cycle will do): one that is not repeated
        for 5 s is no longer refreshed, so that the device's watchdog ends it when the cycle died.
        """
        device = self._settable[address]
        self._around.store.give(address, setpoint, self._around.now_s())
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(device.wake)

    async def run(self, protocol: str, *others: Coroutine[Any, Any, None]) -> None:
        """Until cancelled. ``others`` run beside the devices; what ends by an error ends all."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as tasks:
                for device in self.devices:
                    tasks.create_task(device.run(), name=f"{protocol} {device.id}")
                tasks.create_task(self._heartbeat(), name=f"{protocol} heartbeat")
                for other in others:
                    tasks.create_task(other)
        finally:
            self._loop = None

    async def _heartbeat(self) -> None:
        while True:
            for device in self.devices:
                device.publish_communication()
            await asyncio.sleep(HEARTBEAT_S / self._around.clock.speed)
