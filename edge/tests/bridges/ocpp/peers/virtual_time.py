"""An event loop whose time jumps to the next timer when nothing else is to do, and pipes in place of sockets."""

from __future__ import annotations

import asyncio
import heapq
from typing import Any

from simems_core import Clock


class VirtualLoop(asyncio.SelectorEventLoop):
    """``clock`` (simulated) moves with it. Nothing here may wait for a thread or a socket."""

    def __init__(self, clock: Clock) -> None:
        self._now_s = 0.0
        super().__init__()
        self._simulated = clock

    def time(self) -> float:
        return self._now_s

    def _run_once(self) -> None:
        mine: Any = self
        while mine._scheduled and mine._scheduled[0]._cancelled:  # else a cancelled timer's time would be waited for
            heapq.heappop(mine._scheduled)._scheduled = False
            mine._timer_cancelled_count -= 1
        if not mine._ready and mine._scheduled:
            when_s = mine._scheduled[0]._when
            if when_s > self._now_s:
                self._now_s = when_s
                self._simulated.advance_to(round(when_s * 1e9))
        super()._run_once()  # type: ignore[misc]


class Pipe:
    """One end of a connection; messages arrive after ``delay_s`` of the other end's."""

    def __init__(self, delay_s: float) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._delay_s = delay_s
        self.other: Pipe | None = None
        self.closed = False

    @classmethod
    def pair(cls, delay_s: float) -> tuple[Pipe, Pipe]:
        one, two = cls(delay_s), cls(delay_s)
        one.other, two.other = two, one
        return one, two

    async def send(self, message: str) -> None:
        if self.closed or self.other is None:
            raise ConnectionAbortedError("closed")
        asyncio.get_running_loop().call_later(self._delay_s, self.other._arrive, message)

    async def recv(self) -> str:
        message = None if self.closed else await self._queue.get()
        if message is None:
            raise ConnectionAbortedError("closed")
        return message

    def _arrive(self, message: str) -> None:
        if not self.closed:
            self._queue.put_nowait(message)

    def cut(self) -> None:
        """Both ends, at once; what is under way is lost."""
        for end in (self, self.other):
            if end is not None and not end.closed:
                end.closed = True
                end._queue.put_nowait(None)
