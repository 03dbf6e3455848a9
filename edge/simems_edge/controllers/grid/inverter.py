"""An inverter whose reactive power is commanded, a battery's or PV's, with the first-order answer of the codes."""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Self

from pydantic import Field, model_validator
from simems_core import LowPass

from simems_edge.config.quantities import NonNegativeSeconds, PositiveApparentVa
from simems_edge.contracts import Binding, Context, EssRef, Input, Output, PvRef
from simems_edge.controllers.grid.coded_settings import CodedSettings

CosPhi = Annotated[float, Field(ge=0.1, le=1.0)]
SignedCosPhi = Annotated[float, Field(ge=-1.0, le=1.0)]


class InverterSettings(CodedSettings):
    """One inverter. Active and reactive power share its apparent power by a guard; `control.reactive_first` of the
    component says which of them gives way."""

    ess: EssRef | None = None
    """The battery whose inverter is meant; name ess or pv."""
    pv: PvRef | None = None
    """The PV inverter that is meant; name ess or pv."""
    rated_va: PositiveApparentVa
    """Rated apparent power; percentages are of it."""
    time_constant_s: NonNegativeSeconds = 3.33
    """First-order answer (PT1): 95 % after three of them."""

    @model_validator(mode="after")
    def _one_inverter(self) -> Self:
        if (self.ess is None) == (self.pv is None):
            raise ValueError("needs exactly one inverter; name either ess or pv")
        return self


def inverter_inputs(*channels: tuple[str, str]) -> tuple[Input, ...]:
    """(channel, when it is missing) of whichever inverter a site names."""
    every = (("reactive_power_var", "only its setpoint is needed"), *channels)
    return tuple(Input(of, channel, missing) for of in ("ess", "pv") for channel, missing in every)


REACTIVE_OUTPUTS = (Output("ess", "reactive_power_var"), Output("pv", "reactive_power_var"))


class Inverter:
    """Handles of the chosen inverter, and its reactive power as a first-order answer.

    After a time in which nothing was proposed it goes on from the standing setpoint, without a bump.
    """

    def __init__(self, settings: InverterSettings, binding: Binding) -> None:
        ref = settings.ess if settings.ess is not None else settings.pv
        if ref is None:
            raise ValueError("needs exactly one inverter; name either ess or pv")
        self.ref = ref
        self._actuator = binding.actuator(ref, "reactive_power_var")
        self._setpoint = binding.read(ref, "reactive_power_var_setpoint")
        self._filter = LowPass(settings.time_constant_s)
        self._running = False

    def withdraw(self) -> None:
        """Propose nothing in this turn."""
        self._running = False

    def follow(self, ctx: Context, target_var: float) -> float:
        """Propose the answer to a target; the value proposed, var (injected > 0)."""
        if not self._running:
            self._filter.reset(ctx.value(self._setpoint) or 0.0)
            self._running = True
        proposed_var = self._filter.step(target_var, ctx.dt_s)
        ctx.propose(self._actuator, preferred=proposed_var)
        return proposed_var


SETPOINT_INPUT = ("reactive_power_var_setpoint", "0 var counts as its setpoint")


def tan_phi(cos_phi: float) -> float:
    """Reactive over active power."""
    return sqrt(1.0 - cos_phi * cos_phi) / cos_phi
