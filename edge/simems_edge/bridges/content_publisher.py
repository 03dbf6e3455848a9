"""From a device's documents and messages to values in the image. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable

from simems_core import BAD, GOOD, ProcessImage

from simems_edge.devices.content_view import Fresh
from simems_edge.devices.profile import Profile


class ContentPublisher:
    """A value gets the time of the oldest part that it comes from; one that is missing is BAD."""

    def __init__(self, component: str, profile: Profile, image: ProcessImage) -> None:
        self._image = image
        found = {c.name: image.find(f"{component}/{c.name}") for c in profile.channels if c.readable}
        self._handles = {name: handle for name, handle in found.items() if handle is not None}

    def publish(self, rows: Iterable[Fresh]) -> None:
        by_time: dict[int, list[tuple[int, float | None]]] = {}
        for name, value, time_ns in rows:
            if name in self._handles:
                by_time.setdefault(time_ns, []).append((self._handles[name], value))
        for time_ns, values in by_time.items():
            self._image.publish_many(
                [handle for handle, _ in values],
                [math.nan if value is None else value for _, value in values],
                time_ns,
                [BAD if value is None else GOOD for _, value in values],
            )

    def all_bad(self, time_ns: int) -> None:
        """Nothing of the device is believed."""
        self.publish((name, None, time_ns) for name in self._handles)
