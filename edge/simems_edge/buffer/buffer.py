"""The buffer as the event loop sees it: cheap appends, everything else on the writer's thread."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from simems_core import wire

from simems_edge.buffer import fault
from simems_edge.buffer.actions import actions_in, newest, read_actions
from simems_edge.buffer.fault import BufferFault, StorageError
from simems_edge.buffer.history import SeriesColumns, read_history
from simems_edge.buffer.store import DEFAULT_MAX_BYTES, Frame, Status, Store

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_WAITING = 1800
"""Messages kept in memory while the disk refuses; then the oldest telemetry goes first, counted."""

STATUS_S = 10.0


class Buffer:
    """Use from one event loop. Open with :meth:`open`, close with :meth:`close`."""

    def __init__(self, store: Store, executor: ThreadPoolExecutor, utc_us: Callable[[], int]) -> None:
        self._store = store
        self._writer = executor
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="buffer-history")
        self._utc_us = utc_us
        self._waiting: deque[wire.Durable] = deque()
        self._faults: list[BufferFault] = []
        self._flushing = asyncio.Lock()
        self.writable = True
        """The last flush reached the disk."""
        self.lost_in_memory = 0
        """Messages dropped because the disk refused for too long."""
        self.appended = asyncio.Event()
        """Set after each commit; whoever waits clears it."""

    @classmethod
    async def open(cls, folder: Path, utc_us: Callable[[], int], max_bytes: int = DEFAULT_MAX_BYTES) -> Buffer:
        """Raises StorageError when the folder cannot be written, database.TooNewError for a later version's file."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="buffer-writer")
        loop = asyncio.get_running_loop()
        store = await loop.run_in_executor(executor, partial(Store, folder, utc_us, max_bytes))
        return cls(store, executor, utc_us)

    def append_telemetry(self, times_us: Sequence[int], columns: Sequence[wire.Column]) -> None:
        """Take rows (absolute, rising UTC times); durable when the next :meth:`flush` returns."""
        if times_us and columns:
            self._take(wire.Telemetry(sequence=0, times_us=wire.differences_us(times_us), columns=list(columns)))

    def append_events(self, events: Sequence[wire.Event]) -> None:
        """Take events; durable when the next :meth:`flush` returns."""
        if events:
            self._take(wire.Events(sequence=0, events=list(events)))

    def _take(self, message: wire.Durable) -> None:
        self._waiting.append(message)
        while len(self._waiting) > MAX_WAITING:
            oldest = next((m for m in self._waiting if isinstance(m, wire.Telemetry)), self._waiting[0])
            self._waiting.remove(oldest)
            self.lost_in_memory += 1

    async def flush(self) -> bool:
        """Commit what was taken, in one transaction. False when the disk refused; it is tried again next time.

        A cancelled caller does not stop a commit half-way: it ends by itself, and nothing is kept twice."""
        return await asyncio.shield(self._flush())

    async def _flush(self) -> bool:
        async with self._flushing:
            batch = list(self._waiting)
            if not batch:
                return self.writable
            try:
                await self._run(self._store.append, batch)
            except StorageError as error:
                self._refused(error)
                return False
            self._written(batch)
        return True

    def _refused(self, error: StorageError) -> None:
        if self.writable:
            log.error("buffer not writable: %s", error)
            self._faults.append(fault.not_writable(str(error)))
        self.writable = False

    def _written(self, batch: list[wire.Durable]) -> None:
        done = {id(message) for message in batch}
        self._waiting = deque(message for message in self._waiting if id(message) not in done)
        self.writable = True
        self.appended.set()

    async def read_after(self, sequence: int, limit: int) -> list[Frame]:
        """See :meth:`Store.read_after`."""
        return await self._run(self._store.read_after, sequence, limit)

    async def acknowledge(self, sequence: int) -> None:
        """See :meth:`Store.acknowledge`."""
        await self._run(self._store.acknowledge, sequence)

    async def set_aside(self, sequence: int, reason: str) -> bool:
        """See :meth:`Store.set_aside`."""
        return await self._run(self._store.set_aside, sequence, reason)

    async def last_sequence(self) -> int:
        """See :meth:`Store.last_sequence`."""
        return await self._run(self._store.last_sequence)

    async def compact(self, batches: int = 10) -> int:
        """Join short acknowledged frames; how many. Call it now and then."""
        done = 0
        for _ in range(batches):
            count = await self._run(self._store.compact)
            done += count
            if not count:
                break
        return done

    async def status(self) -> Status:
        return await self._run(self._store.status)

    def status_now(self) -> Status:
        """:meth:`status` from any thread but the event loop's: it waits."""
        return self._writer.submit(self._store.status).result(STATUS_S)

    async def history(self, channels: Sequence[str], from_us: int, to_us: int, max_points: int) -> SeriesColumns:
        """Recorded values, read beside the writer."""
        read = partial(read_history, self._store.path, channels, from_us, to_us, max_points)
        return await asyncio.get_running_loop().run_in_executor(self._reader, read)

    async def actions(self, limit: int) -> list[wire.Event]:
        """What persons did, newest first, also what is not on the disk yet. Raises StorageError."""
        waiting = list(actions_in(self._waiting))
        read = partial(read_actions, self._store.path, limit)
        kept = await asyncio.get_running_loop().run_in_executor(self._reader, read)
        return newest([*kept, *waiting], limit)

    def take_faults(self) -> list[BufferFault]:
        """What happened to the disk since the last call; append them as events and raise alarms."""
        faults, self._faults = self._faults + self._store.take_faults(), []
        return faults

    async def close(self) -> None:
        """Flush and close."""
        try:
            await self.flush()
            await self._run(self._store.close)
        finally:
            self._writer.shutdown()
            self._reader.shutdown(cancel_futures=True)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, partial(work, *arguments))
