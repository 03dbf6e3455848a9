"""What really stands behind the devices, for the virtual plant only."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simems_edge.config.quantities import (
    NonNegativePowerW,
    NonNegativeSeconds,
    Percent,
    PositiveEnergyWh,
    PositivePowerW,
    Seconds,
    TemperatureDegC,
)

Fraction = Annotated[float, Field(ge=0, le=0.5)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class SimulatedLoad(_Strict):
    """A recorded load profile shipped with the product."""

    profile: Annotated[str, Field(min_length=1, max_length=64)] = "supermarket"
    scale: Annotated[float, Field(ge=0, le=1000)] = 1.0


class SimulatedPv(_Strict):
    """A recorded PV profile, scaled to its peak power."""

    profile: Annotated[str, Field(min_length=1, max_length=64)] = "rooftop"
    peak_w: PositivePowerW


class SimulatedCells(_Strict):
    """Cells behind a battery: it then shows the voltage and current of their side."""

    series: Annotated[int, Field(ge=1, le=10_000)]
    parallel: Annotated[int, Field(ge=1, le=100_000)] = 1
    temperature_degc: TemperatureDegC = 25.0
    soc_error_pct: Annotated[float, Field(ge=-50, le=50)] = 0.0
    """The battery's own state of charge is off by this many points."""


class SimulatedDevice(_Strict):
    """Imperfections of a device's measurements and, for a battery, what it is made of."""

    delay_s: NonNegativeSeconds = Field(alias="delay", default=0.0, le=60)
    """Age of a value when the device first shows it."""
    interval_s: NonNegativeSeconds = Field(alias="interval", default=0.0, le=3600)
    """The device shows a new value this often; 0: always."""
    noise_w: NonNegativePowerW = 0.0
    """Standard deviation of the power readings."""
    timestamp_error_s: Seconds = Field(alias="timestamp_error", default=0.0, ge=-60, le=60)
    """The true age of a value differs from ``delay`` by this much."""

    capacity_wh: PositiveEnergyWh = 120_000.0
    max_charge_w: PositivePowerW = 60_000.0
    max_discharge_w: PositivePowerW = 60_000.0
    time_constant_s: NonNegativeSeconds = Field(alias="time_constant", default=0.3, le=600)
    """First-order response of power to its setpoint."""
    initial_soc_pct: Percent = 50.0
    minimum_power_w: NonNegativePowerW = 0.0
    """Setpoints smaller than this are answered with 0 W."""
    cells: SimulatedCells | None = None
    """None: only its energy is counted, nothing of its cells is shown."""
    standby_loss_w: NonNegativePowerW = 50.0
    """Taken from the battery at all times."""
    loss_constant: Fraction = 0.005
    """Converter loss while it runs, as a share of rated power: constant + linear * p + quadratic * p**2, where p is
    power over rated power. Efficiency falls at part load."""
    loss_linear: Fraction = 0.01
    loss_quadratic: Fraction = 0.02


class Simulation(_Strict):
    """The virtual plant: recorded profiles and one entry per component that differs from the defaults."""

    load: SimulatedLoad = SimulatedLoad()
    pv: SimulatedPv | None = None
    devices: dict[str, SimulatedDevice] = {}
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    time_origin: str | None = None
    """ISO 8601 instant with offset at which the plant's clock starts; None: now."""

    @model_validator(mode="after")
    def _origin_has_offset(self) -> Self:
        if self.time_origin is not None and datetime.fromisoformat(self.time_origin).tzinfo is None:
            raise ValueError("time_origin needs an offset, e.g. 2026-06-01T00:00:00+02:00")
        return self
