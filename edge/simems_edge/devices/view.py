"""What stands between a profile's channels and one device's registers, whatever the protocol. Pure: no reading, no
writing, no clock.

A bridge asks which blocks to read, gives their registers to :meth:`DeviceView.update`, takes the channels' values from
:meth:`DeviceView.fresh`, and asks which registers carry a setpoint.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from simems_edge.devices.numbers import Block, Contents, ReadNumber, Value, bytes_of
from simems_edge.devices.points import Part, Sink
from simems_edge.devices.profile import Profile, ProfileChannel
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.tables import Table


@dataclass(frozen=True, slots=True)
class Write:
    """Registers (or a coil) to write at an address; ``point`` is for logs."""

    address: int
    registers: tuple[int, ...]
    point: str
    table: Table = "holding"
    unit: int | None = None
    single: bool = False
    """By the function that writes one register."""
    persistent: bool = False
    """The device's memory wears out with it."""

    @property
    def area(self) -> tuple[int | None, Table, int, int]:
        """What it touches: unit, table, address, count."""
        return (self.unit, self.table, self.address, len(self.registers))


@dataclass(frozen=True, slots=True)
class Reading:
    """One source of a channel in this device."""

    terms: tuple[Value, ...]
    product: bool = False

    @property
    def blocks(self) -> frozenset[Block]:
        """What must be fresh for a new value (a percentage's whole may be older)."""
        return frozenset(term.place.block for term in self.terms)

    def reader(self) -> ReadNumber:
        """:meth:`of`, prepared for fast reading."""
        return self.terms[0].reader() if len(self.terms) == 1 else self.of

    def of(self, contents: Contents) -> float | None:
        values = [term.of(contents) for term in self.terms]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        return math.prod(known) if self.product else sum(known) + 0.0


Bound = tuple[str, ReadNumber, frozenset[Block]]
"""A channel, how it is read, and the blocks it comes from."""


class DeviceView(ABC):
    """Of one device, for the time of one session with it."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._contents: dict[Block, bytes] = {}
        self._bound: list[Bound] = []
        self._renewed: dict[tuple[Block, ...], list[Bound]] = {}
        self._readings = {c.name: self._sources_of(c) for c in profile.channels if c.readable}

    # ---- reading

    @property
    @abstractmethod
    def blocks(self) -> tuple[Block, ...]:
        """Everything to read, each with its rate."""

    @abstractmethod
    def _sources_of(self, channel: ProfileChannel) -> list[Reading]:
        """In the profile's order; those that this device cannot have are left out."""

    def update(self, block: Block, words: Sequence[int]) -> None:
        """The block's registers, just read."""
        self._contents[block] = bytes_of(words)

    def forget(self, block: Block) -> None:
        """The device refused it: what it would tell is missing."""
        self._contents.pop(block, None)

    def bind(self) -> None:
        """After everything was read once: each channel keeps to the first source that the device implements; when it
        implements none, to the first."""
        self._bound, self._renewed = [], {}
        for name, readings in self._readings.items():
            if readings:
                chosen = next((r for r in readings if r.of(self._contents) is not None), readings[0])
                self._bound.append((name, chosen.reader(), chosen.blocks))

    def fresh(self, read: tuple[Block, ...]) -> list[tuple[str, float | None, frozenset[Block]]]:
        """Channels that ``read`` renewed: name, value (None: not implemented) and the blocks it comes from."""
        rows, contents = self._renewed.get(read), self._contents
        if rows is None:
            rows = self._renewed[read] = [row for row in self._bound if row[2] <= frozenset(read)]
        return [(name, number(contents), blocks) for name, number, blocks in rows]

    def values(self) -> dict[str, float | None]:
        """Every channel as last read."""
        return {name: number(self._contents) for name, number, _ in self._bound}

    def readable_without(self, refused: Collection[Block]) -> list[str]:
        """Channels that need none of these blocks."""
        lost = frozenset(refused)
        return [name for name, _, blocks in self._bound if not blocks & lost]

    def readable(self) -> list[str]:
        """Channels that this device can show."""
        return [name for name, readings in self._readings.items() if readings]

    # ---- writing

    @abstractmethod
    def settable(self) -> list[str]:
        """Channels that can be set on this device."""

    def setpoint_writes(self, channel: ProfileChannel, value: float) -> list[Write]:
        """Registers that carry ``value`` (channel's unit, our sign) to the device, in order. Raises
        :class:`EncodeError` when the value is not finite, outside the channel's range, or cannot be written."""
        if not math.isfinite(value) or not inside_range(channel, value):
            raise EncodeError(f"{value!r} is outside the range of {channel.name}")
        return [self._write_of(part, value) for part in self._sink_of(channel).pieces]

    @abstractmethod
    def arm_writes(self, channel: ProfileChannel) -> list[Write]:
        """What must still be written, in order, so that the device follows the setpoint; empty when it already does."""

    @abstractmethod
    def disarm_writes(self, channel: ProfileChannel) -> list[Write]:
        """What hands the device back to itself."""

    @abstractmethod
    def written_blocks(self, channel: ProfileChannel) -> list[Block]:
        """Blocks that show whether the channel is armed."""

    @abstractmethod
    def _sink_of(self, channel: ProfileChannel) -> Sink:
        """Raises :class:`EncodeError` when this device has none."""

    @abstractmethod
    def _write_of(self, part: Part, value: float) -> Write:
        """Raises :class:`EncodeError`."""

    @abstractmethod
    def allowed(self) -> frozenset[tuple[int | None, Table, int, int]]:
        """Every area that may ever be written; a write elsewhere is a fault of ours and is not sent."""

    def sink_of(self, channel: ProfileChannel) -> Sink:
        """The one that this device takes the setpoint by. Raises :class:`EncodeError`."""
        return self._sink_of(channel)


def inside_range(channel: ProfileChannel, value: float) -> bool:
    """Whether the channel may have this value."""
    minimum = -math.inf if channel.minimum is None else channel.minimum
    return minimum <= value <= (math.inf if channel.maximum is None else channel.maximum)


def carried(part: Part, value: float) -> float:
    """What of a setpoint this part carries, in the channel's unit (a raw number where it is coded)."""
    if part.encode:
        if value not in part.encode:
            raise EncodeError(f"{value!r} is none of {', '.join(map(str, sorted(part.encode)))}")
        return part.encode[int(value)]
    if part.floor is not None and abs(value) < part.floor:
        if value != 0.0:
            raise EncodeError(f"{value!r} lies between 0 and the smallest value {part.floor:g}")
        return part.floor
    if part.codes is not None:
        if value == 0.0:
            return part.codes.zero
        return part.codes.positive if value > 0 else part.codes.negative
    sides = {"value": value, "magnitude": abs(value), "positive": max(value, 0.0), "negative": max(-value, 0.0)}
    return sides[part.carries]
