"""P(U): active power is held back when the voltage at the connection is too high.

A characteristic of straight lines with a first-order answer (EN 50549-1:2019 4.7.3; IEEE 1547-2018 5.4.2), as an upper
bound for everybody below. Not certified.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator
from simems_core import Curve, LowPass

from simems_edge.config.quantities import NonNegativeSeconds, PositivePowerW
from simems_edge.contracts import (
    Binding,
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
from simems_edge.controllers.grid.curve_points import CurvePoints
from simems_edge.controllers.grid.voltage_input import VoltageInput, VoltageSettings


class VoltWattSettings(VoltageSettings):
    controller_type: ClassVar[str] = "volt_watt"
    ess: EssRef | None = None
    """The battery whose discharge is held back; a share below 0 makes it charge."""
    ess_rated_w: PositivePowerW | None = None
    """Its rated power, needed with ``ess``."""
    pv: PvRef | None = None
    """The PV that is held back."""
    pv_rated_w: PositivePowerW | None = None
    """Its rated power, needed with ``pv``."""
    points: CurvePoints = ((106.0, 100.0), (110.0, 20.0))
    """(voltage in % of nominal, most power in % of rated)."""
    time_constant_s: NonNegativeSeconds = 4.343
    """First-order answer (PT1): 90 % after 2.3 of them (10 s)."""

    @model_validator(mode="after")
    def _somebody_is_held_back(self) -> Self:
        if self.ess is None and self.pv is None:
            raise ValueError("needs a battery or PV that is held back; name ess or pv")
        for name, rated in (("ess", self.ess_rated_w), ("pv", self.pv_rated_w)):
            if getattr(self, name) is not None and rated is None:
                raise ValueError(f"{name}_rated_w is needed with {name}; write its rated power")
        if any(not -100.0 <= share_pct <= 100.0 for _, share_pct in self.points):
            raise ValueError("points must stay within 100 % of rated power; lower them")
        return self


class VoltWatt(Controller):
    Settings = VoltWattSettings
    settings: VoltWattSettings
    spec = Spec(
        type="volt_watt",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="DROOP",
        safety_impact="It only lowers what is fed in, inside every guard. Failing leaves the voltage to the inverters.",
        fallback="While the voltage is not known the last bound holds. When its process dies it ends after 3 cycles.",
        inputs=(
            Input("grid", "voltage_v", "the last bound holds"),
            Input("ess", "active_power_w", "only its setpoint is needed"),
            Input("pv", "active_power_limit_w", "only its setpoint is needed"),
        ),
        outputs=(Output("ess", "active_power_w", ("upper",)), Output("pv", "active_power_limit_w", ("upper",))),
        metrics=(
            Metric("limit_pct", "%", "Most power in percent of rated", resolution=0.1),
            Metric("voltage_pct", "%", "Voltage in percent of nominal", resolution=0.01),
        ),
        acceptance=(
            "At rest the bound is within 1 % of the characteristic.",
            "A step of the voltage is answered to 90 % after 2.3 time constants, at every cycle time.",
        ),
        test_plan=("edge/tests/controllers/grid/test_volt_watt.py",),
    )

    def __init__(self, controller_id: str, settings: VoltWattSettings) -> None:
        super().__init__(controller_id, settings)
        self._curve = Curve(settings.points)
        self._filter = LowPass(settings.time_constant_s)
        self._limit_pct: float | None = None

    def bind(self, binding: Binding) -> None:
        self._voltage = VoltageInput(self.settings, binding)
        self._targets: list[tuple[int, float]] = []
        if self.settings.ess is not None:
            self._targets.append((binding.actuator(self.settings.ess, "active_power_w"), self._rated("ess")))
        if self.settings.pv is not None:
            self._targets.append((binding.actuator(self.settings.pv, "active_power_limit_w"), self._rated("pv")))

    def _rated(self, name: str) -> float:
        rated_w = self.settings.ess_rated_w if name == "ess" else self.settings.pv_rated_w
        return rated_w or 0.0

    def execute(self, ctx: Context) -> None:
        voltage_pct = self._voltage.percent(ctx)
        share_pct = None if voltage_pct is None else self._curve.at(voltage_pct)
        if voltage_pct is not None and share_pct is not None:
            self._limit_pct = self._filter.step(share_pct, ctx.dt_s)
            ctx.publish("voltage_pct", voltage_pct)
        if self._limit_pct is None:
            return
        for actuator, rated_w in self._targets:
            ctx.propose(actuator, upper=rated_w * self._limit_pct / 100.0)
        ctx.publish("limit_pct", self._limit_pct)
