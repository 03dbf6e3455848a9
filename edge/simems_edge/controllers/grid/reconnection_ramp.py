"""After the grid's return power rises no faster than the code allows (10 % a minute), as bounds for everybody below.

Whether and when to reconnect is the certified devices'; this only holds power back: nothing while frequency or voltage
is outside the code's window and for its observation time, then a gradient (EN 50549-1:2019 4.10.2; IEEE 1547-2018
4.10.3). A restart in the middle goes on where it stood. Not certified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from pydantic import model_validator

from simems_edge.config.quantities import (
    NominalFrequencyHz,
    NonNegativeSeconds,
    PositiveFrequencyHz,
    PositivePowerW,
    PositiveSharePctPerMin,
)
from simems_edge.contracts import (
    Binding,
    BreakerRef,
    Context,
    Controller,
    EssRef,
    Input,
    Metric,
    Output,
    Priority,
    PvRef,
    Spec,
)
from simems_edge.controllers.grid.voltage_input import VoltageInput, VoltageSettings

FULL_PCT = 100.0


class ReconnectionRampSettings(VoltageSettings):
    controller_type: ClassVar[str] = "reconnection_ramp"
    ess: EssRef | None = None
    """The battery that is held back, in both directions."""
    ess_rated_w: PositivePowerW | None = None
    """Its rated power, needed with ``ess``."""
    pv: PvRef | None = None
    """The PV that is held back."""
    pv_rated_w: PositivePowerW | None = None
    """Its rated power, needed with ``pv``."""
    breaker: BreakerRef | None = None
    """Breaker at the connection: open, the grid counts as lost. None: by voltage and frequency alone."""
    nominal_hz: NominalFrequencyHz = 50.0
    """Of the grid."""
    lowest_hz: PositiveFrequencyHz = 49.5
    """The window that the grid must be inside."""
    highest_hz: PositiveFrequencyHz = 50.2
    """The window that the grid must be inside."""
    lowest_voltage_pct: float = 85.0
    """The window that the grid must be inside, % of nominal."""
    highest_voltage_pct: float = 110.0
    """The window that the grid must be inside, % of nominal."""
    lost_hz: float = 2.5
    """Further than this from nominal the grid counts as lost, not as disturbed."""
    lost_voltage_pct: float = 20.0
    """Below this voltage the grid counts as lost."""
    observation_s: NonNegativeSeconds = 60.0
    """The grid must be inside the window for so long."""
    gradient_pct_per_min: PositiveSharePctPerMin = 10.0
    """Then power rises no faster than this share of rated power."""

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.lowest_hz >= self.highest_hz or self.lowest_voltage_pct >= self.highest_voltage_pct:
            raise ValueError("the window has its lower end not below the upper; swap them")
        if self.ess is None and self.pv is None:
            raise ValueError("needs a battery or PV that is held back; name ess or pv")
        for name, rated in (("ess", self.ess_rated_w), ("pv", self.pv_rated_w)):
            if getattr(self, name) is not None and rated is None:
                raise ValueError(f"{name}_rated_w is needed with {name}; write its rated power")
        return self


@dataclass(frozen=True, slots=True)
class Return:
    """``released_pct``: share of rated power that is free, 100 in normal operation; ``inside_s``: since the grid is
    inside its window."""

    released_pct: float = FULL_PCT
    inside_s: float = 0.0


def grid_lost(hz: float | None, voltage_pct: float | None, settings: ReconnectionRampSettings) -> bool:
    """A dead grid: no voltage, or a frequency that no grid has. Unknown readings are no proof."""
    dead = voltage_pct is not None and voltage_pct < settings.lost_voltage_pct
    return dead or (hz is not None and abs(hz - settings.nominal_hz) > settings.lost_hz)


def inside(hz: float | None, voltage_pct: float | None, settings: ReconnectionRampSettings) -> bool:
    """Both are known and inside the window."""
    return (
        hz is not None
        and voltage_pct is not None
        and settings.lowest_hz <= hz <= settings.highest_hz
        and settings.lowest_voltage_pct <= voltage_pct <= settings.highest_voltage_pct
    )


def next_return(now: Return, dt_s: float, settings: ReconnectionRampSettings, *, lost: bool, within: bool) -> Return:
    """``dt_s`` later. A ramp that began pauses while the grid is outside its window; only a loss begins it anew."""
    if lost:
        return Return(0.0, 0.0)
    if now.released_pct >= FULL_PCT:
        return now
    if not within:
        return Return(now.released_pct, 0.0)
    inside_s = now.inside_s + dt_s
    if inside_s < settings.observation_s and now.released_pct == 0.0:
        return Return(0.0, inside_s)
    released_pct = now.released_pct + settings.gradient_pct_per_min * dt_s / 60.0
    return Return(min(released_pct, FULL_PCT), inside_s)


class ReconnectionRamp(Controller):
    Settings = ReconnectionRampSettings
    settings: ReconnectionRampSettings
    spec = Spec(
        type="reconnection_ramp",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="RECONNECTION",
        safety_impact="It only holds power back, inside every guard; reconnecting is the certified devices' own.",
        fallback="A grid whose voltage and frequency are not known is not inside its window: what was held back stays "
        "so. When its process dies the bounds end after 3 cycles; a restart goes on where it stood.",
        inputs=(
            Input("grid", "frequency_hz", "not inside the window: nothing more is released"),
            Input("grid", "voltage_v", "not inside the window: nothing more is released"),
            Input("breaker", "closed", "no proof of a loss", optional=True),
            Input("ess", "active_power_w", "only its setpoint is needed"),
            Input("pv", "active_power_limit_w", "only its setpoint is needed"),
        ),
        outputs=(
            Output("ess", "active_power_w", ("lower", "upper")),
            Output("pv", "active_power_limit_w", ("upper",)),
        ),
        metrics=(
            Metric("released_pct", "%", "Share of rated power that is free", resolution=0.1, retained=True),
            Metric("inside_s", "s", "Since the grid is inside its window, after a loss", resolution=1.0),
        ),
        acceptance=(
            "After a loss nothing is released before the observation time, then no more than the gradient.",
            "In normal operation it proposes nothing.",
        ),
        test_plan=("edge/tests/controllers/grid/test_reconnection_ramp.py",),
    )

    def __init__(self, controller_id: str, settings: ReconnectionRampSettings) -> None:
        super().__init__(controller_id, settings)
        self._state: Return | None = None

    def bind(self, binding: Binding) -> None:
        settings = self.settings
        self._voltage = VoltageInput(settings, binding)
        self._hz = binding.read(settings.grid, "frequency_hz")
        self._closed = None if settings.breaker is None else binding.read(settings.breaker, "closed")
        self._retained = binding.own("released_pct")
        self._ess = None if settings.ess is None else binding.actuator(settings.ess, "active_power_w")
        self._pv = None if settings.pv is None else binding.actuator(settings.pv, "active_power_limit_w")

    def execute(self, ctx: Context) -> None:
        if self._state is None:
            kept_pct = ctx.value(self._retained)
            self._state = Return() if kept_pct is None else Return(kept_pct)
        hz, voltage_pct = ctx.value(self._hz), self._voltage.percent(ctx)
        is_open = self._closed is not None and ctx.value(self._closed) == 0.0
        lost = is_open or grid_lost(hz, voltage_pct, self.settings)
        within = inside(hz, voltage_pct, self.settings)
        self._state = next_return(self._state, ctx.dt_s, self.settings, lost=lost, within=within)
        share = self._state.released_pct / FULL_PCT
        if share < 1.0:
            self._propose(ctx, share)
        ctx.publish("released_pct", self._state.released_pct)
        ctx.publish("inside_s", self._state.inside_s)

    def _propose(self, ctx: Context, share: float) -> None:
        if self._ess is not None:
            most_w = share * (self.settings.ess_rated_w or 0.0)
            ctx.propose(self._ess, lower=-most_w, upper=most_w)
        if self._pv is not None:
            ctx.propose(self._pv, upper=share * (self.settings.pv_rated_w or 0.0))
