"""A box as a process of its own: the edge's buffer and uplink as they are, measuring a counter that never stands still.

Value n of the counter belongs to the n-th step of the machine's monotonic clock, so that a gap in what the cloud holds
says how long nothing was kept. As the recorder does, the box takes all values since its last flush; what lies before
its start is nobody's. Over ``link`` it tells what it measured, what the disk took and what the cloud acknowledged, and
hears by how much its wall clock jumps (microseconds), how many noisy channels it measures beside the counter (what
packs well finds room on a full disk for long), that it shall measure no more, or that it shall end.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from simems_core import wire
from simems_edge.buffer import Buffer, Status, StorageError
from simems_edge.sync import Cloud, Identity, Timing, Uplink

STEP_S, FLUSH_S, COMPACT_S = 0.05, 0.1, 1.0
RETRY_S = 0.05
WAL_PAGES = 30
"""Room that was written before is written again, however full the disk is: with little of it a full disk bites soon."""
REST, END = "rest", "end"
COUNTER = "plant0/counter"
QUICK = Timing(ping_s=0.2, silence_s=1.5, first_ack_s=0.3, ack_s=1.0, backoff_s=0.05, backoff_max_s=0.2)


@dataclass(frozen=True)
class Errand:
    """``zero_s``: monotonic time of the counter's zero; ``ahead_us``: the wall clock minus the true one."""

    folder: Path
    endpoint: str
    server_key: str
    site: str
    zero_s: float
    ahead_us: int


@dataclass(frozen=True)
class Said:
    """``first`` and ``taken``: values measured in this life, up to now; ``durable``: the last of them that the disk
    took; ``sequence`` and ``acked``: of the buffer; ``writable``: the last flush reached the disk."""

    first: int
    taken: int
    durable: int
    sequence: int
    acked: int
    writable: bool


def live(errand: Errand, link: Connection) -> None:
    """Until told to end or killed."""
    logging.disable()
    asyncio.run(_Box(errand, link).run())


@dataclass(frozen=True)
class Noise:
    """So many channels of it from now on."""

    channels: int


class _Box:
    def __init__(self, errand: Errand, link: Connection) -> None:
        self._errand, self._link = errand, link
        self._ahead_us = errand.ahead_us
        self._noise = 0
        self._resting = False
        self._end = asyncio.Event()

    async def run(self) -> None:
        self._buffer = await self._opened()
        self._first = self._count()
        self._taken = self._durable = self._first - 1
        asyncio.get_running_loop().add_reader(self._link.fileno(), self._hear)
        jobs = [self._uplink().run(), self._measure(), self._compact()]
        tasks = [asyncio.create_task(job) for job in jobs]
        end = asyncio.create_task(self._end.wait())
        await asyncio.wait([end, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await self._buffer.close()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _opened(self) -> Buffer:
        """A full disk may refuse for a while; the box is started again until it does not."""
        while True:
            try:
                buffer = await Buffer.open(self._errand.folder, self._utc_us)
            except StorageError:
                await asyncio.sleep(RETRY_S)
                continue
            buffer._store._connection.execute(f"pragma wal_autocheckpoint = {WAL_PAGES}")
            return buffer

    def _uplink(self) -> Uplink:
        errand = self._errand
        return Uplink(
            self._buffer,
            Cloud(errand.endpoint, errand.server_key),
            Identity(errand.folder).keys,
            self._hello,
            utc_us=self._utc_us,
            on_refused=lambda sequence, reason: None,
            timing=QUICK,
        )

    def _hello(self, status: Status, time_us: int) -> wire.Hello:
        return wire.Hello(
            site=self._errand.site,
            time_zone="UTC",
            software="chaos",
            time_us=time_us,
            sequence=status.last_sequence,
            oldest=status.oldest_sequence,
            components=[],
            channels=[],
        )

    async def _measure(self) -> None:
        while True:
            if not self._resting:
                self._take(self._count())
            await self._tell()
            if await self._buffer.flush():
                self._durable = self._taken
            await self._tell()
            await asyncio.sleep(FLUSH_S)

    def _take(self, now: int) -> None:
        """Every value since the last time, in one frame, at times of one offset."""
        values: list[float | int | None] = list(range(self._taken + 1, now + 1))
        zero_us = self._utc_us() - round((time.monotonic() - self._errand.zero_s) * 1e6)
        self._buffer.append_telemetry(
            [zero_us + round(value * STEP_S * 1e6) for value in range(self._taken + 1, now + 1)],
            [wire.Column(channel=COUNTER, resolution=1.0, values=values), *self._noisy(len(values))],
        )
        self._taken = now

    def _noisy(self, rows: int) -> list[wire.Column]:
        return [
            wire.Column(channel=f"noise{n}/value", resolution=0.0, values=[random.random() for _ in range(rows)])
            for n in range(self._noise)
        ]

    async def _tell(self) -> None:
        status = await self._buffer.status()
        counts = self._first, self._taken, self._durable
        self._link.send(Said(*counts, status.last_sequence, status.acked_sequence, self._buffer.writable))

    async def _compact(self) -> None:
        while True:
            await asyncio.sleep(COMPACT_S)
            with suppress(StorageError):
                await self._buffer.compact()

    def _hear(self) -> None:
        try:
            word = self._link.recv()
        except EOFError:
            word = END
        if isinstance(word, int):
            self._ahead_us += word
        elif isinstance(word, Noise):
            self._noise = word.channels
        elif word == REST:
            self._resting = True
        else:
            asyncio.get_running_loop().remove_reader(self._link.fileno())
            self._end.set()

    def _count(self) -> int:
        return int((time.monotonic() - self._errand.zero_s) / STEP_S)

    def _utc_us(self) -> int:
        return time.time_ns() // 1000 + self._ahead_us
