"""Q(U): reactive power by the voltage at the connection.

A characteristic of straight lines (EN 50549-1:2019 4.7.2.3; IEEE 1547-2018 5.3.3) with a first-order answer; with a
lock-in it begins above one share of active power and ends below another (EN 50549-1). Not certified.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator
from simems_core import Curve

from simems_edge.config.quantities import Percent
from simems_edge.contracts import Binding, Context, Controller, Metric, Priority, Spec
from simems_edge.controllers.grid.curve_points import CurvePoints
from simems_edge.controllers.grid.inverter import (
    REACTIVE_OUTPUTS,
    SETPOINT_INPUT,
    Inverter,
    InverterSettings,
    inverter_inputs,
)
from simems_edge.controllers.grid.voltage_input import VOLTAGE_INPUT, VoltageInput, VoltageSettings


class VoltVarSettings(VoltageSettings, InverterSettings):
    controller_type: ClassVar[str] = "volt_var"
    points: CurvePoints = ((92.0, 44.0), (98.0, 0.0), (102.0, 0.0), (108.0, -44.0))
    """(voltage in % of nominal, reactive power in % of ``rated_va``, injected > 0)."""
    lock_in_pct: Percent | None = None
    """It begins above this share of ``rated_va`` in active power; None: always."""
    lock_out_pct: Percent = 5.0
    """With a lock-in it ends below this share."""

    @model_validator(mode="after")
    def _curve_makes_sense(self) -> Self:
        if any(abs(var_pct) > 100.0 for _, var_pct in self.points):
            raise ValueError("points must stay within 100 % of rated_va; lower them")
        if self.lock_in_pct is not None and self.lock_out_pct >= self.lock_in_pct:
            raise ValueError("lock_out_pct must be below lock_in_pct; lower it")
        return self


def locked_in(locked: bool, power_w: float | None, settings: VoltVarSettings) -> bool:
    """Whether there is active power enough; an unknown one changes nothing."""
    if settings.lock_in_pct is None:
        return True
    if power_w is None:
        return locked
    share_pct = 100.0 * abs(power_w) / settings.rated_va
    return share_pct > (settings.lock_out_pct if locked else settings.lock_in_pct)


class VoltVar(Controller):
    Settings = VoltVarSettings
    settings: VoltVarSettings
    spec = Spec(
        type="volt_var",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="DROOP",
        safety_impact="It moves only reactive power, inside the inverter's apparent power. Failing leaves the voltage.",
        fallback="Without a valid voltage it withdraws at once; reactive power goes to 0 var.",
        inputs=(
            VOLTAGE_INPUT,
            *inverter_inputs(SETPOINT_INPUT, ("active_power_w", "a lock-in stays where it was")),
        ),
        outputs=REACTIVE_OUTPUTS,
        metrics=(
            Metric("target_var", "var", "Reactive power by the characteristic, before its first-order answer"),
            Metric("voltage_pct", "%", "Voltage in percent of nominal", resolution=0.01),
        ),
        acceptance=(
            "At rest the reactive power is within 1 % of the characteristic.",
            "A step of the voltage is answered to 95 % after three time constants, at every cycle time.",
        ),
        test_plan=("edge/tests/controllers/grid/test_volt_var.py",),
    )

    def __init__(self, controller_id: str, settings: VoltVarSettings) -> None:
        super().__init__(controller_id, settings)
        self._curve = Curve(settings.points)
        self._locked = False

    def bind(self, binding: Binding) -> None:
        self._voltage = VoltageInput(self.settings, binding)
        self._inverter = Inverter(self.settings, binding)
        self._power_w = binding.read(self._inverter.ref, "active_power_w")

    def execute(self, ctx: Context) -> None:
        voltage_pct = self._voltage.percent(ctx)
        share_pct = None if voltage_pct is None else self._curve.at(voltage_pct)
        if voltage_pct is None or share_pct is None:
            self._inverter.withdraw()
            return
        self._locked = locked_in(self._locked, ctx.value(self._power_w), self.settings)
        target_var = self.settings.rated_va * share_pct / 100.0 if self._locked else 0.0
        self._inverter.follow(ctx, target_var)
        ctx.publish("target_var", target_var)
        ctx.publish("voltage_pct", voltage_pct)
