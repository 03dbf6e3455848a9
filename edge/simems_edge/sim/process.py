"""The virtual plant as a process: steps with the clock, serves its devices, remembers its state."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from simems_core import Clock

from simems_edge.config import Site
from simems_edge.sim.plant import Plant
from simems_edge.sim.servers import PlantServers
from simems_edge.sim.state import PlantState, load_state, save_state

_MICROSECONDS: Final = 1e-6
_NANOSECONDS: Final = 1e-9
STEP_S: Final = 0.05
"""Longest step while the plant keeps up, in seconds of the plant."""
_WAKE_S: Final = 0.02
"""Shortest sleep between steps, in seconds of the host."""
_LONGEST_STEP_S: Final = 1.0
_SAVE_S: Final = 1.0
"""Seconds of the host between two states on disk."""


@dataclass(frozen=True, slots=True)
class PlantOptions:
    clock: Clock
    start: datetime | None = None
    """The plant's calendar begins here; None: the clock's own time."""
    seed: int | None = None
    state: Path | None = None


class PlantProcess:
    """Owns the plant; everything runs in one event loop."""

    def __init__(self, site: Site, options: PlantOptions) -> None:
        """Raises ``PlantError`` or ``ProfileNotFoundError`` for a site that cannot be simulated."""
        self._clock = options.clock
        self._state_path = options.state
        state = load_state(options.state) if options.state else None
        self._began_ns = self._clock.now_ns()
        utc_s = self._start_s(options, state)
        self._origin_s = min(state.origin_s, utc_s) if state else utc_s
        self.plant = Plant.from_site(site, start_utc=datetime.fromtimestamp(utc_s, UTC), seed=options.seed)
        if state:
            self.plant.restore(state.energies)
        self.servers = PlantServers(site, self.plant, self.channels)

    def _start_s(self, options: PlantOptions, state: PlantState | None) -> float:
        clock_s = self._clock.utc_us(self._began_ns) * _MICROSECONDS
        if options.start is None:
            return max(clock_s, state.utc_s) if state else clock_s
        return state.utc_s if state else options.start.timestamp()

    @property
    def counter(self) -> int:
        """Whole plant seconds since the plant's origin; survives restarts, never goes back."""
        return math.floor(self.plant.utc_s - self._origin_s)

    @property
    def speed(self) -> float:
        return self._clock.speed

    def channels(self) -> Mapping[str, float]:
        return {"counter": float(self.counter), "speed": self.speed}

    async def run(self, ready: asyncio.Event) -> None:
        """Until cancelled. Raises ``ServerError`` when a port is taken."""
        await self.servers.start()
        ready.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._step_on())
                tasks.create_task(self._keep_state())
        finally:
            await self.servers.stop()
            self._save()

    async def _step_on(self) -> None:
        while True:
            self.catch_up()
            await asyncio.sleep(max(STEP_S / self.speed, _WAKE_S))

    def catch_up(self) -> None:
        """Step the plant to the clock's present, in steps of at most a second."""
        while True:
            behind_s = (self._clock.now_ns() - self._began_ns) * _NANOSECONDS - self.plant.time_s
            if behind_s < 1e-3:
                return
            self.plant.step(min(behind_s, _LONGEST_STEP_S))

    async def _keep_state(self) -> None:
        while True:
            self._save()
            await asyncio.sleep(_SAVE_S)

    def _save(self) -> None:
        if self._state_path is not None:
            save_state(self._state_path, PlantState(self._origin_s, self.plant.utc_s, self.plant.state()))

    async def silence(self, component: str, silent: bool, *, refuse: bool = False) -> None:
        """``refuse``: close the device's port (all devices on it) instead of accepting and never answering."""
        self.plant.silence(component, silent and not refuse)
        endpoint = self.servers.endpoints[component]
        if silent and refuse:
            await self.servers.refuse(endpoint)
        else:
            await self.servers.open(endpoint)
