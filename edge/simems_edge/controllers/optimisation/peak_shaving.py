"""Peak shaving: the battery gives what the site draws above the threshold, and keeps energy for the next peak.

Below the threshold it asks for little: bounds, so that nobody's charging lifts the grid over the threshold and nobody
discharges the reserve; and, when the reserve is short and the load low, a gentle recharge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from pydantic import model_validator

from simems_edge.config.quantities import NonNegativePowerW, Percent, PositivePowerW, PowerW
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    EssHandles,
    EssRef,
    Input,
    MeterHandles,
    MeterRef,
    Metric,
    Output,
    Priority,
    Spec,
)
from simems_edge.controllers.closed_loop import LoopInputs, LoopSettings, MeterLoop, ramped, settled


class PeakShavingSettings(LoopSettings):
    grid: MeterRef
    ess: EssRef
    threshold_w: PositivePowerW
    """Grid import is held at or below this."""
    recharge_below_w: PowerW | None = None
    """The reserve is recharged from the grid up to this import; None: never from the grid."""
    hysteresis_w: NonNegativePowerW = 1_000.0
    """Shaving ends when the site draws less than the threshold by this much; recharging begins likewise."""
    reserve_soc_pct: Percent = 50.0
    """Energy kept for shaving: others discharge only what is above it, and the grid recharges only up to it."""
    reserve_band_pct: Percent = 3.0
    """Recharging begins this far below the reserve; others may discharge again this far above it."""

    @model_validator(mode="after")
    def _recharge_stays_below_the_threshold(self) -> Self:
        if self.recharge_below_w is not None and self.recharge_below_w > self.threshold_w - self.hysteresis_w:
            raise ValueError("recharge_below_w must be at or below threshold_w - hysteresis_w; lower it")
        return self


@dataclass(frozen=True, slots=True)
class ShavingState:
    """What hysteresis remembers."""

    shaving: bool = False
    recharging: bool = False
    reserve_free: bool = False
    """Others may discharge: the state of charge is above the reserve."""


@dataclass(frozen=True, slots=True)
class ShavingPlan:
    """What to propose, in W of battery power (discharge > 0); None: nothing."""

    preferred_w: float | None
    lower_w: float | None
    upper_w: float | None


def next_state(
    state: ShavingState, site_w: float, soc_pct: float | None, settings: PeakShavingSettings
) -> ShavingState:
    """Each flag switches on at one limit and off at another. An unknown state of charge closes the reserve."""
    shaving = site_w > settings.threshold_w - (settings.hysteresis_w if state.shaving else 0.0)
    if soc_pct is None:
        return ShavingState(shaving=shaving)
    free_from_pct = settings.reserve_soc_pct + (0.0 if state.reserve_free else settings.reserve_band_pct)
    recharging = not shaving and _recharges(state.recharging, site_w, soc_pct, settings)
    return ShavingState(shaving=shaving, recharging=recharging, reserve_free=soc_pct > free_from_pct)


def _recharges(recharging: bool, site_w: float, soc_pct: float, settings: PeakShavingSettings) -> bool:
    if settings.recharge_below_w is None:
        return False
    if recharging:
        return soc_pct < settings.reserve_soc_pct and site_w < settings.recharge_below_w
    short = soc_pct < settings.reserve_soc_pct - settings.reserve_band_pct
    return short and site_w < settings.recharge_below_w - settings.hysteresis_w


def plan(state: ShavingState, site_w: float, settings: PeakShavingSettings) -> ShavingPlan:
    """Battery power for a site that would draw ``site_w`` without it."""
    over_w = site_w - settings.threshold_w
    if state.shaving:
        return ShavingPlan(preferred_w=max(over_w, 0.0), lower_w=None, upper_w=None)
    upper_w = None if state.reserve_free else 0.0
    charge_w = None
    if state.recharging and settings.recharge_below_w is not None:
        charge_w = min(site_w - settings.recharge_below_w, 0.0)
    return ShavingPlan(preferred_w=charge_w, lower_w=min(over_w, 0.0), upper_w=upper_w)


class PeakShaving(Controller):
    Settings = PeakShavingSettings
    settings: PeakShavingSettings
    spec = Spec(
        type="peak_shaving",
        owner="edge/simems_edge/controllers",
        priority=Priority.OPTIMISATION,
        control_mode="PEAK_SHAVING",
        safety_impact="It moves only battery power, inside every guard. Failing raises the grid peak (cost).",
        fallback="Without valid meter and battery readings it withdraws at once; the battery goes to 0 W.",
        inputs=(
            Input("grid", "active_power_w", "withdraws at once"),
            Input("ess", "active_power_w", "withdraws at once"),
            Input("ess", "active_power_w_setpoint", "the measured battery power counts as its setpoint"),
            Input("ess", "soc_pct", "the reserve is closed: others may not discharge it"),
        ),
        outputs=(Output("ess", "active_power_w", ("preferred", "lower", "upper")),),
        metrics=(
            Metric("site_power_w", "W", "What the grid would give if the battery stood still", resolution=10.0),
            Metric("over_threshold_w", "W", "Grid import above the threshold, 0 when below", resolution=10.0),
        ),
        acceptance=(
            "Clock-aligned 15-min means of grid import stay under threshold + hysteresis while there is energy.",
            "Meter up to 3 s late: overshoot <= 5 %, no growing oscillation, < 4 sign changes an hour in steady load.",
            "A stale meter or battery: fallback within stale-after + 2 cycles.",
        ),
        test_plan=("edge/tests/controllers/optimisation/test_peak_shaving.py", "edge/tests/replay/test_stability.py"),
    )

    def __init__(self, controller_id: str, settings: PeakShavingSettings) -> None:
        super().__init__(controller_id, settings)
        self._state = ShavingState()
        self._plan = ShavingPlan(None, None, None)

    def bind(self, binding: Binding) -> None:
        self._ess = EssHandles.of(self.settings.ess, binding)
        self._loop = MeterLoop(self.settings, MeterHandles.of(self.settings.grid, binding), self._ess)

    def execute(self, ctx: Context) -> None:
        inputs = self._loop.read(ctx)
        if inputs is None:
            self._plan = ShavingPlan(None, None, None)
            return
        if inputs.fresh:
            self._decide(ctx, inputs)
        self._propose(ctx, inputs)

    def _decide(self, ctx: Context, inputs: LoopInputs) -> None:
        self._state = next_state(self._state, inputs.site_w, ctx.value(self._ess.soc_pct), self.settings)
        wanted, last = plan(self._state, inputs.site_w, self.settings), self._plan.preferred_w
        if wanted.preferred_w is not None and last is not None:
            wanted = replace(wanted, preferred_w=settled(wanted.preferred_w, last, self.settings.deadband_w))
        self._plan = wanted
        ctx.publish("site_power_w", inputs.site_w)
        ctx.publish("over_threshold_w", max(inputs.grid_w - self.settings.threshold_w, 0.0))

    def _propose(self, ctx: Context, inputs: LoopInputs) -> None:
        wanted = self._plan.preferred_w
        if wanted is not None:
            wanted = ramped(inputs.setpoint_w, wanted, self.settings.ramp_w_per_s * ctx.dt_s)
        ctx.propose(self._ess.active_power_w, preferred=wanted, lower=self._plan.lower_w, upper=self._plan.upper_w)
