"""On Python 3.11 ``asyncio.wait_for``, which the MQTT library waits with, can lose a cancellation that comes together
with what it waits for. Whoever loops over such waits asks here."""

from __future__ import annotations

import asyncio


def checkpoint() -> None:
    """Raises CancelledError when this task was cancelled, also when a wait has swallowed it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
