"""Export limit, down to zero: first the battery takes the surplus, then PV is curtailed to what is left.

Closed loop as bounds, gentler and earlier than the connection's guard. Load is estimated without battery and PV from a
late meter (`SitePowerEstimate`), so its bounds do not depend on its own movements and cannot swing.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator
from simems_core import SitePowerEstimate

from simems_edge.config.quantities import NonNegativePowerW, NonNegativeSeconds, Percent, PositivePowerW
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    ControllerSettings,
    EssRef,
    Input,
    MeterRef,
    Metric,
    Output,
    Priority,
    PvRef,
    Spec,
)


class ExportLimitSettings(ControllerSettings):
    grid: MeterRef
    ess: EssRef | None = None
    """The battery that takes the surplus. None: PV alone is curtailed."""
    pv: PvRef | None = None
    """The PV that is curtailed to what is left. None: the battery alone takes the surplus."""
    export_limit_w: NonNegativePowerW = 0.0
    """Export stays at or below this."""
    margin_w: NonNegativePowerW = 100.0
    """It aims this much lower, for what changes between two samples."""
    pv_rated_w: PositivePowerW | None = None
    """Rated power of the PV, needed with ``pv``."""
    full_soc_pct: Percent = 95.0
    """At or above it the battery counts as one that takes nothing: no higher than its guard's."""
    meter_delay_max_s: NonNegativeSeconds = 4.0
    """A reading may be this old when it arrives."""
    meter_repeat_max_s: NonNegativeSeconds = 6.0
    """An unchanged reading is the meter's old one for so long (registers slower than the poll)."""
    settle_s: NonNegativeSeconds = 8.0
    """Battery and PV stand at their setpoints after this time at the latest."""

    @model_validator(mode="after")
    def _somebody_acts(self) -> Self:
        if self.ess is None and self.pv is None:
            raise ValueError("needs a battery or PV that acts; name ess or pv")
        if self.pv is not None and self.pv_rated_w is None:
            raise ValueError("pv_rated_w is needed with pv; write the inverter's rated power")
        return self


def bounds_w(load_w: float, pv_w: float, charge_w: float, settings: ExportLimitSettings) -> tuple[float, float]:
    """Most battery power (discharge > 0) and most PV power. ``load_w``: what the site takes without battery and PV;
    ``pv_w``: PV as read; ``charge_w``: most that the battery can take now."""
    room_w = load_w + settings.export_limit_w - settings.margin_w
    return room_w - pv_w, max(room_w + charge_w, 0.0)


