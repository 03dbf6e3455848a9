"""One look at an HTTP device, without an image. Nothing is ever set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from simems_edge.bridges.errors import RefusedError
from simems_edge.bridges.http.link import HttpLink
from simems_edge.config import Http
from simems_edge.devices import Profile
from simems_edge.devices.content_view import ContentView


class HttpProbe:
    """Reads one device as its profile says."""

    def __init__(self, connection: Http, profile: Profile) -> None:
        self._link, self._profile = HttpLink(connection), profile

    async def watch(self, interval_s: float) -> AsyncGenerator[dict[str, float | None], None]:
        """Everything each ``interval_s``; None: the device does not have it. Raises DeviceError."""
        view = ContentView(self._profile)
        try:
            while True:
                yield await self._round(view)
                await asyncio.sleep(interval_s)
        finally:
            await self._link.close()

    async def _round(self, view: ContentView) -> dict[str, float | None]:
        refused: RefusedError | None = None
        answered = 0
        for part in view.parts:
            try:
                view.update(part.key, await self._link.ask("GET", part.key), time.monotonic_ns())
                answered += 1
            except RefusedError as error:
                refused = error
        if refused is not None and not answered:
            raise refused
        return view.shown()
