"""A SunSpec device: the models that were found in it, as a profile's channels. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from simems_edge.devices.definition import Definition, Point, has_definition, load_definition
from simems_edge.devices.numbers import Block, Place, Value, layout_of_type, unscaled
from simems_edge.devices.points import Part, PointRef, Sink, SunSpecPoint
from simems_edge.devices.profile import Profile, ProfileChannel
from simems_edge.devices.registers import FORMATS, EncodeError, encode_raw, missing_number
from simems_edge.devices.sunspec import ModelBlock, encode_point, scale_points
from simems_edge.devices.tables import Table
from simems_edge.devices.view import DeviceView, Reading, Write, carried

Layout = Mapping[int, ModelBlock]
"""Model id -> where it lies in the device."""
SETTING_POLL_S = 1.0
"""Models that are only written, or only a reference, are read no faster than this."""


def layout_of(blocks: Iterable[ModelBlock]) -> dict[int, ModelBlock]:
    """By model id; of a model that comes twice the first counts."""
    layout: dict[int, ModelBlock] = {}
    for block in blocks:
        layout.setdefault(block.id, block)
    return layout


class SunSpecView(DeviceView):
    def __init__(self, profile: Profile, layout: Layout) -> None:
        self.layout = {model: block for model, block in layout.items() if has_definition(model)}
        self._by_model = {
            model: Block(None, "holding", self.layout[model].address, self.layout[model].total, poll_s)
            for model, poll_s in _read_plan(profile, self.layout).items()
        }
        super().__init__(profile)

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(self._by_model.values())

    def settable(self) -> list[str]:
        return [c.name for c in self.profile.channels if any(self._serves(sink) for sink in c.write)]

    def _serves(self, sink: Sink) -> bool:
        return all(p.sunspec is not None and self._model(p.sunspec) is not None for p in sink.pieces)

    def _model(self, point: PointRef) -> int | None:
        return next((model for model in point.models if model in self.layout), None)

    # ---- reading

    def _sources_of(self, channel: ProfileChannel) -> list[Reading]:
        readings = []
        for source in channel.read:
            points = [term.sunspec for term in source.terms if term.sunspec is not None]
            for models in self._combinations(points):
                terms = tuple(self._value(p, m) for p, m in zip(points, models, strict=True))
                readings.append(Reading(terms, product=bool(source.product)))
        return readings

    def _combinations(self, points: Sequence[SunSpecPoint]) -> list[tuple[int, ...]]:
        """A single point may come from any of its models, terms of a sum from the first that is there."""
        if len(points) == 1:
            return [(model,) for model in points[0].models if model in self.layout]
        models = [self._model(point) for point in points]
        return [tuple(m for m in models if m is not None)] if None not in models else []

    def _value(self, point: SunSpecPoint, model: int) -> Value:
        definition = load_definition(model)
        found = definition.point(point.point)
        whole = point.relative_to
        reference = None if whole is None else self._model(whole)
        return Value(
            self._place(model, found),
            sign=point.sign,
            scale=point.scale,
            exponent=self._exponent(model, definition, found),
            bit=point.bit,
            names=point.values,
            percent_of=self._value(SunSpecPoint(models=whole.models, point=whole.point), reference)
            if whole is not None and reference is not None
            else None
            if whole is None
            else _never(self._place(model, found)),
        )

    def _place(self, model: int, point: Point) -> Place:
        layout = FORMATS.get(point.type)
        if layout is None:
            raise EncodeError(f"point {point.name} of model {model} is text, no number")
        missing = missing_number(point.type)
        return Place(
            self._by_model[model], 2 * point.offset, layout_of_type(_number_type(layout)),
            missing=frozenset() if missing is None else frozenset({float(missing)}),
        )  # fmt: skip

    def _exponent(self, model: int, definition: Definition, point: Point) -> Place | int:
        names = scale_points(point)
        if isinstance(names, int):
            return names
        found = next((n for n in names if definition.has_point(n)), None)
        return 0 if found is None else self._place(model, definition.point(found))

    # ---- writing

    def _sink_of(self, channel: ProfileChannel) -> Sink:
        for sink in channel.write:
            if self._serves(sink):
                return sink
        raise EncodeError(f"{channel.name} cannot be set: the device has none of the models it is written to")

    def _target(self, part: Part) -> tuple[int, SunSpecPoint]:
        point = part.sunspec
        model = None if point is None else self._model(point)
        if point is None or model is None:
            raise EncodeError("the device has none of the models that the setpoint is written to")
        return model, point

    def _write_of(self, part: Part, value: float) -> Write:
        model, point = self._target(part)
        definition, worth = load_definition(model), carried(part, value)
        if part.codes is not None or part.encode:
            return self._write(model, point.point, encode_raw(definition.point(point.point), int(worth)))
        raw = unscaled(worth * point.sign, point.scale)
        if point.relative_to is not None:
            raw = 100 * raw / self._whole(point)
        return self._write(model, point.point, encode_point(definition, point.point, raw, self._exponents(model)))

    def _whole(self, point: SunSpecPoint) -> float:
        reference = point.relative_to
        model = None if reference is None else self._model(reference)
        whole = None
        if reference is not None and model is not None:
            whole = self._value(SunSpecPoint(models=reference.models, point=reference.point), model).of(self._contents)
        if not whole:
            raise EncodeError(f"{point.point} is a percentage of a point that is not known; read the model first")
        return whole

    def _exponents(self, model: int) -> dict[str, int | None]:
        """The model's scale factors as last read."""
        points = load_definition(model).points.values()
        raws = {p.name: self._place(model, p).raw(self._contents) for p in points if p.type == "sunssf"}
        return {n: None if raw is None or not -10 <= raw <= 10 else int(raw) for n, raw in raws.items()}

    def arm_writes(self, channel: ProfileChannel) -> list[Write]:
        """Points that the device does not implement are left out, but the last (the enabling one) never is."""
        sink = self._sink_of(channel)
        model, _ = self._target(sink.pieces[0])
        names = list(sink.arm)
        shown = {name: self._shown(model, name) for name in names}
        return [
            self._raw_write(model, name, sink.arm[name])
            for name in names
            if shown[name] != sink.arm[name] and (shown[name] is not None or name == names[-1])
        ]

    def _shown(self, model: int, name: str) -> float | None:
        return self._place(model, load_definition(model).point(name)).raw(self._contents)

    def disarm_writes(self, channel: ProfileChannel) -> list[Write]:
        sink = self._sink_of(channel)
        model, _ = self._target(sink.pieces[0])
        return [self._raw_write(model, name, raw) for name, raw in sink.disarm.items()]

    def written_blocks(self, channel: ProfileChannel) -> list[Block]:
        return [self._by_model[self._target(self._sink_of(channel).pieces[0])[0]]]

    def _raw_write(self, model: int, name: str, raw: int) -> Write:
        return self._write(model, name, encode_raw(load_definition(model).point(name), raw))

    def _write(self, model: int, name: str, registers: Sequence[int]) -> Write:
        address = self.layout[model].address + load_definition(model).point(name).offset
        return Write(address, tuple(registers), f"{model}.{name}")

    def allowed(self) -> frozenset[tuple[int | None, Table, int, int]]:
        found = set[tuple[int | None, Table, int, int]]()
        for sink in (s for c in self.profile.channels for s in c.write if self._serves(s)):
            for part in sink.pieces:
                model, point = self._target(part)
                for name in (point.point, *sink.arm, *sink.disarm):
                    one = load_definition(model).point(name)
                    found.add((None, "holding", self.layout[model].address + one.offset, one.size))
        return frozenset(found)