class ExportLimit(Controller):
    Settings = ExportLimitSettings
    settings: ExportLimitSettings
    spec = Spec(
        type="export_limit",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="EXPORT_LIMIT",
        safety_impact="It only lowers what is fed in, inside every guard; the connection's own limit is a guard.",
        fallback="While a reading is missing the last bounds hold, the battery's at 0 W or below; the guard of the "
        "connection closes by itself. When its process dies they end after 3 cycles.",
        inputs=(
            Input("grid", "active_power_w", "the last bounds hold"),
            Input("ess", "active_power_w", "the last bounds hold"),
            Input("ess", "soc_pct", "the battery counts as one that takes nothing"),
            Input("ess", "max_charge_power_w", "the battery counts as one that takes nothing"),
            Input("pv", "active_power_w", "the last bounds hold"),
            Input("pv", "active_power_limit_w", "only its setpoint is needed"),
        ),
        outputs=(Output("ess", "active_power_w", ("upper",)), Output("pv", "active_power_limit_w", ("upper",))),
        metrics=(
            Metric("load_w", "W", "What the site takes without battery and PV", resolution=10.0),
            Metric("ess_upper_w", "W", "Most battery power", resolution=10.0),
            Metric("pv_upper_w", "W", "Most PV power", resolution=10.0),
        ),
        acceptance=(
            "In steady load and sun export stays at or below the limit.",
            "PV is curtailed only by what the battery cannot take.",
            "Meter up to 3 s late: no swinging.",
        ),
        test_plan=("edge/tests/controllers/grid/test_export_limit.py",),
    )

    def __init__(self, controller_id: str, settings: ExportLimitSettings) -> None:
        super().__init__(controller_id, settings)
        self._estimate = SitePowerEstimate(
            delay_max_s=settings.meter_delay_max_s,
            repeat_max_s=settings.meter_repeat_max_s,
            settle_s=settings.settle_s,
        )
        self._bounds: tuple[float, float] | None = None
        self._full = False

    def bind(self, binding: Binding) -> None:
        settings = self.settings
        self._grid_w = binding.read(settings.grid, "active_power_w")
        self._sources: list[int] = []
        self._ess: tuple[int, int, int] | None = None
        self._pv: tuple[int, int] | None = None
        if settings.ess is not None:
            ess_w = binding.actuator(settings.ess, "active_power_w")
            soc_pct, most_w = (binding.read(settings.ess, name) for name in ("soc_pct", "max_charge_power_w"))
            self._ess = (ess_w, soc_pct, most_w)
            self._sources.append(ess_w)
        if settings.pv is not None:
            pv_w = binding.read(settings.pv, "active_power_w")
            self._pv = (pv_w, binding.actuator(settings.pv, "active_power_limit_w"))
            self._sources.append(pv_w)

    def execute(self, ctx: Context) -> None:
        known = [ctx.value(handle) for handle in (self._grid_w, *self._sources)]
        if None in known:
            self._estimate.reset()
            self._hold(ctx)
            return
        self._update(ctx)
        load_w = self._estimate.value_w
        if load_w is not None:
            self._decide(ctx, load_w)
        self._propose(ctx)

    def _update(self, ctx: Context) -> None:
        """The estimate counts battery and PV as one source."""
        fresh = [ctx.new_sample(handle) is not None for handle in self._sources]
        if any(fresh):
            own_w = sum(ctx.value(handle) or 0.0 for handle in self._sources)
            self._estimate.battery(max(map(ctx.sample_time_ns, self._sources)), own_w)
        grid_w = ctx.new_sample(self._grid_w)
        if grid_w is not None:
            self._estimate.meter(ctx.sample_time_ns(self._grid_w), grid_w)

    def _decide(self, ctx: Context, load_w: float) -> None:
        pv_w = 0.0 if self._pv is None else ctx.value(self._pv[0]) or 0.0
        self._bounds = bounds_w(load_w, pv_w, self._charge_w(ctx), self.settings)
        ctx.publish("load_w", load_w)

    def _charge_w(self, ctx: Context) -> float:
        """Most that the battery takes now; it is full until one point below where it was."""
        if self._ess is None:
            return 0.0
        soc_pct, most_w = ctx.value(self._ess[1]), ctx.value(self._ess[2])
        full_pct = self.settings.full_soc_pct - (1.0 if self._full else 0.0)
        self._full = soc_pct is None or soc_pct >= full_pct
        return 0.0 if self._full or most_w is None else max(most_w, 0.0)

    def _hold(self, ctx: Context) -> None:
        """Nothing new is known: no discharge, and what was curtailed stays so."""
        if self._bounds is None:
            self._bounds = (0.0, self.settings.pv_rated_w or 0.0)
        self._bounds = (min(self._bounds[0], 0.0), self._bounds[1])
        self._propose(ctx)

    def _propose(self, ctx: Context) -> None:
        if self._bounds is None:
            return
        ess_w, pv_w = self._bounds
        if self._ess is not None:
            ctx.propose(self._ess[0], upper=ess_w)
            ctx.publish("ess_upper_w", ess_w)
        if self._pv is not None:
            ctx.propose(self._pv[1], upper=min(pv_w, self.settings.pv_rated_w or pv_w))
            ctx.publish("pv_upper_w", pv_w)
