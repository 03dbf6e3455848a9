"""Self-consumption: the battery takes the surplus and gives it back, so that the grid meter reads its target.

The energy below ``minimum_soc_pct`` is left to others (peak shaving, backup).
"""

from __future__ import annotations

from simems_edge.config.quantities import NonNegativePowerW, Percent, PowerW
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
from simems_edge.controllers.closed_loop import LoopInputs, LoopSettings, MeterLoop, Resting, ramped


class SelfConsumptionSettings(LoopSettings):
    grid: MeterRef
    ess: EssRef
    target_grid_w: PowerW = 0.0
    """What the grid meter should read (import > 0)."""
    export_limit_w: NonNegativePowerW | None = None
    """The battery never discharges, and where it can charges, so that export stays below this; None: no limit here."""
    minimum_soc_pct: Percent = 0.0
    """Discharging ends here."""
    soc_band_pct: Percent = 2.0
    """Discharging begins again this far above the minimum."""
    start_w: NonNegativePowerW = 500.0
    """A power smaller than this does not start the battery."""
    stop_w: NonNegativePowerW = 200.0
    """A power smaller than this stops it."""


def next_direction(direction: int, needed_w: float, settings: SelfConsumptionSettings) -> int:
    """1 discharging, -1 charging, 0 idle; starts above ``start_w``, stops below ``stop_w``."""
    if direction and needed_w * direction >= settings.stop_w:
        return direction
    if abs(needed_w) < max(settings.start_w, settings.stop_w):
        return 0
    return 1 if needed_w > 0 else -1


def may_discharge(allowed: bool, soc_pct: float, settings: SelfConsumptionSettings) -> bool:
    """With hysteresis above the minimum state of charge."""
    return soc_pct > settings.minimum_soc_pct + (0.0 if allowed else settings.soc_band_pct)


def required_power_w(site_w: float, direction: int, discharge: bool, settings: SelfConsumptionSettings) -> float:
    """Battery power (discharge > 0) that brings the grid to its target for a site that draws ``site_w`` without it."""
    if direction == 0 or (direction > 0 and not discharge):
        return 0.0
    return site_w - settings.target_grid_w


def export_bound_w(site_w: float, settings: SelfConsumptionSettings) -> float | None:
    """Most battery power that keeps export below its limit: grid = site - battery >= -limit."""
    return None if settings.export_limit_w is None else site_w + settings.export_limit_w


class SelfConsumption(Controller):
    Settings = SelfConsumptionSettings
    settings: SelfConsumptionSettings
    spec = Spec(
        type="self_consumption",
        owner="edge/simems_edge/controllers",
        priority=Priority.OPTIMISATION,
        control_mode="SELF_CONSUMPTION",
        safety_impact="It moves only battery power, inside every guard. Failing lowers self-consumption (cost).",
        fallback="Without valid meter and battery readings it withdraws at once; the battery goes to 0 W.",
        inputs=(
            Input("grid", "active_power_w", "withdraws at once"),
            Input("ess", "active_power_w", "withdraws at once"),
            Input("ess", "active_power_w_setpoint", "the measured battery power counts as its setpoint"),
            Input("ess", "soc_pct", "withdraws at once"),
        ),
        outputs=(Output("ess", "active_power_w", ("preferred", "upper")),),
        metrics=(Metric("site_power_w", "W", "What the grid would give if the battery stood still", resolution=10.0),),
        acceptance=(
            "In steady load the grid meter reads the target within start_w.",
            "Meter up to 3 s late: overshoot <= 5 %, no growing oscillation, < 4 sign changes an hour in steady load.",
            "Never discharges at or below minimum_soc_pct.",
        ),
        test_plan=(
            "edge/tests/controllers/optimisation/test_self_consumption.py",
            "edge/tests/replay/test_stability.py",
        ),
    )

    def __init__(self, controller_id: str, settings: SelfConsumptionSettings) -> None:
        super().__init__(controller_id, settings)
        self._direction = 0
        self._discharge = False
        self._wanted = Resting.of(settings)
        self._upper_w: float | None = None

    def bind(self, binding: Binding) -> None:
        self._ess = EssHandles.of(self.settings.ess, binding)
        self._loop = MeterLoop(self.settings, MeterHandles.of(self.settings.grid, binding), self._ess)

    def execute(self, ctx: Context) -> None:
        inputs, soc_pct = self._loop.read(ctx), ctx.value(self._ess.soc_pct)
        if inputs is None or soc_pct is None:
            self._direction = 0
            self._wanted.reset()
            return
        if inputs.fresh or self._wanted.value is None:
            self._decide(ctx, inputs, soc_pct)
        if self._wanted.value is not None:
            step_w = self.settings.ramp_w_per_s * ctx.dt_s
            preferred_w = ramped(inputs.setpoint_w, self._wanted.value, step_w)
            ctx.propose(self._ess.active_power_w, preferred=preferred_w, upper=self._upper_w)

    def _decide(self, ctx: Context, inputs: LoopInputs, soc_pct: float) -> None:
        needed_w = inputs.site_w - self.settings.target_grid_w
        self._direction = next_direction(self._direction, needed_w, self.settings)
        self._discharge = may_discharge(self._discharge, soc_pct, self.settings)
        wanted_w = required_power_w(inputs.site_w, self._direction, self._discharge, self.settings)
        if wanted_w == 0.0:
            self._wanted.stand(0.0)
        else:
            self._wanted.follow(wanted_w, ctx.time_ns)
        self._upper_w = export_bound_w(inputs.site_w, self.settings)
        ctx.publish("site_power_w", inputs.site_w)
