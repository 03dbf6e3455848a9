"""All demand charges of one controller together: what the grid may give now, and what survives a restart."""

from __future__ import annotations

from math import inf, isfinite
from typing import Final

from simems_edge.contracts import Binding, Context, MeterRef, Metric, SiteFacts
from simems_edge.controllers.optimisation.demand_charge import MOST_CHARGES, DemandCharge
from simems_edge.controllers.optimisation.demand_energy import METRICS as ENERGY_METRICS
from simems_edge.controllers.optimisation.demand_energy import DemandEnergy
from simems_edge.controllers.optimisation.demand_meter import ChargeMeter
from simems_edge.controllers.optimisation.holdable import VirtualLimits

UNLIMITED_SHARE: Final = 100.0
"""Without a known connection no more than so many thresholds ever flows."""
_NUMBERS = range(1, MOST_CHARGES + 1)
METRICS: Final = (
    *ENERGY_METRICS,
    Metric("month", "", "Billing month, 12 times the year plus the month (0 is January)", retained=True),
    Metric("allowed_w", "W", "What the grid may give now for all windows to stay at their thresholds", resolution=10.0),
    Metric("demand_w", "W", "Mean of the first charge's window that runs", resolution=10.0),
    Metric("threshold_in_force_w", "W", "Lowest threshold that counts now", resolution=10.0),
    *(Metric(f"peak{n}_w", "W", f"Month's highest billed mean of charge {n}", retained=True) for n in _NUMBERS),
    *(Metric(f"holdable{n}_w", "W", f"Threshold learned of charge {n}", retained=True) for n in _NUMBERS),
)


class DemandLimit:
    """``charges``: at most :data:`MOST_CHARGES`. ``meter_clock_s``: what the meter's clock is ahead of UTC."""

    def __init__(self, charges: tuple[DemandCharge, ...], site: SiteFacts, *, meter_clock_s: float) -> None:
        lowest_w = min(charge.threshold_w for charge in charges)
        highest_w = max(charge.threshold_w for charge in charges)
        limit_w = site.import_limit_w if isfinite(site.import_limit_w) else UNLIMITED_SHARE * lowest_w
        most_w = max(limit_w, 2.0 * highest_w)
        self.meters = [
            ChargeMeter(charge, site.zone, maximum_w=most_w, meter_clock_s=meter_clock_s) for charge in charges
        ]
        self._restored = False

    def bind(self, grid: MeterRef, binding: Binding) -> None:
        """Look up handles, once."""
        self._energy = DemandEnergy(grid, binding, self.meters)
        self._month = binding.own("month")
        self._own = [
            (meter, binding.own(f"peak{number}_w"), binding.own(f"holdable{number}_w"))
            for number, meter in enumerate(self.meters, start=1)
        ]

    def update(self, ctx: Context) -> None:
        """Once per cycle: time and energy."""
        if not self._restored:
            self._restored = True
            self._restore(ctx)
        utc_s = ctx.utc_s()
        for meter in self.meters:
            meter.follow_clock(ctx.time_ns, utc_s)
        self._energy.update(ctx, utc_s)

    def site_power(self, ctx: Context, site_w: float, limits: VirtualLimits | None) -> None:
        """What the site draws without its battery, once per cycle."""
        for meter in self.meters:
            meter.site_power(ctx.time_ns, site_w, ctx.dt_s, limits)

    def allowed_w(self, now_ns: int, grid_w: float) -> float:
        """Grid import that may flow now; infinite while nothing is billed."""
        return min(meter.allowed_w(now_ns, grid_w) for meter in self.meters)

    def threshold_w(self, now_ns: int, grid_w: float) -> float:
        """Lowest threshold in force of those billed now, of all when none is."""
        billed = [meter.threshold_w for meter in self.meters if meter.allowed_w(now_ns, grid_w) < inf]
        return min(billed or [meter.threshold_w for meter in self.meters])

    def publish(self, ctx: Context, grid_w: float, allowed_w: float) -> None:
        """What screens draw and restarts need."""
        ctx.publish("demand_source", float(self._energy.source()))
        ctx.publish("threshold_in_force_w", self.threshold_w(ctx.time_ns, grid_w))
        if isfinite(allowed_w):
            ctx.publish("allowed_w", allowed_w)
        demand_w = self.meters[0].running_w(ctx.time_ns, grid_w)
        if demand_w is not None:
            ctx.publish("demand_w", demand_w)
        month = self.meters[0].month
        if month is not None:
            ctx.publish("month", float(month))
            self._publish_retained(ctx)

    def _publish_retained(self, ctx: Context) -> None:
        for number, meter in enumerate(self.meters, start=1):
            ctx.publish(f"peak{number}_w", meter.peak_w)
            ctx.publish(f"holdable{number}_w", meter.holdable_w)

    def _restore(self, ctx: Context) -> None:
        month = ctx.value(self._month)
        for meter, peak, holdable in self._own:
            meter.restore(None if month is None else round(month), ctx.value(peak), ctx.value(holdable))
