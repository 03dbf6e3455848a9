"""The site file's ``simulation``, for the virtual plant only: grid, load, sun, what stands behind the devices."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from simems_edge.config.quantities import NonNegativeSeconds, PositivePowerW, PositiveVoltageV
from simems_edge.config.simulated_devices import (
    Names,
    SimulatedBreaker,
    SimulatedCells,
    SimulatedCharger,
    SimulatedConsumer,
    SimulatedDevice,
    SimulatedDropouts,
    SimulatedForming,
    SimulatedHeatPump,
    SimulatedHybrid,
    SimulatedMistakes,
    SimulatedSession,
    SimulatedThermal,
    Strict,
    as_tuple,
)

__all__ = [
    "SimulatedBreaker",
    "SimulatedCells",
    "SimulatedCharger",
    "SimulatedConsumer",
    "SimulatedDevice",
    "SimulatedDropouts",
    "SimulatedForming",
    "SimulatedGrid",
    "SimulatedHeatPump",
    "SimulatedHybrid",
    "SimulatedLoad",
    "SimulatedMistakes",
    "SimulatedPv",
    "SimulatedSession",
    "SimulatedThermal",
    "Simulation",
]
Share = Annotated[float, Field(ge=0, le=1)]


class SimulatedLoad(Strict):
    """A recorded load profile shipped with the product."""

    profile: Annotated[str, Field(min_length=1, max_length=64)] = "supermarket"
    scale: Annotated[float, Field(ge=0, le=1000)] = 1.0
    tan_phi: Annotated[float, Field(ge=-2, le=2)] = 0.2
    """Reactive over active power, inductive > 0."""
    phase_shares: Annotated[tuple[Share, Share, Share], BeforeValidator(as_tuple)] = (0.36, 0.33, 0.31)
    """How it spreads over the phases; their sum is 1."""
    relays: Names = ()
    """It runs only while these relays are on."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(sum(self.phase_shares) - 1.0) > 1e-6:
            raise ValueError("phase_shares must add up to 1; correct them")
        return self


class SimulatedPv(Strict):
    """A recorded PV profile, scaled to its peak power."""

    profile: Annotated[str, Field(min_length=1, max_length=64)] = "rooftop"
    peak_w: PositivePowerW


class SimulatedGrid(Strict):
    """The grid behind the connection: stiff in frequency, its voltage behind an impedance (of each phase)."""

    voltage_v: PositiveVoltageV = 231.0
    """Phase to neutral, without load."""
    frequency_hz: Annotated[float, Field(ge=40, le=70)] = 50.0
    resistance_ohm: Annotated[float, Field(ge=0, le=10)] = 0.0
    reactance_ohm: Annotated[float, Field(ge=0, le=10)] = 0.0
    collapse_s: NonNegativeSeconds = Field(alias="collapse", default=0.15, le=10)
    """Time constant with which the voltage of a bus dies that nothing feeds."""


class Simulation(Strict):
    """The virtual plant: recorded profiles and one entry per component that differs from the defaults."""

    grid: SimulatedGrid = SimulatedGrid()
    load: SimulatedLoad = SimulatedLoad()
    pv: SimulatedPv | None = None
    devices: dict[str, SimulatedDevice] = Field(default_factory=dict)
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    time_origin: str | None = None
    """ISO 8601 instant with offset at which the plant's clock starts; None: now."""

    @model_validator(mode="after")
    def _origin_has_offset(self) -> Self:
        if self.time_origin is not None and datetime.fromisoformat(self.time_origin).tzinfo is None:
            raise ValueError("time_origin needs an offset, e.g. 2026-06-01T00:00:00+02:00")
        return self
