"""Settings of the island sequence: which devices, which windows, how long each step may take."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from simems_edge.config.quantities import NonNegativeSeconds, Percent, PositiveSeconds
from simems_edge.contracts import (
    BreakerRef,
    ChannelRef,
    ControllerSettings,
    EssRef,
    EvcsRef,
    MeterRef,
    PvRef,
    RelayRef,
)
from simems_edge.controllers.island.sequence import Step


def _list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


VoltageV = Annotated[float, Field(gt=0, le=1000)]
FrequencyHz = Annotated[float, Field(ge=40, le=70)]


class IslandSettings(ControllerSettings):
    grid: MeterRef
    """Meter on the grid's side of the switch."""
    switch: BreakerRef
    """Certified switch with interface protection and sync-check; asked to open and to close, never forced."""
    ess: EssRef
    """Forms the island; its mode must be commanded (``control.operating_mode``)."""
    loads: Annotated[tuple[RelayRef, ...], BeforeValidator(_list)] = ()
    """Contactors of groups of loads, 1 = connected; the most important first: it comes back first and goes last."""
    evcs: Annotated[tuple[EvcsRef, ...], BeforeValidator(_list)] = ()
    """Chargers, held at 0 in the island."""
    pv: Annotated[tuple[PvRef, ...], BeforeValidator(_list)] = ()
    """Inverters, held at 0 until loads are back, then released over ``ramp_back_s`` (in the island as on the grid)."""
    bond: RelayRef | None = None
    """Relay that earths the neutral in the island, 1 = bonded."""
    bond_contact: ChannelRef | None = None
    """What confirms it (bool); without one the relay's own state does, and without a relay nothing is asked."""
    forming_mode: Annotated[int, Field(ge=0, le=65535)] = 1
    """Code of the battery's mode that forms a grid."""
    following_mode: Annotated[int, Field(ge=0, le=65535)] = 0
    """Code of its mode on the grid."""
    nominal_hz: FrequencyHz = 50.0
    """Of the island."""
    lost_below_v: VoltageV = 184.0
    """A phase below this is a lost grid (EN 50549-1 4.9.3: 0.8 Un)."""
    lost_above_v: VoltageV = 264.5
    """A phase above this is a lost grid (1.15 Un)."""
    lost_below_hz: FrequencyHz = 47.5
    """Frequency below this is a lost grid (EN 50549-1 4.9.3)."""
    lost_above_hz: FrequencyHz = 51.5
    """Frequency above this is a lost grid."""
    detect_s: NonNegativeSeconds = 0.5
    """The loss must last so long."""
    return_from_v: VoltageV = 195.5
    """Lowest voltage of a grid that may be joined again (EN 50549-1 4.10.2: 0.85 Un)."""
    return_to_v: VoltageV = 253.0
    """Highest voltage (1.10 Un)."""
    return_from_hz: FrequencyHz = 49.5
    """Lowest frequency (EN 50549-1 4.10.2)."""
    return_to_hz: FrequencyHz = 50.2
    """Highest frequency."""
    return_hold_s: NonNegativeSeconds = 60.0
    """The grid must be inside the return window so long (EN 50549-1 4.10.2: 60 s)."""
    open_timeout_s: PositiveSeconds = 2.0
    """The switch must show open within this."""
    shed_timeout_s: PositiveSeconds = 10.0
    """Chargers and inverters must stand at rest within this."""
    bond_timeout_s: PositiveSeconds = 5.0
    """The bond must be confirmed within this."""
    form_timeout_s: PositiveSeconds = 30.0
    """The battery must hold voltage and frequency within this."""
    restore_timeout_s: PositiveSeconds = 900.0
    """All loads must be back within this; then the island goes on with those that are, and an alarm."""
    restore_interval_s: NonNegativeSeconds = 5.0
    """Time between two groups of loads."""
    restore_below_pct: Annotated[Percent, Field(gt=0)] = 60.0
    """A group comes back only while the battery gives less than this share of its discharge limit."""
    overload_pct: Annotated[Percent, Field(gt=0)] = 95.0
    """Above this share for ``overload_s`` the least important group goes."""
    overload_s: NonNegativeSeconds = 1.0
    """How long an overload is borne."""
    minimum_soc_pct: Percent = 15.0
    """At or below, groups go one after the other; none comes back before 5 % above."""
    sync_timeout_s: PositiveSeconds = 120.0
    """The switch must show closed within this."""
    sync_slip_hz: Annotated[float, Field(ge=0.01, le=0.2)] = 0.05
    """The island runs this much faster than the grid, so that the angles meet."""
    return_timeout_s: PositiveSeconds = 10.0
    """The battery must follow the grid, and the bond be open, within this."""
    ramp_back_s: PositiveSeconds = 600.0
    """Inverters, and on the grid chargers, are released in a straight line over this time (EN 50549-1 4.10.2: 10 % a
    minute)."""
    frequency_gain_pct_per_hz_s: Annotated[float, Field(gt=0, le=200)] = 20.0
    """How fast the battery's setpoint corrects the island's frequency, in percent of its limit per Hz and second."""

    def timeout_s(self, step: Step) -> float:
        """How long a step may take."""
        return {
            Step.OPENING: self.open_timeout_s,
            Step.SHEDDING: self.shed_timeout_s,
            Step.BONDING: self.bond_timeout_s,
            Step.FORMING: self.form_timeout_s,
            Step.RESTORING: self.restore_timeout_s,
            Step.SYNCHRONISING: self.sync_timeout_s,
            Step.RETURNING: self.return_timeout_s,
            Step.RAMPING: self.ramp_back_s,
            Step.RECLOSING: self.sync_timeout_s,
        }[step]

    @model_validator(mode="after")
    def _windows(self) -> Self:
        if not (self.lost_below_v < self.return_from_v < self.return_to_v < self.lost_above_v):
            raise ValueError("the return window of voltage must lie inside the loss window; correct its four limits")
        if not (self.lost_below_hz < self.return_from_hz < self.return_to_hz < self.lost_above_hz):
            raise ValueError("the return window of frequency must lie inside the loss window; correct its four limits")
        if self.restore_below_pct >= self.overload_pct:
            raise ValueError("restore_below_pct must be below overload_pct; lower it")
        return self
