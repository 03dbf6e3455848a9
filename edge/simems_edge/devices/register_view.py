"""A device with registers at fixed addresses, as its profile lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simems_edge.devices.numbers import Block, Place, Value, layout_of_type, unscaled, words_of
from simems_edge.devices.points import Part, Register, RegisterPoint, RegisterValue, Sink, Term
from simems_edge.devices.profile import Profile, ProfileChannel
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.tables import Table
from simems_edge.devices.view import DeviceView, Reading, Write, carried

ARMED_POLL_S = 1.0
"""How often registers that arm a setpoint are looked at."""
Area = tuple[int | None, Table, int, int]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A register somebody needs at a rate. ``apart``: the optional channel that must not share a request."""

    register: Register
    poll_s: float
    apart: str

    @property
    def group(self) -> tuple[int, str, float, str]:
        unit = -1 if self.register.unit is None else self.register.unit
        return (unit, self.register.table, self.poll_s, self.apart)


class RegisterView(DeviceView):
    def __init__(self, profile: Profile) -> None:
        self._blocks = tuple(_blocks(list(_wanted(profile)), profile.max_registers, profile.max_gap))
        super().__init__(profile)

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self._blocks

    def settable(self) -> list[str]:
        return [channel.name for channel in self.profile.channels if channel.settable]

    def _sources_of(self, channel: ProfileChannel) -> list[Reading]:
        interval = (channel.poll_s, channel.name if channel.optional else "")
        return [
            Reading(tuple(self._value(term, interval) for term in source.terms), product=bool(source.product))
            for source in channel.read
        ]

    def _value(self, term: Term, interval: tuple[float, str]) -> Value:
        point = term.modbus
        if point is None:
            raise EncodeError("a profile of protocol modbus names a SunSpec point")
        flag = point.negative_when
        return Value(
            self._place(point, interval, frozenset(map(float, point.invalid))),
            sign=point.sign,
            scale=point.scale,
            bit=point.bit,
            names=point.values,
            negative_when=None if flag is None else (self._place(flag, interval), flag.bit),
        )

    def _place(self, register: Register, interval: tuple[float, str], missing: frozenset[float] = frozenset()) -> Place:
        group = _Wanted(register, *interval).group
        block = next(b for b, g in self._grouped() if g == group and _inside(register, b))
        start = 2 * (register.address - block.address)
        return Place(block, start, layout_of_type(register.type), register.word_order == "little", missing)

    def _grouped(self) -> Iterator[tuple[Block, tuple[int, str, float, str]]]:
        for block in self._blocks:
            yield block, (-1 if block.unit is None else block.unit, block.table, block.poll_s, block.apart)

    # ---- writing

    def _sink_of(self, channel: ProfileChannel) -> Sink:
        if not channel.write:
            raise EncodeError(f"{channel.name} cannot be set")
        return channel.write[0]

    def _write_of(self, part: Part, value: float) -> Write:
        point = part.modbus
        if point is None:
            raise EncodeError("a profile of protocol modbus names a SunSpec point")
        worth = carried(part, value)
        raw = worth if part.codes is not None or part.encode else _raw(point, worth)
        single = part.function == 6
        return Write(point.address, words_of(point, raw), str(point.address), point.table, point.unit, single)

    def arm_writes(self, channel: ProfileChannel) -> list[Write]:
        armed = self._sink_of(channel).arm_registers
        return [_fixed(one) for one in armed if self._shown(one) != float(one.value)]

    def _shown(self, register: RegisterValue) -> float | None:
        return self._place(register, (ARMED_POLL_S, "")).raw(self._contents)

    def disarm_writes(self, channel: ProfileChannel) -> list[Write]:
        return [_fixed(one) for one in self._sink_of(channel).disarm_registers]

    def written_blocks(self, channel: ProfileChannel) -> list[Block]:
        armed = self._sink_of(channel).arm_registers
        return list(dict.fromkeys(self._place(one, (ARMED_POLL_S, "")).block for one in armed))

    def allowed(self) -> frozenset[Area]:
        return frozenset(_areas(self.profile.channels))


def _raw(point: RegisterPoint, value: float) -> float:
    if point.values:
        back = {ours: theirs for theirs, ours in point.values.items()}
        if value not in back:
            raise EncodeError(f"{value!r} is none of the values of register {point.address}")
        return float(back[int(value)])
    raw = unscaled(value * point.sign, point.scale)
    if not point.type.startswith("float") and float(round(raw)) in map(float, point.invalid):
        raise EncodeError(f"{value!r} would read as no value in register {point.address}")
    return raw


def _fixed(one: RegisterValue) -> Write:
    words = words_of(one, float(one.value))
    return Write(
        one.address, words, str(one.address), one.table, one.unit, one.function == 6, one.memory == "persistent"
    )


def _areas(channels: Iterable[ProfileChannel]) -> Iterator[Area]:
    for sink in (sink for channel in channels for sink in channel.write):
        registers: list[Register] = [part.modbus for part in sink.pieces if part.modbus is not None]
        for register in (*registers, *sink.arm_registers, *sink.disarm_registers):
            yield (register.unit, register.table, register.address, register.words)


# ---- which blocks


def _wanted(profile: Profile) -> Iterator[_Wanted]:
    for channel in profile.channels:
        apart = channel.name if channel.optional else ""
        for term in (term for source in channel.read for term in source.terms):
            if term.modbus is not None:
                yield _Wanted(term.modbus, channel.poll_s, apart)
                if term.modbus.negative_when is not None:
                    yield _Wanted(term.modbus.negative_when, channel.poll_s, apart)
        for one in (one for sink in channel.write for one in sink.arm_registers):
            yield _Wanted(one, ARMED_POLL_S, "")


def _blocks(wanted: list[_Wanted], most: int, gap: int) -> Iterator[Block]:
    """Neighbours of one unit, table and rate share a request, up to what the device answers at once."""
    for group in sorted({one.group for one in wanted}):
        registers = sorted((o.register.address, o.register.words) for o in wanted if o.group == group)
        unit, apart = None if group[0] < 0 else group[0], group[3]
        table = next(o.register.table for o in wanted if o.group == group)
        start, end = registers[0][0], registers[0][0] + registers[0][1]
        for address, words in registers[1:]:
            reach = max(end, address + words)
            if address <= end + gap and reach - start <= most:
                end = reach
                continue
            yield Block(unit, table, start, end - start, group[2], apart)
            start, end = address, address + words
        yield Block(unit, table, start, end - start, group[2], apart)


def _inside(register: Register, block: Block) -> bool:
    return block.address <= register.address and register.address + register.words <= block.end
