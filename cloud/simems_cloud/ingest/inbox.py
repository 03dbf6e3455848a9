"""What has arrived and is not stored yet, bounded by bytes: a full inbox holds the devices back.

Tenants take turns, and within a tenant its devices. What goes together into one transaction is of one tenant: a crowd
of devices with little to store each leaves in a few of them, one with much to store leaves alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from uuid import UUID

from simems_cloud.ingest.door import Arrival
from simems_cloud.ingest.lane import BATCH_WEIGHT, Lane
from simems_cloud.ingest.parcel import Parcel, parcel

CAPACITY_BYTES = 64 * 1024 * 1024
TOGETHER = 64
"""Devices of one transaction at most: so many rows are locked at once, and are stored one by one when it fails."""


class Inbox:
    """Never two batches of one device at a time."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity_bytes = capacity_bytes
        self._lanes: dict[str, Lane] = {}
        self._tenants: dict[str, UUID] = {}
        self._turns: dict[UUID, deque[str]] = {}
        """Tenants in turn, with the keys of their devices that have something to store that nobody is storing."""
        self._alone: set[str] = set()
        """Whose next batch goes alone."""
        self._bytes = 0
        self._work, self._room = asyncio.Event(), asyncio.Event()

    async def put(self, tenant_id: UUID, arrival: Arrival) -> None:
        """Waits while the inbox is full."""
        while self._bytes >= self._capacity_bytes:
            self._room.clear()
            await self._room.wait()
        if arrival.key not in self._lanes:
            self._lanes[arrival.key], self._tenants[arrival.key] = Lane(), tenant_id
            self._wait_for_turn(arrival.key)
        self._add(arrival)

    async def take(self) -> list[list[Arrival]]:
        """Of at least one device at least one, as many as make a good transaction of one tenant. For each device must
        follow :meth:`done` or :meth:`alone`."""
        while not self._turns:
            self._work.clear()
            await self._work.wait()
        tenant_id = next(iter(self._turns))
        keys = self._turns.pop(tenant_id)
        batches = self._together(keys)
        if keys:
            self._turns[tenant_id] = keys
        self._room.set()
        return [[parcel.arrival for parcel in batch] for batch in batches]

    def _together(self, keys: deque[str]) -> list[list[Parcel]]:
        """The first, and those of the same kind after it that fit in whole; the others keep their places."""
        first = keys.popleft()
        batches = [self._taken(first)]
        left = BATCH_WEIGHT - sum(parcel.weight for parcel in batches[0])
        kinds = {parcel.kind for parcel in batches[0]}
        kind = kinds.pop() if len(kinds) == 1 and first not in self._alone else None
        self._alone.discard(first)
        passed: list[str] = []
        while kind and keys and len(batches) + len(passed) < TOGETHER:
            key = keys.popleft()
            lane = self._lanes[key]
            if lane.kind == kind and lane.weight <= left and key not in self._alone:
                left -= lane.weight
                batches.append(self._taken(key))
            else:
                passed.append(key)
        keys.extendleft(reversed(passed))
        return batches

    def done(self, key: str) -> None:
        """The batch of this device is stored: its next one waits for its turn."""
        if self._lanes[key]:
            self._wait_for_turn(key)
        else:
            del self._lanes[key], self._tenants[key]

    def alone(self, batch: list[Arrival]) -> None:
        """What could not be stored with others waits for a turn of its own, and holds none of them up."""
        for arrival in batch:
            self._add(arrival)
        self._alone.add(batch[0].key)
        self.done(batch[0].key)

    def _taken(self, key: str) -> list[Parcel]:
        batch = self._lanes[key].take()
        self._bytes -= sum(len(parcel.arrival.payload) for parcel in batch)
        return batch

    def _add(self, arrival: Arrival) -> None:
        self._lanes[arrival.key].add(parcel(arrival))
        self._bytes += len(arrival.payload)

    def _wait_for_turn(self, key: str) -> None:
        self._turns.setdefault(self._tenants[key], deque()).append(key)
        self._work.set()
