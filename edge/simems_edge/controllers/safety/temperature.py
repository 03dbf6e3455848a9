"""Temperature derating: curves of power over cell temperature, charge and discharge apart.

Both curves are read at the coldest and at the hottest cell; the smaller share counts. The hard ends are guards
(``guards.charge_temperature_degc``, ``cell_temperature_degc``) and faults.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from simems_core import Curve

from simems_edge.config.quantities import Percent, TemperatureDegC
from simems_edge.contracts import Binding, Context, Controller, Input, Metric, Priority, Spec
from simems_edge.controllers.safety.derating import (
    BOUNDS,
    CLOSED,
    LIMIT_INPUTS,
    SHARE_METRICS,
    Derating,
    DeratingSettings,
    Shares,
)

FREEZING_DEGC = 0.0
ARMED, NO_CHANNEL, NOT_VALID = 0, 1, 2
Points = tuple[tuple[TemperatureDegC, Percent], ...]


def _tuples(value: object) -> object:
    if isinstance(value, list | tuple):
        return tuple(tuple(point) if isinstance(point, list) else point for point in value)
    return value


def _rising(points: Points) -> Points:
    if any(left[0] >= right[0] for left, right in pairwise(points)):
        raise ValueError("must be points [temperature, percent] of rising temperature; sort them")
    return points


CurvePoints = Annotated[Points, BeforeValidator(_tuples), AfterValidator(_rising), Field(min_length=2, max_length=32)]


class TemperatureDeratingSettings(DeratingSettings):
    charge_curve: CurvePoints = ((0.0, 0.0), (10.0, 50.0), (15.0, 100.0), (42.0, 100.0), (50.0, 0.0))
    """[degC, percent of charge power], straight lines between; the ends hold beyond. Default: an LFP cell's."""
    discharge_curve: CurvePoints = ((-20.0, 0.0), (-10.0, 100.0), (45.0, 100.0), (55.0, 0.0))
    """[degC, percent of discharge power]."""
    charges_below_freezing: bool = False
    """The cell's data sheet allows charging at or below 0 degC (never LFP: lithium plates on the anode)."""

    @model_validator(mode="after")
    def _no_charge_in_frost(self) -> Self:
        at_freezing = Curve(self.charge_curve).at(FREEZING_DEGC)
        if at_freezing and not self.charges_below_freezing:
            raise ValueError("charge_curve must be 0 at 0 degC; correct it, or set charges_below_freezing")
        return self


class TemperatureDerating(Controller):
    Settings = TemperatureDeratingSettings
    settings: TemperatureDeratingSettings
    spec = Spec(
        type="temperature_derating",
        owner="edge/simems_edge/controllers",
        priority=Priority.SAFETY,
        control_mode="SAFETY",
        safety_impact="Only takes power away, before guards and faults of temperature act. Failing leaves them alone.",
        fallback="A temperature that is not valid: both directions close at close_pct_per_s, and an alarm says so.",
        inputs=(
            Input("ess", "cell_temperature_min_degc", "temperature_degc; without that too: closes", optional=True),
            Input("ess", "cell_temperature_max_degc", "temperature_degc; without that too: closes", optional=True),
            Input("ess", "temperature_degc", "closes, unless both cell temperatures are valid", optional=True),
            *LIMIT_INPUTS,
        ),
        outputs=BOUNDS,
        metrics=(
            *SHARE_METRICS,
            Metric(
                "arming",
                "",
                "Whether it can work",
                labels=("armed", "the battery has no temperature channel", "no valid temperature"),
                refusals=(NO_CHANNEL, NOT_VALID),
            ),
        ),
        acceptance=(
            "Charge power is 0 while the coldest cell is at or below 0 degC.",
            "The smaller share of the coldest and the hottest cell counts, for charge and discharge apart.",
            "A missing temperature closes both directions at close_pct_per_s and raises an alarm.",
        ),
        test_plan=("edge/tests/controllers/safety/test_temperature.py",),
    )

    def __init__(self, controller_id: str, settings: TemperatureDeratingSettings) -> None:
        super().__init__(controller_id, settings)
        self._charge, self._discharge = Curve(settings.charge_curve), Curve(settings.discharge_curve)

    def bind(self, binding: Binding) -> None:
        self._derating = Derating(self.settings, binding)
        names = ("cell_temperature_min_degc", "cell_temperature_max_degc", "temperature_degc")
        self._cold, self._hot, self._any = (binding.find(self.settings.ess, name) for name in names)

    def execute(self, ctx: Context) -> None:
        if self._cold is None and self._hot is None and self._any is None:
            ctx.publish("arming", NO_CHANNEL)
            return
        cold, hot = self._read(ctx, self._cold), self._read(ctx, self._hot)
        known = cold is not None and hot is not None
        ctx.publish("arming", ARMED if known else NOT_VALID)
        self._derating.propose(ctx, self._shares(cold, hot) if cold is not None and hot is not None else CLOSED)

    def _read(self, ctx: Context, handle: int | None) -> float | None:
        value = None if handle is None else ctx.value(handle)
        return ctx.value(self._any) if value is None and self._any is not None else value

    def _shares(self, cold_degc: float, hot_degc: float) -> Shares:
        def share(curve: Curve) -> float:
            return min(curve.at(cold_degc) or 0.0, curve.at(hot_degc) or 0.0) / 100.0

        return Shares(share(self._charge), share(self._discharge))
