"""The voltage at the connection, in percent of nominal."""

from __future__ import annotations

from simems_edge.config.quantities import PositiveVoltageV
from simems_edge.contracts import Binding, Context, Input, MeterRef
from simems_edge.controllers.grid.coded_settings import CodedSettings

VOLTAGE_INPUT = Input("grid", "voltage_v", "withdraws at once")


class VoltageSettings(CodedSettings):
    grid: MeterRef
    nominal_v: PositiveVoltageV = 230.0
    """Nominal voltage, phase to neutral, as the meter's ``voltage_v`` (the mean of its phases)."""


class VoltageInput:
    def __init__(self, settings: VoltageSettings, binding: Binding) -> None:
        self._nominal_v = settings.nominal_v
        self._handle = binding.read(settings.grid, "voltage_v")

    def percent(self, ctx: Context) -> float | None:
        """None while stale, bad or not there."""
        voltage_v = ctx.value(self._handle)
        return None if voltage_v is None else 100.0 * voltage_v / self._nominal_v