def _never(place: Place) -> Value:
    """A percentage of something that the device does not have: never a value."""
    return Value(Place(Block(None, "holding", 0, 1, math.inf), 0, place.layout))


def _number_type(layout: str) -> str:
    return {
        ">h": "int16", ">H": "uint16", ">i": "int32", ">I": "uint32", ">q": "int64", ">Q": "uint64", ">f": "float32",
        ">d": "float64",
    }[layout]  # fmt: skip


def _read_plan(profile: Profile, layout: Layout) -> dict[int, float]:
    """Models to read -> how often (s): the shortest poll of any channel that takes its value there.

    A model that is only written, or only a reference of percentages, is read as often as its channel."""
    plan: dict[int, float] = {}
    for channel in profile.channels:
        read = [t.sunspec for source in channel.read for t in source.terms if t.sunspec is not None]
        written = [p.sunspec for sink in channel.write for p in sink.pieces if p.sunspec is not None]
        valued = {model for point in read for model in point.models}
        for point in (*read, *written):
            for model in _models_of(point, layout):
                interval_s = channel.poll_s if model in valued else max(channel.poll_s, SETTING_POLL_S)
                plan[model] = min(plan.get(model, math.inf), interval_s)
    return plan


def _models_of(point: SunSpecPoint, layout: Layout) -> Iterator[int]:
    reference = point.relative_to.models if point.relative_to is not None else ()
    return (model for model in (*point.models, *reference) if model in layout)


def model_values(profile: Profile, registers: Mapping[int, Sequence[int]]) -> dict[str, float | None]:
    """Every channel that these models (id -> registers from the ID on) can show."""
    layout = {model: ModelBlock(model, 0, len(words) - 2) for model, words in registers.items()}
    view = SunSpecView(profile, layout)
    for model, block in view._by_model.items():  # noqa: SLF001 - the same module
        view.update(block, registers[model])
    view.bind()
    return view.values()
