"""What persons do, told as events: they reach the buffer, the cloud's audit and the log of the box."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from simems_core import Clock
from simems_core.wire import Event


class ActionLog:
    """Any thread."""

    def __init__(self, clock: Clock, on_event: Callable[[Event], None]) -> None:
        self._clock = clock
        self._on_event = on_event

    def tell(self, code: str, component: str, text: str, actor: str) -> None:
        """``code``: what was done, e.g. ``override.set``; ``actor``: who did it, ``system`` when it ended by itself."""
        time_us = self._clock.utc_us(self._clock.now_ns())
        event = Event(
            id=uuid4().hex,
            kind="action",
            code=code,
            severity="info",
            component=component,
            time_us=time_us,
            text=text,
            actor=actor,
        )
        self._on_event(event)
