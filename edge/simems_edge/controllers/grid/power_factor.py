"""Power factor at the grid meter: an inverter brings the reactive power that the site would take beyond its limits.

Closed loop. The meter is late by an unknown time, so what the site takes without the inverter is estimated from its
samples and from what the inverter did, and the loop acts once per new sample: with a constant load it cannot swing
(`SitePowerEstimate`, here in var). Signs at the meter: inductive > 0; at the inverter: injected > 0.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator
from simems_core import SitePowerEstimate

from simems_edge.config.quantities import (
    NonNegativePowerW,
    NonNegativeReactiveVar,
    NonNegativeSeconds,
    PositiveApparentVa,
    PositiveRampVarPerS,
)
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    ControllerSettings,
    EssRef,
    Input,
    MeterRef,
    Metric,
    Priority,
    PvRef,
    Spec,
)
from simems_edge.controllers.closed_loop import Resting, ramped
from simems_edge.controllers.grid.inverter import REACTIVE_OUTPUTS, CosPhi, inverter_inputs, tan_phi


class PowerFactorSettings(ControllerSettings):
    grid: MeterRef
    ess: EssRef | None = None
    """The battery whose inverter is meant; name ess or pv."""
    pv: PvRef | None = None
    """The PV inverter that is meant; name ess or pv."""
    rated_va: PositiveApparentVa
    """No more reactive power than this is asked for."""
    inductive_cos_phi: CosPhi = 0.95
    """The connection takes inductive reactive power only down to this power factor."""
    capacitive_cos_phi: CosPhi = 1.0
    """The connection gives reactive power only down to this power factor."""
    minimum_power_w: NonNegativePowerW = 1_000.0
    """Below this active power the limits stay those of this power: a power factor of nothing means nothing."""
    deadband_var: NonNegativeReactiveVar = 200.0
    """At rest, changes of the wanted reactive power within it are noise and move nothing."""
    ramp_var_per_s: PositiveRampVarPerS = 10_000.0
    """The setpoint moves no faster."""
    meter_delay_max_s: NonNegativeSeconds = 4.0
    """A reading may be this old when it arrives."""
    meter_repeat_max_s: NonNegativeSeconds = 6.0
    """An unchanged reading is the meter's old one for so long (registers slower than the poll)."""
    inverter_settle_s: NonNegativeSeconds = 8.0
    """The inverter stands at its setpoint after this time at the latest."""

    @model_validator(mode="after")
    def _one_inverter(self) -> Self:
        if (self.ess is None) == (self.pv is None):
            raise ValueError("needs exactly one inverter; name either ess or pv")
        return self


def required_var(site_var: float, grid_w: float, settings: PowerFactorSettings) -> float:
    """Reactive power to inject for a site that would take ``site_var`` (inductive > 0) without the inverter."""
    power_w = max(abs(grid_w), settings.minimum_power_w)
    most_var = power_w * tan_phi(settings.inductive_cos_phi)
    least_var = -power_w * tan_phi(settings.capacitive_cos_phi)
    wanted_var = site_var - min(max(site_var, least_var), most_var)
    return min(max(wanted_var, -settings.rated_va), settings.rated_va)


class PowerFactor(Controller):
    Settings = PowerFactorSettings
    settings: PowerFactorSettings
    spec = Spec(
        type="power_factor",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="DROOP",
        safety_impact="It moves only reactive power, inside the inverter's apparent power. Failing costs money.",
        fallback="Without valid readings of meter and inverter it withdraws at once; reactive power goes to 0 var.",
        inputs=(
            Input("grid", "active_power_w", "withdraws at once"),
            Input("grid", "reactive_power_var", "withdraws at once"),
            *inverter_inputs(("reactive_power_var_setpoint", "the reading counts as the setpoint")),
        ),
        outputs=REACTIVE_OUTPUTS,
        metrics=(
            Metric("site_var", "var", "What the connection would take if the inverter stood still", resolution=10.0),
            Metric("wanted_var", "var", "Reactive power that keeps the power factor", resolution=10.0),
        ),
        acceptance=(
            "In steady load the power factor at the meter is inside its limits, but for deadband_var.",
            "Meter up to 3 s late: overshoot <= 5 %, and it settles without swinging.",
        ),
        test_plan=("edge/tests/controllers/grid/test_power_factor.py",),
    )

    def __init__(self, controller_id: str, settings: PowerFactorSettings) -> None:
        super().__init__(controller_id, settings)
        self._estimate = SitePowerEstimate(
            delay_max_s=settings.meter_delay_max_s,
            repeat_max_s=settings.meter_repeat_max_s,
            settle_s=settings.inverter_settle_s,
        )
        self._wanted = Resting(settings.deadband_var, settings.inverter_settle_s + settings.meter_delay_max_s)

    def bind(self, binding: Binding) -> None:
        ref = self.settings.ess if self.settings.ess is not None else self.settings.pv
        if ref is None:
            raise ValueError("needs exactly one inverter; name either ess or pv")
        self._grid_w = binding.read(self.settings.grid, "active_power_w")
        self._grid_var = binding.read(self.settings.grid, "reactive_power_var")
        self._inverter_var = binding.actuator(ref, "reactive_power_var")
        self._setpoint = binding.read(ref, "reactive_power_var_setpoint")

    def execute(self, ctx: Context) -> None:
        grid_w, grid_var, inverter_var = map(ctx.value, (self._grid_w, self._grid_var, self._inverter_var))
        if grid_w is None or grid_var is None or inverter_var is None:
            self._estimate.reset()
            self._wanted.reset()
            return
        setpoint_var = ctx.value(self._setpoint)
        if self._update(ctx, setpoint_var) or self._wanted.value is None:
            self._decide(ctx, grid_w)
        if self._wanted.value is not None:
            standing_var = inverter_var if setpoint_var is None else setpoint_var
            step_var = self.settings.ramp_var_per_s * ctx.dt_s
            ctx.propose(self._inverter_var, preferred=ramped(standing_var, self._wanted.value, step_var))

    def _update(self, ctx: Context, setpoint_var: float | None) -> bool:
        """Feeds the estimate; whether the meter has a new sample."""
        inverter_var = ctx.new_sample(self._inverter_var)
        if inverter_var is not None:
            self._estimate.battery(ctx.sample_time_ns(self._inverter_var), inverter_var)
        if setpoint_var is not None:
            self._estimate.command(ctx.time_ns, setpoint_var)
        grid_var = ctx.new_sample(self._grid_var)
        if grid_var is None:
            return False
        self._estimate.meter(ctx.sample_time_ns(self._grid_var), grid_var)
        return True

    def _decide(self, ctx: Context, grid_w: float) -> None:
        site_var = self._estimate.value_w
        if site_var is None:
            return
        wanted_var = required_var(site_var, grid_w, self.settings)
        self._wanted.follow(wanted_var, ctx.time_ns)
        ctx.publish("site_var", site_var)
        ctx.publish("wanted_var", wanted_var)
