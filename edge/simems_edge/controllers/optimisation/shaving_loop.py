"""What peak shaving with thresholds and with time slots share: the loop on the meter, the demand charges, the
proposal."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from simems_edge.config.quantities import NonNegativePowerW, Percent, Seconds
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
)
from simems_edge.controllers.closed_loop import LoopInputs, LoopSettings, MeterLoop, Resting, ramped
from simems_edge.controllers.optimisation.demand_charge import DemandCharge
from simems_edge.controllers.optimisation.demand_limit import METRICS as DEMAND_METRICS
from simems_edge.controllers.optimisation.demand_limit import DemandLimit
from simems_edge.controllers.optimisation.holdable import VirtualLimits
from simems_edge.controllers.optimisation.shaving import ShavingLimits, ShavingPlan, ShavingState, next_state, plan

NOTHING = ShavingPlan(None, None, None)
INPUTS = (
    Input("grid", "active_power_w", "withdraws at once"),
    Input("grid", "import_energy_wh", "power since its last reading counts; without one, power is integrated", True),
    Input("ess", "active_power_w", "withdraws at once"),
    Input("ess", "active_power_w_setpoint", "the measured battery power counts as its setpoint"),
    Input("ess", "soc_pct", "the reserve is closed: others may not discharge it"),
    Input("site", "utc_offset_s", "every instant is held, every charge counts as billed", optional=True),
)
OUTPUTS = (Output("ess", "active_power_w", ("preferred", "lower", "upper")),)
METRICS = (
    Metric("site_power_w", "W", "What the grid would give if the battery stood still", resolution=10.0),
    Metric("over_threshold_w", "W", "Grid import above the threshold, 0 when below", resolution=10.0),
    *DEMAND_METRICS,
)
SAFETY_IMPACT = "It moves only battery power, inside every guard. Failing raises the grid peak (cost)."
FALLBACK = "Without valid meter and battery readings it withdraws at once; the battery goes to 0 W."


class ShavingSettings(LoopSettings):
    """Common to both."""

    grid: MeterRef
    ess: EssRef
    meter_clock_offset_s: Seconds = 0.0
    """What the meter's clock is ahead of UTC; a clock of local time is not ahead by whole windows."""
    hysteresis_w: NonNegativePowerW = 1_000.0
    """Shaving ends when the site draws less than the threshold by this much; recharging begins likewise."""
    reserve_band_pct: Percent = 3.0
    """Recharging begins this far below the reserve; others may discharge again this far above it."""

    def every_charge(self) -> tuple[DemandCharge, ...]:
        """At least one."""
        raise NotImplementedError


class ShavingController(Controller):
    """Says what the demand charges ask for; a subclass says how much is kept and when it recharges."""

    settings: ShavingSettings

    def __init__(self, controller_id: str, settings: ShavingSettings) -> None:
        super().__init__(controller_id, settings)
        self._state = ShavingState()
        self._plan = NOTHING
        self._wanted = Resting.of(settings)

    def bind(self, binding: Binding) -> None:
        settings = self.settings
        self._ess = EssHandles.of(settings.ess, binding)
        self._loop = MeterLoop(settings, MeterHandles.of(settings.grid, binding), self._ess)
        self.demand = DemandLimit(settings.every_charge(), self.site, meter_clock_s=settings.meter_clock_offset_s)
        self.demand.bind(settings.grid, binding)

    @abstractmethod
    def limits(self, ctx: Context, grid_w: float) -> ShavingLimits:
        """Of this moment."""

    def virtual_limits(self, ctx: Context) -> VirtualLimits | None:
        """What learning may count on; None: nothing is learned."""
        return None

    def execute(self, ctx: Context) -> None:
        self.demand.update(ctx)
        inputs = self._loop.read(ctx)
        if inputs is None:
            self._plan = NOTHING
            self._wanted.reset()
            return
        self.demand.site_power(ctx, inputs.site_w, self.virtual_limits(ctx))
        if inputs.fresh:
            self._decide(ctx, inputs)
        self._propose(ctx, inputs)

    def _decide(self, ctx: Context, inputs: LoopInputs) -> None:
        limits = self.limits(ctx, inputs.grid_w)
        self._state = next_state(self._state, inputs.site_w, ctx.value(self._ess.soc_pct), limits)
        wanted = plan(self._state, inputs.site_w, limits)
        if wanted.preferred_w is None:
            self._wanted.reset()
        else:
            wanted = replace(wanted, preferred_w=self._wanted.follow(wanted.preferred_w, ctx.time_ns))
        self._plan = wanted
        ctx.publish("site_power_w", inputs.site_w)
        threshold_w = self.demand.threshold_w(ctx.time_ns, inputs.grid_w)
        ctx.publish("over_threshold_w", max(inputs.grid_w - threshold_w, 0.0))
        self.demand.publish(ctx, inputs.grid_w, limits.allowed_w)

    def _propose(self, ctx: Context, inputs: LoopInputs) -> None:
        wanted = self._plan.preferred_w
        if wanted is not None:
            wanted = ramped(inputs.setpoint_w, wanted, self.settings.ramp_w_per_s * ctx.dt_s)
        ctx.propose(self._ess.active_power_w, preferred=wanted, lower=self._plan.lower_w, upper=self._plan.upper_w)
