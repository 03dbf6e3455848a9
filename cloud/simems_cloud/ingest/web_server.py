"""Runs the web door inside the ingest process, on its loop, until cancelled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from simems_cloud.ingest.web import MOST_BYTES, WebDoor

GRACE_S = 2


class _Server(uvicorn.Server):
    """Leaves the signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_web(door: WebDoor, host: str, port: int, ready: Callable[[int], None] | None = None) -> None:
    """``ready`` is told the port. Raises OSError when it is taken."""
    with socket.create_server((host, port)) as listener:
        config = uvicorn.Config(
            door.app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws_max_size=MOST_BYTES,
            timeout_graceful_shutdown=GRACE_S,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        if ready is not None:
            ready(listener.getsockname()[1])
        try:
            await asyncio.shield(task)
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)
