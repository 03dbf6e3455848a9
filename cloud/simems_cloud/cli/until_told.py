"""Runs a process's work until it is told to stop, and then really ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final

log = logging.getLogger(__name__)
AGAIN_S: Final = 7.0
"""More than an orderly end takes; less than whoever stops us waits before it kills."""
TIMES: Final = 3


async def until_told(
    work: Coroutine[Any, Any, None], again_s: float = AGAIN_S, by_force: Callable[[int], object] = os._exit
) -> None:
    """Until ``work`` ends (raises what it raises), SIGTERM or Ctrl-C.

    A cancellation is lost where another error takes its place: a database that goes away in the same moment is taken
    for one to wait for. So it is repeated; who still goes on is ended ``by_force``.
    """
    task, told = asyncio.ensure_future(work), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    hearing = asyncio.create_task(told.wait())
    await asyncio.wait({task, hearing}, return_when=asyncio.FIRST_COMPLETED)
    hearing.cancel()
    for _ in range(TIMES):
        if task.done():
            break
        task.cancel()
        await asyncio.wait({task}, timeout=again_s)
    if not task.done():
        log.error("does not end, is ended by force")
        by_force(1)
    with contextlib.suppress(asyncio.CancelledError):
        await task
