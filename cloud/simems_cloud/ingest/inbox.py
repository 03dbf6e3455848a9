"""What has arrived and is not stored yet, bounded by bytes: a full inbox holds the devices back."""

from __future__ import annotations

import asyncio
from collections import deque

from simems_cloud.ingest.door import Arrival

CAPACITY_BYTES = 64 * 1024 * 1024
BATCH_BYTES = 8 * 1024 * 1024
BATCH_FRAMES = 256


class Inbox:
    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity_bytes = capacity_bytes
        self._arrivals: deque[Arrival] = deque()
        self._bytes = 0
        self._changed = asyncio.Condition()

    async def put(self, arrival: Arrival) -> None:
        """Waits while the inbox is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes < self._capacity_bytes)
            self._arrivals.append(arrival)
            self._bytes += len(arrival.payload)
            self._changed.notify_all()

    async def take(self) -> list[Arrival]:
        """At least one, in order of arrival, as many as make a good transaction."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._arrivals))
            batch: list[Arrival] = []
            size = 0
            while self._arrivals and len(batch) < BATCH_FRAMES and size < BATCH_BYTES:
                batch.append(self._arrivals.popleft())
                size += len(batch[-1].payload)
            self._bytes -= size
            self._changed.notify_all()
            return batch
