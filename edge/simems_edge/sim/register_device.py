"""A virtual device's registers: what Modbus clients read and write, kept in step with the plant on every request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from simems_edge.devices.sunspec import Value, decode_model
from simems_edge.sim.chains import CONTROLS, Chain, PlacedModel
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
    _controls: PlacedModel | None = field(init=False)

    def __post_init__(self) -> None:
        self._controls = self.chain.model(CONTROLS)

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
        if self.component is not None and self.plant.is_silent(self.component):
            raise asyncio.CancelledError  # ends this request only: the client never gets an answer
        if written is None:
            self._refresh(registers)
            return None
        return self._write(address - start, count, registers, [int(word) for word in written])

    def _refresh(self, registers: list[int]) -> None:
        values = dict(self.channels())
        if self.component is not None:
            reading = self.plant.readings(self.component)
            values |= reading.values if reading is not None else {}
        for model in self.chain.models:
            model.encode(values, registers)
        self._revert(registers)

    def _write(self, offset: int, count: int, registers: list[int], written: list[int]) -> ExcCodes | None:
        controls = self._controls
        if controls is None or not self._writable(controls, offset, count):
            return ExcCodes.ILLEGAL_ADDRESS
        registers[offset : offset + count] = written
        self._obey(self._decode(controls, registers))
        return None

    @staticmethod
    def _writable(controls: PlacedModel, offset: int, count: int) -> bool:
        """Whole points of the control model that the model lets be written."""
        covered = 0
        for point in controls.definition.points.values():
            start = controls.offset + point.offset
            if point.writable and offset <= start and start + point.size <= offset + count:
                covered += point.size
        return covered == count

    def _decode(self, controls: PlacedModel, registers: list[int]) -> dict[str, Value]:
        length = controls.definition.length + 2
        return decode_model(controls.definition, registers[controls.offset : controls.offset + length])

    def _obey(self, controls: Mapping[str, Value]) -> None:
        setpoint, limit = controls["WSet"], controls["WMaxLimPct"]
        if self.component is not None and self.plant.kind(self.component) == "ess":
            self._command("active_power_w", setpoint if controls["WSetEna"] == 1 else None)
        elif isinstance(limit, int | float):
            share = limit / 100.0 * self.plant.ratings(self.component or "")[0]
            self._command("active_power_limit_w", share if controls["WMaxLimPctEna"] == 1 else None)

    def _command(self, channel: str, value: Value) -> None:
        address = f"{self.component}/{channel}"
        if isinstance(value, int | float):
            self.plant.command(address, float(value))
        else:
            self.plant.release(address)

    def _revert(self, registers: list[int]) -> None:
        """When the battery's watchdog ended the setpoint, it no longer shows itself enabled."""
        if self._controls is None or self.component is None or self.plant.follows(self.component):
            return
        point = self._controls.definition.point("WSetEna")
        registers[self._controls.offset + point.offset] = 0
