"""Moves what the recorder sampled and what happened into the buffer, once per flush interval."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from simems_core import Clock, Recorder, wire

from simems_edge.buffer import Buffer, BufferFault
from simems_edge.sync.quantise import RecordedChannel, quantise

log = logging.getLogger(__name__)
MAX_ROWS = 600
"""Rows per frame."""


class Pump:
    """``on_fault`` hears of each fault of the disk; the fault is kept as an event as well."""

    def __init__(
        self,
        recorder: Recorder,
        channels: Sequence[RecordedChannel],
        clock: Clock,
        buffer: Buffer,
        *,
        flush_s: float,
        on_fault: Callable[[BufferFault], None],
    ) -> None:
        self._recorder = recorder
        self._channels = channels
        self._clock = clock
        self._buffer = buffer
        self._flush_s = flush_s
        self._on_fault = on_fault
        self._events: deque[wire.Event] = deque()

    def add_event(self, event: wire.Event) -> None:
        """Any thread. Durable with the next flush."""
        self._events.append(event)

    async def run(self) -> None:
        """Until cancelled; whoever stops it calls :meth:`flush` once more."""
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        while True:
            next_s = max(next_s + self._flush_s, loop.time())
            await asyncio.sleep(next_s - loop.time())
            await self.flush()

    async def flush(self) -> bool:
        """Take what is there and commit it. False when the disk refused (kept for the next time)."""
        while self._take_rows():
            continue
        self._take_events()
        done = await self._buffer.flush()
        self._report()
        return done

    def _take_rows(self) -> bool:
        """True when there may be more."""
        rows = self._recorder.drain(MAX_ROWS)
        if rows.count == 0:
            return False
        shape = (rows.count, len(self._channels))
        times_ns = np.frombuffer(rows.times_ns, dtype=np.int64)
        values = np.frombuffer(rows.values, dtype=np.float64).reshape(shape)
        qualities = np.frombuffer(rows.qualities, dtype=np.uint8).reshape(shape)
        times_us, first = np.unique(times_ns // 1000 + self._offset_us(), return_index=True)
        columns = quantise(self._channels, values[first], qualities[first])
        self._buffer.append_telemetry(times_us.tolist(), columns)
        return rows.count == MAX_ROWS

    def _offset_us(self) -> int:
        """UTC minus the cycle's clock, once for all rows, so that a step of the wall clock cannot fold them."""
        now_ns = self._clock.now_ns()
        return self._clock.utc_us(now_ns) - now_ns // 1000

    def _take_events(self) -> None:
        events = [self._events.popleft() for _ in range(len(self._events))]
        self._buffer.append_events(events)

    def _report(self) -> None:
        for fault in self._buffer.take_faults():
            log.error("buffer fault", extra={"code": fault.code, "text": fault.text})
            self._on_fault(fault)
