"""What the connection would give without cars and batteries, while cars follow late and chargers tell late.

The guard of the connection reckons the same way (:class:`simems_core.SitePowerEstimate`): our own cars' movement never
looks like the house's.
"""

from __future__ import annotations

from collections.abc import Sequence

from simems_core import SitePowerEstimate

from simems_edge.contracts import Binding, Context, EssRef, MeterRef
from simems_edge.controllers.closed_loop import LoopSettings
from simems_edge.controllers.optimisation.charging_input import ChargerInput

_TIMING = LoopSettings()


class House:
    def __init__(self, chargers: Sequence[ChargerInput]) -> None:
        self._chargers = chargers
        self._grid_w: float | None = None
        self._estimate = SitePowerEstimate(
            delay_max_s=_TIMING.meter_delay_max_s,
            repeat_max_s=_TIMING.meter_repeat_max_s,
            settle_s=_TIMING.battery_settle_s,
        )

    def bind(self, binding: Binding, grid: MeterRef | None, ess: Sequence[EssRef]) -> None:
        self._grid = None if grid is None else binding.read(grid, "active_power_w")
        self._ess = [binding.read(ref, "active_power_w") for ref in ess]

    def above(self, limit_w: float | None) -> bool:
        """The meter shows more than that now."""
        return limit_w is not None and self._grid_w is not None and self._grid_w > limit_w

    def power_w(self, ctx: Context) -> float | None:
        """None without a meter or while it says nothing. A charger that tells nothing is a part of the house."""
        grid_w = self._grid_w = None if self._grid is None else ctx.value(self._grid)
        if self._grid is None or grid_w is None:
            self._estimate.reset()
            return None
        times_ns = [one.time_ns(ctx) for one in self._chargers]
        self._estimate.battery(max(times_ns), -sum(one.power_w(ctx) for one in self._chargers))
        self._estimate.command(ctx.time_ns, -sum(one.told_w(ctx) for one in self._chargers))
        batteries_w = sum(ctx.value(handle) or 0.0 for handle in self._ess)
        self._estimate.meter(ctx.sample_time_ns(self._grid), grid_w + batteries_w)
        return self._estimate.value_w
