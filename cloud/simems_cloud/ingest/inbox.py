"""What has arrived and is not stored yet, bounded by bytes: a full inbox holds the devices back."""

from __future__ import annotations

import asyncio
from collections import deque

from simems_cloud.ingest.door import Arrival
from simems_cloud.ingest.lane import Lane
from simems_cloud.ingest.parcel import parcel

CAPACITY_BYTES = 64 * 1024 * 1024


class Inbox:
    """Devices take turns, batch by batch; never two batches of one device at a time."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity_bytes = capacity_bytes
        self._lanes: dict[str, Lane] = {}
        self._turns: deque[str] = deque()
        """Keys of devices with something to store that nobody is storing."""
        self._bytes = 0
        self._changed = asyncio.Condition()

    async def put(self, arrival: Arrival) -> None:
        """Waits while the inbox is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes < self._capacity_bytes)
            if arrival.key not in self._lanes:
                self._lanes[arrival.key] = Lane()
                self._turns.append(arrival.key)
            self._lanes[arrival.key].add(parcel(arrival))
            self._bytes += len(arrival.payload)
            self._changed.notify_all()

    async def take(self) -> list[Arrival]:
        """At least one, all of one device, as many as make a good transaction; :meth:`done` must follow."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._turns))
            batch = [parcel.arrival for parcel in self._lanes[self._turns.popleft()].take()]
            self._bytes -= sum(len(arrival.payload) for arrival in batch)
            self._changed.notify_all()
            return batch

    async def done(self, key: str) -> None:
        """The batch of this device is stored: its next one waits for its turn."""
        async with self._changed:
            if self._lanes[key]:
                self._turns.append(key)
            else:
                del self._lanes[key]
            self._changed.notify_all()
