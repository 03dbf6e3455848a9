"""The faults, in random order, one after the other while their effects overlap."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from bench.cloud.rig import Rig
from tests.chaos.cloud import Ingest, eventually, kill_backend, kill_server
from tests.chaos.plant import Plant
from tests.chaos.proxy import FAULTS, Proxy

JUMPS_S = (1, 3_600, 86_400)
CALM_EVERY = 20
"""Faults after which everything must get through once: a storm in which nothing moves proves nothing."""
PAUSE_S = 0.2
NOISE = 200
"""Channels, about 4 KB a flush."""


def deck(kills: int, *, disks: bool) -> list[str]:
    """Names of faults for so many SIGKILLs, shuffled: half as many of the network, a tenth each of full disks and
    jumps of the clock, at least one of each kind."""
    tenth = max(1, kills // 10)
    counts = {
        "kill edge": kills - 5 * tenth,
        "kill ingest": 3 * tenth,
        "kill backend": tenth,
        "kill postgres": tenth,
        "full disk": tenth if disks else 0,
        **{f"jump {seconds} s": max(1, tenth // len(JUMPS_S)) for seconds in JUMPS_S},
        **{kind: max(1, -(-kills // 2 // len(FAULTS))) for kind in FAULTS},
    }
    cards = [kind for kind, count in counts.items() for _ in range(count)]
    random.shuffle(cards)
    return cards


@dataclass
class Storm:
    rig: Rig
    proxy: Proxy
    farm: list[Ingest]
    plants: list[Plant]
    tell: Callable[[str], None]
    """Of progress."""
    done: Counter[str] = field(default_factory=Counter)
    spent_s: dict[str, float] = field(default_factory=dict)

    async def run(self, cards: list[str]) -> None:
        for number, kind in enumerate(cards, start=1):
            await asyncio.sleep(random.uniform(0.0, PAUSE_S))
            await self._timed(kind, self._happen(kind))
            self.done[kind] += 1
            if number % CALM_EVERY == 0 or number == len(cards):
                await self._timed("calm", self.calm())
                slowest = sorted(self.spent_s.items(), key=lambda spent: -spent[1])[:3]
                self.tell(
                    f"{number} of {len(cards)} ({', '.join(f'{name} {spent_s:.0f} s' for name, spent_s in slowest)})"
                )

    async def _timed(self, kind: str, happening: Coroutine[Any, Any, None]) -> None:
        began_s = time.monotonic()
        await happening
        self.spent_s[kind] = self.spent_s.get(kind, 0.0) + time.monotonic() - began_s

    async def end(self) -> None:
        """Nothing more is measured, and everything gets through."""
        for plant in self.plants:
            plant.rest()
        for plant in self.plants:
            await eventually(plant.is_done, lambda: f"the end of {plant.name}; it said {plant.said}")  # noqa: B023

    async def calm(self) -> None:
        """Everything runs, and what every box has is the cloud's."""
        for ingest in self.farm:
            assert ingest.runs, f"an ingest process ended by itself: {ingest.last_words}"
        for plant in self.plants:
            await self._durable(plant)
        for plant, sequence in [(plant, plant.sequence) for plant in self.plants]:
            await self._acked(plant, sequence)

    async def _durable(self, plant: Plant) -> None:
        await eventually(plant.writes, lambda: f"{plant.name} durable; it said {plant.said}")

    async def _acked(self, plant: Plant, sequence: int) -> None:
        what = f"{sequence} of {plant.name} acknowledged"
        await eventually(lambda: plant.acked >= sequence, lambda: f"{what}; it said {plant.said}")

    async def _happen(self, kind: str) -> None:
        happen: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "kill edge": self._kill_edge,
            "kill ingest": self._kill_ingest,
            "kill backend": lambda: kill_backend(self.rig),
            "kill postgres": self._kill_postgres,
            "full disk": self._fill_disk,
        }
        if kind in happen:
            await happen[kind]()
        elif kind.startswith("jump"):
            self._jump(int(kind.split()[1]))
        else:
            await eventually(lambda: self.proxy.harm(kind), lambda: f"a connection for {kind}")

    async def _kill_edge(self) -> None:
        """Now and then while it starts, mostly while it measures."""
        plant = random.choice(self.plants)
        if random.random() < 0.8:
            await self._durable(plant)
        plant.kill()
        await asyncio.sleep(random.uniform(0.0, PAUSE_S))
        plant.again()

    async def _kill_ingest(self) -> None:
        ingest = random.choice(self.farm)
        ingest.kill()
        ingest.start()

    async def _kill_postgres(self) -> None:
        kill_server(self.rig)

    async def _fill_disk(self) -> None:
        """Until the box says that its disk refuses; a third of them are killed on the full disk and start on it."""
        plant = random.choice([plant for plant in self.plants if plant.disk is not None])
        disk = plant.disk
        assert disk is not None
        await self._durable(plant)

        def refused() -> bool:
            disk.fill()
            return plant.refuses()

        plant.noise(NOISE)
        await eventually(refused, lambda: f"{plant.name} on a full disk; it said {plant.said}")
        if random.random() < 0.33:
            plant.kill()
            plant.again()
        await asyncio.sleep(random.uniform(0.0, PAUSE_S))
        disk.free()
        plant.noise(0)
        await self._durable(plant)

    def _jump(self, seconds: int) -> None:
        """Ahead or back, or back from where it is."""
        plant = random.choice(self.plants)
        plant.jump(random.choice((-1, 1)) * seconds if plant.ahead_us == 0 else -plant.ahead_us // 1_000_000)
