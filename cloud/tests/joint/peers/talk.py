"""One connection spoken by hand, over any transport, with whatever keys."""

from __future__ import annotations

import asyncio
from typing import Any

import zmq.asyncio
from simems_core import wire
from simems_edge.sync.transports import Papers, connection_to


class Talk:
    """One connection with these papers, with what it needs beside it."""

    def __init__(self, box: Any, papers: Papers) -> None:
        self._context = zmq.asyncio.Context()
        self._link = connection_to(box.cloud, self._context, papers)
        self._watch: asyncio.Task[None]

    async def __aenter__(self) -> Talk:
        try:
            await self._link.__aenter__()
        except BaseException:
            self._context.term()
            raise
        self._watch = asyncio.create_task(self._link.watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        await self._link.__aexit__(None, None, None)
        self._context.term()

    async def say(self, message: wire.FromEdge) -> None:
        await self._link.send(wire.encode(message))

    async def hear(self, within_s: float = 20.0) -> wire.FromCloud:
        """Raises TimeoutError, and LinkError when the connection is lost before."""
        receive = asyncio.create_task(self._link.receive())
        await asyncio.wait({receive, self._watch}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if receive.done():
            return wire.decode_from_cloud(receive.result())
        receive.cancel()
        if self._watch.done():
            self._watch.result()
        raise TimeoutError


async def answered(box: Any, papers: Papers) -> wire.FromCloud:
    """To a ping. Raises LinkError or TimeoutError."""
    async with Talk(box, papers) as talk:
        await talk.say(wire.Ping(time_us=7))
        return await talk.hear(1.0)
