"""SOC limits: power tapers off towards the ends of the state of charge, and comes back only well inside."""

from __future__ import annotations

from math import inf, nextafter
from typing import Annotated, Final, Self

from pydantic import Field, model_validator
from simems_core import Hysteresis

from simems_edge.config.quantities import Percent
from simems_edge.contracts import Binding, Context, Controller, Input, Priority, Spec
from simems_edge.controllers.safety.derating import (
    BOUNDS,
    CLOSED,
    LIMIT_INPUTS,
    SHARE_METRICS,
    Derating,
    DeratingSettings,
    Shares,
)

SURE_SIGMA_PCT: Final = 2.5
"""An estimate with a larger standard deviation does not speak (the same as in the SOC guard)."""
Width = Annotated[Percent, Field(gt=0, le=50)]


class SocLimitsSettings(DeratingSettings):
    minimum_pct: Percent = 10.0
    """Discharging has ended here."""
    maximum_pct: Percent = 95.0
    """Charging has ended here."""
    taper_pct: Width = 5.0
    """Power falls in a straight line over this width before each end."""
    hysteresis_pct: Width = 2.0
    """Once ended, a direction comes back only this far inside its end."""

    @model_validator(mode="after")
    def _room_between(self) -> Self:
        width = max(self.taper_pct, self.hysteresis_pct)
        if self.minimum_pct + width > self.maximum_pct - width:
            raise ValueError("minimum_pct and maximum_pct leave no room between their tapers; move them apart")
        return self


def room_share(room_pct: float, settings: SocLimitsSettings) -> float:
    """Share of power for a state of charge ``room_pct`` inside an end: 0 at the end, 1 from the taper's width on."""
    return min(max(room_pct / settings.taper_pct, 0.0), 1.0)


class SocLimits(Controller):
    Settings = SocLimitsSettings
    settings: SocLimitsSettings
    spec = Spec(
        type="soc_limits",
        owner="edge/simems_edge/controllers",
        priority=Priority.SAFETY,
        control_mode="SAFETY",
        safety_impact="Only takes power away, before the SOC guard has to. Failing leaves the guard alone.",
        fallback="Unknown state of charge: both directions close at close_pct_per_s. Dead: the SOC guard holds.",
        inputs=(
            Input("ess", "soc_pct", "both directions close at close_pct_per_s"),
            Input("ess", "soc_est_pct", "the battery's own value counts alone", optional=True),
            Input("ess", "soc_sigma_pct", "the battery's own value counts alone", optional=True),
            Input("ess", "soc_valid", "the battery's own value counts alone", optional=True),
            *LIMIT_INPUTS,
        ),
        outputs=BOUNDS,
        metrics=SHARE_METRICS,
        acceptance=(
            "Inside the taper the bound is the straight line to 0 at the end.",
            "After an end was reached the direction opens again at hysteresis_pct inside, not before.",
            "A bound moves no faster than close_pct_per_s and open_pct_per_s.",
        ),
        test_plan=("edge/tests/controllers/safety/test_soc_limits.py",),
    )

    def __init__(self, controller_id: str, settings: SocLimitsSettings) -> None:
        super().__init__(controller_id, settings)
        low, high, inside = settings.minimum_pct, settings.maximum_pct, settings.hysteresis_pct
        # Closed at the end itself, not only beyond it: a whole-numbered state of charge stops there.
        self._discharge = Hysteresis(on=low + inside, off=nextafter(low, inf))
        self._charge = Hysteresis(on=inside - high, off=nextafter(-high, inf))

    def bind(self, binding: Binding) -> None:
        self._derating = Derating(self.settings, binding)
        self._soc = binding.read(self.settings.ess, "soc_pct")
        names = ("soc_est_pct", "soc_sigma_pct", "soc_valid")
        found = [binding.find(self.settings.ess, name) for name in names]
        self._estimate = [handle for handle in found if handle is not None]

    def execute(self, ctx: Context) -> None:
        soc_pct = ctx.value(self._soc)
        self._derating.propose(ctx, CLOSED if soc_pct is None else self._shares(soc_pct, self._estimated(ctx)))

    def _estimated(self, ctx: Context) -> float | None:
        values = [ctx.value(handle) for handle in self._estimate]
        if len(values) != 3 or values[2] != 1.0 or values[1] is None or values[1] > SURE_SIGMA_PCT:
            return None
        return values[0]

    def _shares(self, soc_pct: float, estimated_pct: float | None) -> Shares:
        """The stricter of both states of charge, for each direction."""
        other_pct = soc_pct if estimated_pct is None else estimated_pct
        low_pct, high_pct = min(soc_pct, other_pct), max(soc_pct, other_pct)
        charge, discharge = self._charge.step(-high_pct), self._discharge.step(low_pct)
        settings = self.settings
        return Shares(
            room_share(settings.maximum_pct - high_pct, settings) if charge else 0.0,
            room_share(low_pct - settings.minimum_pct, settings) if discharge else 0.0,
        )
