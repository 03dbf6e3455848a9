"""From a device's registers to values in the image. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping

from simems_core import BAD, GOOD, ProcessImage

from simems_edge.devices.numbers import Block
from simems_edge.devices.profile import Profile
from simems_edge.devices.view import DeviceView


class Publisher:
    """A value gets the time of the oldest read that it comes from; what the device does not implement is BAD."""

    def __init__(self, component: str, profile: Profile, image: ProcessImage) -> None:
        self._image = image
        self._handles = {c.name: image.find(f"{component}/{c.name}") for c in profile.channels if c.readable}

    def publish(self, view: DeviceView, read: tuple[Block, ...], times_ns: Mapping[Block, int]) -> None:
        """``times_ns``: when each block of ``read`` arrived."""
        rows: dict[int, list[tuple[int, float | None]]] = {}
        one_time = next(iter(times_ns.values())) if len(times_ns) == 1 else None
        for name, value, blocks in view.fresh(read):
            handle = self._handles.get(name)
            if handle is not None:
                time_ns = min(times_ns[block] for block in blocks) if one_time is None else one_time
                rows.setdefault(time_ns, []).append((handle, value))
        for time_ns, values in rows.items():
            self._image.publish_many(
                [handle for handle, _ in values],
                [math.nan if value is None else value for _, value in values],
                time_ns,
                [BAD if value is None else GOOD for _, value in values],
            )
