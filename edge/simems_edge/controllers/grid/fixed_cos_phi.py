"""A fixed power factor of an inverter: reactive power in proportion to its active power.

`Q = |P| tan(phi)` (EN 50549-1:2019 4.7.2.3.3; IEEE 1547-2018 5.3.2). Not certified.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from simems_edge.contracts import Binding, Context, Controller, Metric, Priority, Spec
from simems_edge.controllers.grid.inverter import (
    REACTIVE_OUTPUTS,
    SETPOINT_INPUT,
    CosPhi,
    Inverter,
    InverterSettings,
    inverter_inputs,
    tan_phi,
)


class FixedCosPhiSettings(InverterSettings):
    controller_type: ClassVar[str] = "fixed_cos_phi"
    cos_phi: CosPhi = 1.0
    """Active over apparent power."""
    excitation: Literal["over", "under"] = "over"
    """over: reactive power is injected (raises the voltage); under: it is taken."""


def required_var(power_w: float, settings: FixedCosPhiSettings) -> float:
    """Reactive power (injected > 0) for an active power in either direction."""
    sign = 1.0 if settings.excitation == "over" else -1.0
    return sign * abs(power_w) * tan_phi(settings.cos_phi)


class FixedCosPhi(Controller):
    Settings = FixedCosPhiSettings
    settings: FixedCosPhiSettings
    spec = Spec(
        type="fixed_cos_phi",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="DROOP",
        safety_impact="It moves only reactive power, inside the inverter's apparent power. Failing leaves the voltage.",
        fallback="Without a valid active power it withdraws at once; reactive power goes to 0 var.",
        inputs=inverter_inputs(SETPOINT_INPUT, ("active_power_w", "withdraws at once")),
        outputs=REACTIVE_OUTPUTS,
        metrics=(Metric("target_var", "var", "Reactive power for the power factor, before its first-order answer"),),
        acceptance=("At rest the power factor is the one asked for within 0.005.",),
        test_plan=("edge/tests/controllers/grid/test_cos_phi.py",),
    )

    def bind(self, binding: Binding) -> None:
        self._inverter = Inverter(self.settings, binding)
        self._power_w = binding.read(self._inverter.ref, "active_power_w")

    def execute(self, ctx: Context) -> None:
        power_w = ctx.value(self._power_w)
        if power_w is None:
            self._inverter.withdraw()
            return
        target_var = required_var(power_w, self.settings)
        self._inverter.follow(ctx, target_var)
        ctx.publish("target_var", target_var)
