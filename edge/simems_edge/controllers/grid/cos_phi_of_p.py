"""cos phi (P): the power factor of an inverter follows its own active power.

A characteristic of straight lines in cos phi over generated power (EN 50549-1:2019 4.7.2.3.4; VDE-AR-N 4105:2018-11
5.7.2.4). Not certified.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator
from simems_core import Curve

from simems_edge.contracts import Binding, Context, Controller, Metric, Priority, Spec
from simems_edge.controllers.grid.curve_points import CurvePoints
from simems_edge.controllers.grid.inverter import (
    REACTIVE_OUTPUTS,
    SETPOINT_INPUT,
    Inverter,
    InverterSettings,
    inverter_inputs,
    tan_phi,
)

_LEAST = 0.1


class CosPhiOfPSettings(InverterSettings):
    controller_type: ClassVar[str] = "cos_phi_of_p"
    points: CurvePoints = ((0.0, 1.0), (50.0, 1.0), (100.0, -0.9))
    """(generated power in % of ``rated_va``, cos phi; below 0: under-excited, reactive power is taken)."""

    @model_validator(mode="after")
    def _power_factors(self) -> Self:
        if not all(_LEAST <= abs(cos_phi) <= 1.0 for _, cos_phi in self.points):
            raise ValueError("points must have cos phi of 0.1 to 1 in size; write -0.9 for 0.9 under-excited")
        return self


def deviation_curve(settings: CosPhiOfPSettings) -> Curve:
    """1 - cos phi over power, with the sign of the excitation: straight in cos phi, and steady through 1."""
    return Curve([(power_pct, _deviation(cos_phi)) for power_pct, cos_phi in settings.points])


def _deviation(cos_phi: float) -> float:
    return (1.0 - abs(cos_phi)) * (1.0 if cos_phi > 0.0 else -1.0)


def required_var(power_w: float, deviation: float) -> float:
    """Reactive power (injected > 0) for what the curve says; 0 while nothing is generated."""
    sign = 1.0 if deviation >= 0.0 else -1.0
    return sign * max(power_w, 0.0) * tan_phi(1.0 - abs(deviation))


class CosPhiOfP(Controller):
    Settings = CosPhiOfPSettings
    settings: CosPhiOfPSettings
    spec = Spec(
        type="cos_phi_of_p",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="DROOP",
        safety_impact="It moves only reactive power, inside the inverter's apparent power. Failing leaves the voltage.",
        fallback="Without a valid active power it withdraws at once; reactive power goes to 0 var.",
        inputs=inverter_inputs(SETPOINT_INPUT, ("active_power_w", "withdraws at once")),
        outputs=REACTIVE_OUTPUTS,
        metrics=(
            Metric("target_var", "var", "Reactive power by the characteristic, before its first-order answer"),
            Metric("cos_phi", "", "By the characteristic; below 0: under-excited", resolution=0.001),
        ),
        acceptance=("At rest the power factor is the one of the characteristic within 0.005.",),
        test_plan=("edge/tests/controllers/grid/test_cos_phi.py",),
    )

    def __init__(self, controller_id: str, settings: CosPhiOfPSettings) -> None:
        super().__init__(controller_id, settings)
        self._curve = deviation_curve(settings)

    def bind(self, binding: Binding) -> None:
        self._inverter = Inverter(self.settings, binding)
        self._power_w = binding.read(self._inverter.ref, "active_power_w")

    def execute(self, ctx: Context) -> None:
        power_w = ctx.value(self._power_w)
        deviation = None if power_w is None else self._curve.at(100.0 * power_w / self.settings.rated_va)
        if power_w is None or deviation is None:
            self._inverter.withdraw()
            return
        target_var = required_var(power_w, deviation)
        self._inverter.follow(ctx, target_var)
        ctx.publish("target_var", target_var)
        ctx.publish("cos_phi", (1.0 if deviation >= 0.0 else -1.0) * (1.0 - abs(deviation)))
