"""Peak shaving in the hours that a tariff names: each slot has a threshold, and the battery is charged before it
begins."""

from __future__ import annotations

from math import inf
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from simems_edge.config.quantities import NonNegativeSeconds, Percent, PositivePowerW, PositiveSeconds, PowerW
from simems_edge.contracts import Context, Priority, Spec
from simems_edge.controllers.calendar import Span, covered, next_begin_s
from simems_edge.controllers.optimisation.demand_charge import MOST_CHARGES, WINDOWS_S, DemandCharge
from simems_edge.controllers.optimisation.shaving import ShavingLimits
from simems_edge.controllers.optimisation.shaving_loop import (
    FALLBACK,
    INPUTS,
    METRICS,
    OUTPUTS,
    SAFETY_IMPACT,
    ShavingController,
    ShavingSettings,
)

FREE_PCT = 0.0


class ShavingSlot(Span):
    """A span of the calendar with what holds in it."""

    model_config = ConfigDict(allow_inf_nan=False)

    threshold_w: PositivePowerW
    """Grid import is held at or below this in the slot."""
    soc_target_pct: Percent = 90.0
    """The battery stands at this state of charge when the slot begins."""
    window_s: NonNegativeSeconds = 0.0
    """The mean over this time is held: 15, 30 or 60 min; 0: every instant is."""

    @property
    def span(self) -> Span:
        """Its times alone."""
        return Span(**{name: getattr(self, name) for name in Span.model_fields})


class TimeSlotPeakShavingSettings(ShavingSettings):
    slots: Annotated[tuple[ShavingSlot, ...], Field(min_length=1, max_length=MOST_CHARGES)]
    """When which threshold holds; where two overlap, the lower one."""
    prepare_s: PositiveSeconds = 14_400.0
    """So long before a slot begins the battery is kept from discharging below its target, and recharged up to it."""
    recharge_below_w: PowerW
    """It is recharged from the grid up to this import."""

    @model_validator(mode="after")
    def _windows_are_known(self) -> Self:
        if any(slot.window_s not in WINDOWS_S for slot in self.slots):
            raise ValueError("a slot's window_s must be 0, 15 min, 30 min or 60 min; use the one that the tariff bills")
        return self

    def every_charge(self) -> tuple[DemandCharge, ...]:
        """One a slot."""
        return tuple(
            DemandCharge(threshold_w=slot.threshold_w, window_s=slot.window_s, when=(slot.span,)) for slot in self.slots
        )


def target_pct(
    slots: tuple[ShavingSlot, ...], begins_s: tuple[float | None, ...], utc_s: float, prepare_s: float
) -> float:
    """State of charge to have now, for slots that begin at ``begins_s`` (UTC) next; 0 outside every preparation."""
    near = (
        slot.soc_target_pct
        for slot, begin_s in zip(slots, begins_s, strict=True)
        if begin_s is not None and begin_s - utc_s <= prepare_s
    )
    return max(near, default=FREE_PCT)


class TimeSlotPeakShaving(ShavingController):
    Settings = TimeSlotPeakShavingSettings
    settings: TimeSlotPeakShavingSettings
    spec = Spec(
        type="time_slot_peak_shaving",
        owner="edge/simems_edge/controllers",
        priority=Priority.OPTIMISATION,
        control_mode="PEAK_SHAVING",
        safety_impact=SAFETY_IMPACT,
        fallback=FALLBACK + " With the clock unknown the lowest threshold holds and nothing is recharged.",
        inputs=INPUTS,
        outputs=OUTPUTS,
        metrics=METRICS,
        acceptance=(
            "Inside a slot grid import, or the mean of its windows, stays under the threshold while there is energy.",
            "The state of charge is at its target when a slot begins, as far as recharge_below_w leaves room.",
            "On days of 23 and 25 hours slots follow wall time.",
        ),
        test_plan=(
            "edge/tests/controllers/optimisation/test_time_slots.py",
            "edge/tests/controllers/test_calendar.py",
        ),
    )

    def __init__(self, controller_id: str, settings: TimeSlotPeakShavingSettings) -> None:
        super().__init__(controller_id, settings)
        self._begins_s: tuple[float | None, ...] = ()
        self._known_until_s = -inf

    def limits(self, ctx: Context, grid_w: float) -> ShavingLimits:
        """Inside a slot all energy is for its threshold and nothing recharges; before it, it is prepared."""
        utc_s, settings = ctx.utc_s(), self.settings
        inside = utc_s is None or covered(settings.slots, utc_s, self.site.zone)
        reserve_pct = 100.0 if utc_s is None or inside else self._target_pct(utc_s)
        return ShavingLimits(
            allowed_w=self.demand.allowed_w(ctx.time_ns, grid_w),
            recharge_w=None if inside or reserve_pct == FREE_PCT else settings.recharge_below_w,
            hysteresis_w=settings.hysteresis_w,
            reserve_pct=reserve_pct,
            band_pct=0.0 if reserve_pct == FREE_PCT else settings.reserve_band_pct,
        )

    def _target_pct(self, utc_s: float) -> float:
        """The next begins are looked up once, until the first of them has passed."""
        slots, zone = self.settings.slots, self.site.zone
        if utc_s >= self._known_until_s or not self._begins_s:
            self._begins_s = tuple(next_begin_s((slot,), utc_s, zone) for slot in slots)
            self._known_until_s = min((begin_s for begin_s in self._begins_s if begin_s is not None), default=inf)
        return target_pct(slots, self._begins_s, utc_s, self.settings.prepare_s)
