"""A virtual device's registers: what Modbus clients read and write, kept in step with the plant on every request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from simems_edge.devices.sunspec import Value, decode_model
from simems_edge.sim.chains import SETPOINTS, Chain, PlacedModel, Written
from simems_edge.sim.plant import Plant

Channels = Callable[[], Mapping[str, float]]


@dataclass
class RegisterDevice:
    """One unit on one port. ``component``: the plant's device behind it; None: only the plant's clock."""

    component: str | None
    unit: int
    chain: Chain
    plant: Plant
    channels: Channels
    """Values that are the plant's, not a device's (counter, speed)."""
    _controls: list[tuple[PlacedModel, tuple[Written, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        kind = "" if self.component is None else self.plant.kind(self.component)
        found = ((model, SETPOINTS.get((kind, model.definition.id), ())) for model in self.chain.models)
        self._controls = [(model, written) for model, written in found if written]

    def sim_device(self) -> SimDevice:
        """For pymodbus' server."""
        data = SimData(self.chain.base_address, values=list(self.chain.registers), datatype=DataType.REGISTERS)
        return SimDevice(id=self.unit, simdata=[data], action=self.access)

    async def access(
        self,
        _function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """pymodbus calls this on each request, before it answers."""
        if self.component is not None and self._is_mute():
            raise asyncio.CancelledError  # ends this request only: the client never gets an answer
        if written is None:
            self._refresh(registers)
            return None
        return self._write(address - start, count, registers, [int(word) for word in written])

    def _is_mute(self) -> bool:
        return self.component is not None and self.plant.is_mute(self.component)

    def _refresh(self, registers: list[int]) -> None:
        values = dict(self.channels())
        if self.component is not None:
            reading = self.plant.readings(self.component)
            values |= dict(reading.values) if reading is not None else {}
        for model in self.chain.models:
            model.encode(values, registers)
        self._revert(registers)

    def _write(self, offset: int, count: int, registers: list[int], words: list[int]) -> ExcCodes | None:
        for model, written in self._controls:
            if _writable(model, offset, count):
                registers[offset : offset + count] = words
                self._obey(_decode(model, registers), written)
                return None
        return ExcCodes.ILLEGAL_ADDRESS

    def _obey(self, points: Mapping[str, Value], written: Iterable[Written]) -> None:
        for one in written:
            enabled = one.enable is None or points[one.enable] == 1
            value = points[one.point] if enabled else None
            if isinstance(value, int | float):
                share = self.plant.ratings(self.component or "")[0] / 100.0 if one.percent else 1.0
                self.plant.command(f"{self.component}/{one.channel}", value * share)
            elif one.enable is not None:
                self.plant.release(f"{self.component}/{one.channel}")

    def _revert(self, registers: list[int]) -> None:
        """When the device's watchdog ended a setpoint, it no longer shows itself enabled."""
        for model, written in self._controls:
            for one in written:
                if one.enable is None or self.plant.follows(self.component or "", one.channel):
                    continue
                registers[model.offset + model.definition.point(one.enable).offset] = 0


def _writable(model: PlacedModel, offset: int, count: int) -> bool:
    """Whole points of a model that it lets be written."""
    covered = 0
    for point in model.definition.points.values():
        start = model.offset + point.offset
        if point.writable and offset <= start and start + point.size <= offset + count:
            covered += point.size
    return covered == count


def _decode(model: PlacedModel, registers: list[int]) -> dict[str, Value]:
    length = model.definition.length + 2
    return decode_model(model.definition, registers[model.offset : model.offset + length])
