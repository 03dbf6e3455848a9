"""From a device's decoded models to values in the image. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from simems_core import BAD, GOOD, ProcessImage

from simems_edge.devices.mapping import Layout, Models, channel_value
from simems_edge.devices.profile import Profile, ProfileChannel
from simems_edge.devices.sunspec import Value


class Publisher:
    """Knows which model each channel takes its value from, so that a value never gets the time of another read."""

    def __init__(self, component: str, profile: Profile, image: ProcessImage) -> None:
        self._profile = profile
        self._image = image
        self._handles = {c.name: image.find(f"{component}/{c.name}") for c in profile.channels if c.readable}
        self._by_model: dict[int, list[tuple[int, ProfileChannel, frozenset[int]]]] = {}

    def bind(self, layout: Layout, models: Models) -> None:
        """Choose each channel's model: the first that implements it; when none does, the first that the device has."""
        self._by_model = {}
        for channel in self._profile.channels:
            handle = self._handles.get(channel.name)
            present = [model for model in _own_models(channel) if model in layout]
            if handle is None or not present:
                continue
            references = _references(channel)
            chosen = next((m for m in present if _value(channel, models, references | {m}) is not None), present[0])
            self._by_model.setdefault(chosen, []).append((handle, channel, references | {chosen}))

    def publish(self, fresh: Iterable[int], models: Models, times_ns: Mapping[int, int]) -> None:
        """Values of the models just read, as of their arrival; what the device does not implement is BAD."""
        for model in fresh:
            rows = self._by_model.get(model, ())
            values = [_value(channel, models, allowed) for _, channel, allowed in rows]
            if rows:
                self._image.publish_many(
                    [handle for handle, _, _ in rows],
                    [math.nan if value is None else value for value in values],
                    times_ns[model],
                    [BAD if value is None else GOOD for value in values],
                )


def _value(channel: ProfileChannel, models: Models, allowed: frozenset[int]) -> float | None:
    visible: dict[int, Mapping[str, Value]] = {model: models[model] for model in allowed if model in models}
    return channel_value(channel, visible)


def _own_models(channel: ProfileChannel) -> list[int]:
    return [model for source in channel.read if source.sunspec for model in source.sunspec.models]


def _references(channel: ProfileChannel) -> frozenset[int]:
    points = [source.sunspec.relative_to for source in channel.read if source.sunspec]
    return frozenset(model for point in points if point is not None for model in point.models)
