"""Jobs side by side that live and die together, and tasks that end when they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

AGAIN_S: Final = 5.0
"""Longer than an orderly end takes."""


async def until_first_ends(*jobs: Coroutine[Any, Any, None]) -> None:
    """Until the first of them ends; the others end with it. Raises what it raised."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(*tasks)


async def end(*tasks: asyncio.Task[Any], again_s: float = AGAIN_S) -> None:
    """Cancels them and waits until they have ended; what they raise is not raised here.

    Before Python 3.12 a wait may swallow a cancellation that comes in the moment it ends (``asyncio.wait_for``, and
    libraries that use it): who is still there after a while is cancelled again.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_s)
    for task in tasks:
        if not task.cancelled():
            task.exception()
