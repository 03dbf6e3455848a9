"""Equal questions that come while one like them is being answered share the run after it.

Nobody gets what was read before they asked: who comes while a run is under way waits for the next one. However many
ask, at most one run is under way and one waits, per question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SharedRuns(Generic[Answer]):
    """Answers by question; a question says everything the answer depends on, also who may see it."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Answer]] = {}
        self._waiting: dict[Hashable, asyncio.Task[Answer]] = {}

    async def ask(self, question: Hashable, run: Callable[[], Awaitable[Answer]]) -> Answer:
        """Of a run that begins now or later. What it raises reaches all who share it.

        Someone who gives up waiting ends the run for nobody else.
        """
        shared = self._waiting.get(question)
        if shared is None:
            shared = asyncio.create_task(self._next(question, self._running.get(question), run))
            self._waiting[question] = shared
        return await asyncio.shield(shared)

    async def _next(
        self, question: Hashable, before: asyncio.Task[Answer] | None, run: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        if before is not None:
            await asyncio.wait([before])
        own = self._waiting.pop(question)
        self._running[question] = own
        try:
            return await run()
        finally:
            if self._running.get(question) is own:
                del self._running[question]
