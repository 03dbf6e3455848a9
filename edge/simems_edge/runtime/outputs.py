"""Carries decisions to the bridge: a thread that waits for published cycles, and the bridge's own event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from threading import Event as Flag
from threading import Thread
from typing import Protocol

from simems_core import Clock, Cycle, Decision, ProcessImage

from simems_edge.config import Site
from simems_edge.devices import Profile

log = logging.getLogger(__name__)
WAIT_S = 0.5
STOP_S = 5.0
RESTART_S = 1.0


class Bridge(Protocol):
    """What publishes a site's devices into the image and takes their setpoints."""

    async def run(self) -> None: ...

    @property
    def addresses(self) -> frozenset[str]:
        """What it can set: channels of its own devices."""

    def write(self, address: str, setpoint: float) -> None:
        """From any thread; called again each cycle while the setpoint holds."""


class BridgeFactory(Protocol):
    """``ModbusBridge`` is one."""

    def __call__(
        self,
        site: Site,
        profiles: Mapping[str, Profile],
        image: ProcessImage,
        clock: Clock,
        *,
        on_problem: Callable[[str, str, str], None],
        on_clear: Callable[[str, str], None],
    ) -> Bridge: ...


class BridgeThread:
    """Runs one bridge on its own event loop. A bridge that ends or raises is started again, and that is logged."""

    def __init__(self, bridge: Bridge, devices: frozenset[str]) -> None:
        """``devices``: addresses that stand for devices; those of clusters are nobody's to write, those of another
        bridge's devices not this one's."""
        self._bridge = bridge
        self._devices = devices & bridge.addresses
        self._loop = asyncio.new_event_loop()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._thread = Thread(target=self._main, name="bridge", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Cancel the bridge, wait for its orderly end."""
        self._stopping = True
        self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(STOP_S)

    def write(self, decisions: list[Decision]) -> None:
        """From any thread."""
        for decision in decisions:
            if decision.address not in self._devices:
                continue
            self._bridge.write(decision.address, decision.setpoint)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._supervise())
        finally:
            self._loop.close()

    async def _supervise(self) -> None:
        while not self._stopping:
            self._task = asyncio.ensure_future(self._bridge.run())
            try:
                await self._task
                log.error("bridge ended by itself; it is started again")
            except asyncio.CancelledError:
                return
            except Exception:
                log.exception("bridge failed; it is started again")
            await asyncio.sleep(RESTART_S)


class DecisionThread:
    """Hands each published cycle's decisions on. Ends with the cycle."""

    def __init__(self, cycle: Cycle, deliver: Callable[[list[Decision]], None]) -> None:
        self._cycle = cycle
        self._deliver = deliver
        self._stopping = Flag()
        self._thread = Thread(target=self._main, name="decisions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(STOP_S)

    def _main(self) -> None:
        after = 0
        while not self._stopping.is_set():
            published = self._cycle.wait_decisions(after, WAIT_S)
            if published is None:
                continue
            after, decisions = published
            try:
                self._deliver(decisions)
            except Exception:
                log.exception("setpoints not delivered", extra={"cycle": after})
