"""Peak shaving: the battery gives what the site draws above the threshold, and keeps energy for the next peak.

What is held is what the tariff bills: the mean of each demand window, for several charges at once, each with its own
calendar, threshold and peak of the month. Without windows every instant is held.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from simems_edge.config.quantities import NonNegativePowerW, Percent, PositiveEnergyWh, PositivePowerW, PowerW
from simems_edge.contracts import Binding, Context, Input, Priority, Spec
from simems_edge.controllers.optimisation.demand_charge import MOST_CHARGES, DemandCharge, DemandTerms
from simems_edge.controllers.optimisation.holdable import VirtualLimits
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


class PeakShavingSettings(ShavingSettings, DemandTerms):
    """Window, calendar and peak on this level belong to ``threshold_w``; ``charges`` are held beside it."""

    threshold_w: PositivePowerW
    """Grid import is held at or below this."""
    charges: tuple[DemandCharge, ...] = ()
    """Further demand charges, three at most."""
    recharge_below_w: PowerW | None = None
    """The reserve is recharged from the grid up to this import; None: never from the grid, or as below."""
    recharge_margin_w: NonNegativePowerW | None = None
    """Instead of ``recharge_below_w``: up to this far below the threshold in force."""
    reserve_soc_pct: Percent = 50.0
    """Energy kept for shaving: others discharge only what is above it, and the grid recharges only up to it."""
    capacity_wh: PositiveEnergyWh | None = None
    """For ``adapt``; None: as the battery says."""
    adapt_share_pct: Percent = 42.0
    """For ``adapt``: share of the capacity that a holdable peak may take; the rest is the margin for worse ones."""

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        if self.recharge_below_w is not None and self.recharge_below_w > self.threshold_w - self.hysteresis_w:
            raise ValueError("recharge_below_w must be at or below threshold_w - hysteresis_w; lower it")
        if self.recharge_below_w is not None and self.recharge_margin_w is not None:
            raise ValueError("recharge_below_w and recharge_margin_w exclude each other; keep one")
        if len(self.charges) >= MOST_CHARGES:
            raise ValueError(f"charges are {MOST_CHARGES - 1} at most; drop those that another always covers")
        return self

    def every_charge(self) -> tuple[DemandCharge, ...]:
        """The controller's own first."""
        own = {name: getattr(self, name) for name in DemandTerms.model_fields}
        return (DemandCharge(threshold_w=self.threshold_w, **own), *self.charges)


class BatterySize:
    """What ``adapt`` may count on: a share of the capacity, and the highest power limits seen (they taper at the
    ends)."""

    def __init__(self, settings: PeakShavingSettings, binding: Binding) -> None:
        self._settings = settings
        self._capacity = binding.find(settings.ess, "capacity_wh")
        self._charge = binding.read(settings.ess, "max_charge_power_w")
        self._discharge = binding.read(settings.ess, "max_discharge_power_w")
        self._charge_w = self._discharge_w = 0.0

    def limits(self, ctx: Context) -> VirtualLimits | None:
        """None while the capacity is not known."""
        self._charge_w = max(self._charge_w, ctx.value(self._charge) or 0.0)
        self._discharge_w = max(self._discharge_w, ctx.value(self._discharge) or 0.0)
        capacity_wh = self._settings.capacity_wh
        if capacity_wh is None and self._capacity is not None:
            capacity_wh = ctx.value(self._capacity)
        if capacity_wh is None:
            return None
        return VirtualLimits(capacity_wh * self._settings.adapt_share_pct / 100.0, self._charge_w, self._discharge_w)


class PeakShaving(ShavingController):
    Settings = PeakShavingSettings
    settings: PeakShavingSettings
    spec = Spec(
        type="peak_shaving",
        owner="edge/simems_edge/controllers",
        priority=Priority.OPTIMISATION,
        control_mode="PEAK_SHAVING",
        safety_impact=SAFETY_IMPACT,
        fallback=FALLBACK,
        inputs=(
            *INPUTS,
            Input("ess", "capacity_wh", "windows meanwhile teach `adapt` nothing", optional=True),
            Input("ess", "max_charge_power_w", "`adapt` goes on with the highest it has seen"),
            Input("ess", "max_discharge_power_w", "`adapt` goes on with the highest it has seen"),
        ),
        outputs=OUTPUTS,
        metrics=METRICS,
        acceptance=(
            "Clock-aligned 15-min means of grid import stay under threshold + hysteresis while there is energy.",
            "Meter up to 3 s late: overshoot <= 5 %, no growing oscillation, < 4 sign changes an hour in steady load.",
            "A stale meter or battery: fallback within stale-after + 2 cycles.",
            "The month's peaks survive a restart; a window that runs over it is whole when the meter has a register.",
            "`adapt` on the shipped profiles: at least 60 % of the saving that perfect foresight reaches.",
        ),
        test_plan=(
            "edge/tests/controllers/optimisation/test_peak_shaving.py",
            "edge/tests/controllers/optimisation/test_demand.py",
            "edge/tests/replay/test_stability.py",
        ),
    )

    def bind(self, binding: Binding) -> None:
        super().bind(binding)
        self._size = BatterySize(self.settings, binding)

    def virtual_limits(self, ctx: Context) -> VirtualLimits | None:
        return self._size.limits(ctx)

    def limits(self, ctx: Context, grid_w: float) -> ShavingLimits:
        settings, recharge_w = self.settings, self.settings.recharge_below_w
        if settings.recharge_margin_w is not None:
            recharge_w = self.demand.threshold_w(ctx.time_ns, grid_w) - settings.recharge_margin_w
        return ShavingLimits(
            allowed_w=self.demand.allowed_w(ctx.time_ns, grid_w),
            recharge_w=recharge_w,
            hysteresis_w=settings.hysteresis_w,
            reserve_pct=settings.reserve_soc_pct,
            band_pct=settings.reserve_band_pct,
        )
