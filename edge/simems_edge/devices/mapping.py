"""Between a profile's channels and a device's SunSpec models. Pure: no reading, no writing, no clock.

A bridge reads models, decodes them (``sunspec.decode_model``) and asks here what the channels are worth; it asks which
registers carry a setpoint and writes them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from simems_edge.devices.definition import load_definition
from simems_edge.devices.profile import PointRef, Profile, ProfileChannel, Sink, Source, SunSpecPoint
from simems_edge.devices.registers import EncodeError, encode_raw
from simems_edge.devices.sunspec import ModelBlock, Value, encode_point

Models = Mapping[int, Mapping[str, Value]]
"""Model id -> decoded points."""
Layout = Mapping[int, ModelBlock]
"""Model id -> where it lies in the device."""


@dataclass(frozen=True, slots=True)
class Write:
    """Registers to write at an address; ``point`` is for logs."""

    address: int
    registers: tuple[int, ...]
    point: str


def layout_of(blocks: Iterable[ModelBlock]) -> dict[int, ModelBlock]:
    """By model id; of a model that comes twice the first counts."""
    layout: dict[int, ModelBlock] = {}
    for block in blocks:
        layout.setdefault(block.id, block)
    return layout


def missing_channels(profile: Profile, layout: Layout) -> list[str]:
    """Channels that no model of this device can serve (``<name> (settable)`` for setpoints)."""
    unread = [c.name for c in profile.channels if c.read and not _present(c.read, layout)]
    return unread + [f"{c.name} (settable)" for c in profile.channels if c.write and not _present(c.write, layout)]


def read_plan(profile: Profile, layout: Layout) -> dict[int, float]:
    """Models to read -> how often (s): the shortest poll of any channel that takes its value there.

    A model that is only written, or only a reference of percentages, is read as often as its channel."""
    plan: dict[int, float] = {}
    for channel in profile.channels:
        for point in _points((*channel.read, *channel.write)):
            for model in _models_of(point, layout):
                plan[model] = min(plan.get(model, math.inf), _interval(channel, model))
    return plan


def _interval(channel: ProfileChannel, model: int) -> float:
    reads = any(model in point.models for point in _points(channel.read))
    return channel.poll_s if reads else max(channel.poll_s, 1.0)


def channel_values(profile: Profile, models: Models) -> dict[str, float | None]:
    """The readable channels whose models are among ``models``, in their units and our signs; None: not implemented."""
    return {
        channel.name: channel_value(channel, models)
        for channel in profile.channels
        if any(model in models for point in _points(channel.read) for model in point.models)
    }


def channel_value(channel: ProfileChannel, models: Models) -> float | None:
    """The first of the channel's sources that the device implements; None when it implements none."""
    values = (_value(point, models) for point in _points(channel.read))
    return next((value for value in values if value is not None), None)


def _value(point: SunSpecPoint, models: Models) -> float | None:
    raw = _look_up(point, models)
    if raw is None:
        return None
    if point.bit is not None:
        return float(int(raw) >> point.bit & 1)
    if point.relative_to is not None:
        reference = _look_up(point.relative_to, models)
        return None if reference is None else raw / 100 * reference * point.sign * point.scale
    if point.values:
        raw = point.values.get(int(raw), raw)
    return float(raw * point.sign * point.scale) + 0.0


def _look_up(point: PointRef, models: Models) -> float | None:
    for model in point.models:
        value = models.get(model, {}).get(point.point)
        if isinstance(value, int | float):
            return value
    return None


def setpoint_writes(channel: ProfileChannel, value: float, layout: Layout, models: Models) -> list[Write]:
    """Registers that carry ``value`` (channel's unit, our sign) to the device. Raises :class:`EncodeError` when the
    value is not finite, outside the channel's range, or cannot be written to this device."""
    if not math.isfinite(value) or not _inside(channel, value):
        raise EncodeError(f"{value!r} is outside the range of {channel.name}")
    model, point = _target(channel, layout)
    raw = _device_value(point, value, models)
    registers = encode_point(load_definition(model), point.point, raw, models.get(model, {}))
    return [_write(model, point.point, registers, layout)]


def _inside(channel: ProfileChannel, value: float) -> bool:
    minimum = -math.inf if channel.minimum is None else channel.minimum
    return minimum <= value <= (math.inf if channel.maximum is None else channel.maximum)


def _device_value(point: SunSpecPoint, value: float, models: Models) -> float:
    raw = value * point.sign / point.scale
    if point.relative_to is None:
        return raw
    reference = _look_up(point.relative_to, models)
    if not reference:
        raise EncodeError(f"{point.point} is a percentage of {point.relative_to.point}, which is not known")
    return 100 * raw / reference


def arm_writes(channel: ProfileChannel, layout: Layout, models: Models) -> list[Write]:
    """What must still be written, in order, so that the device follows the setpoint; empty when it already does.

    Points that the device does not implement are left out, but the last one (the enabling one) is always asked for.
    """
    sink = _sink(channel, layout)
    names = list(sink.arm)
    model, _ = _target(channel, layout)
    shown = models.get(model, {})
    wanted = [name for name in names if shown.get(name) != sink.arm[name]]
    return [
        _raw_write(model, name, sink.arm[name], layout)
        for name in wanted
        if shown.get(name) is not None or name == names[-1]
    ]


def disarm_writes(channel: ProfileChannel, layout: Layout) -> list[Write]:
    """What hands the device back to itself."""
    model, _ = _target(channel, layout)
    return [_raw_write(model, name, raw, layout) for name, raw in _sink(channel, layout).disarm.items()]


def _raw_write(model: int, name: str, raw: int, layout: Layout) -> Write:
    return _write(model, name, encode_raw(load_definition(model).point(name), raw), layout)


def _write(model: int, name: str, registers: Sequence[int], layout: Layout) -> Write:
    address = layout[model].address + load_definition(model).point(name).offset
    return Write(address, tuple(registers), f"{model}.{name}")


def _sink(channel: ProfileChannel, layout: Layout) -> Sink:
    for sink in channel.write:
        if _present((sink,), layout):
            return sink
    raise EncodeError(f"{channel.name} cannot be set: the device has none of the models it is written to")


def _target(channel: ProfileChannel, layout: Layout) -> tuple[int, SunSpecPoint]:
    point = next(_points((_sink(channel, layout),)))
    return next(model for model in point.models if model in layout), point


def _present(sources: Iterable[Source], layout: Layout) -> bool:
    return any(model in layout for point in _points(sources) for model in point.models)


def _points(sources: Iterable[Source]) -> Iterator[SunSpecPoint]:
    return (source.sunspec for source in sources if source.sunspec is not None)


def _models_of(point: SunSpecPoint, layout: Layout) -> list[int]:
    models = point.models + (point.relative_to.models if point.relative_to else ())
    return [model for model in models if model in layout]
