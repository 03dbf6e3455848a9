"""Backup reserve: a floor of the state of charge that other controllers below do not discharge, also by calendar.

It stands above the controllers that it holds back: before them in the site file. In the mode ISLAND it is not heard,
and the reserve is free: that is what it was kept for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, model_validator

from simems_edge.config.quantities import NonNegativePowerW, Percent, PowerW
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    EssHandles,
    EssRef,
    Input,
    MeterHandles,
    MeterRef,
    Metric,
    Output,
    Priority,
    Spec,
)
from simems_edge.controllers.calendar import Span, local_time
from simems_edge.controllers.closed_loop import LoopInputs, LoopSettings, MeterLoop, ramped


class ReserveSlot(Span):
    """A span of the calendar with its own floor."""

    model_config = ConfigDict(allow_inf_nan=False)

    reserve_soc_pct: Percent
    """Holds in this span instead of the common one; where spans overlap, the highest."""


class BackupReserveSettings(LoopSettings):
    ess: EssRef
    grid: MeterRef
    reserve_soc_pct: Percent
    """Others do not discharge at or below this."""
    slots: tuple[ReserveSlot, ...] = ()
    """Spans with another floor (a storm season, opening hours)."""
    band_pct: Percent = 2.0
    """Discharging opens this far above the floor; recharging begins this far below it."""
    recharge_power_w: NonNegativePowerW = 0.0
    """Below the floor the battery charges with this power; 0: it waits for others to charge it."""
    recharge_below_w: PowerW | None = None
    """Recharging lifts grid import up to this; None: up to the connection's guard."""

    @model_validator(mode="after")
    def _recharge_has_a_power(self) -> Self:
        if self.recharge_below_w is not None and self.recharge_power_w == 0.0:
            raise ValueError("recharge_below_w does nothing without recharge_power_w; add it, or remove both")
        return self


@dataclass(frozen=True, slots=True)
class ReserveState:
    """What hysteresis remembers."""

    free: bool = False
    recharging: bool = False


def floor_pct(settings: BackupReserveSettings, utc_s: float | None, zone: ZoneInfo) -> float:
    """The floor now; the highest of all while the clock is unknown."""
    every = [slot.reserve_soc_pct for slot in settings.slots]
    if utc_s is None:
        return max([settings.reserve_soc_pct, *every])
    local = local_time(utc_s, zone)
    inside = [slot.reserve_soc_pct for slot in settings.slots if slot.covers(local)]
    return max(inside, default=settings.reserve_soc_pct)


def next_state(state: ReserveState, soc_pct: float | None, floor: float, band_pct: float) -> ReserveState:
    """A state of charge that is not known is not free, and not recharged."""
    if soc_pct is None:
        return ReserveState()
    free = soc_pct > floor + (0.0 if state.free else band_pct)
    recharging = soc_pct < floor - (0.0 if state.recharging else band_pct)
    return ReserveState(free=free, recharging=recharging)


def recharge_w(settings: BackupReserveSettings, site_w: float) -> float:
    """Battery power (charge < 0) that lifts grid import no further than allowed."""
    if settings.recharge_below_w is None:
        return -settings.recharge_power_w
    return min(max(-settings.recharge_power_w, site_w - settings.recharge_below_w), 0.0)


class BackupReserve(Controller):
    Settings = BackupReserveSettings
    settings: BackupReserveSettings
    spec = Spec(
        type="backup_reserve",
        owner="edge/simems_edge/controllers",
        priority=Priority.OPTIMISATION,
        control_mode="BACKUP",
        safety_impact="It only holds discharge back, and recharges inside every guard. "
        "Failing, a blackout finds less energy than was kept.",
        fallback="A state of charge that is not known closes the reserve. When its process dies, the reserve opens "
        "after the proposal's lifetime; the guard's own limit of the state of charge stays.",
        inputs=(
            Input("ess", "soc_pct", "the reserve is closed: nobody below discharges"),
            Input("grid", "active_power_w", "nothing is recharged; the floor holds all the same"),
            Input("ess", "active_power_w", "nothing is recharged; the floor holds all the same"),
            Input("ess", "active_power_w_setpoint", "the measured battery power counts as its setpoint"),
            Input("site", "utc_offset_s", "the highest floor of all spans holds", optional=True),
        ),
        outputs=(Output("ess", "active_power_w", ("preferred", "upper")),),
        metrics=(Metric("floor_pct", "%", "Floor that holds now", resolution=0.1),),
        acceptance=(
            "No controller below it discharges at or below the floor.",
            "It opens again only band_pct above the floor; spans follow wall time on days of 23 and 25 hours.",
        ),
        test_plan=(
            "edge/tests/controllers/optimisation/test_backup_reserve.py",
            "edge/tests/controllers/test_calendar.py",
        ),
    )

    def __init__(self, controller_id: str, settings: BackupReserveSettings) -> None:
        super().__init__(controller_id, settings)
        self._state = ReserveState()

    def bind(self, binding: Binding) -> None:
        self._ess = EssHandles.of(self.settings.ess, binding)
        self._loop = MeterLoop(self.settings, MeterHandles.of(self.settings.grid, binding), self._ess)

    def execute(self, ctx: Context) -> None:
        floor = floor_pct(self.settings, ctx.utc_s(), self.site.zone)
        self._state = next_state(self._state, ctx.value(self._ess.soc_pct), floor, self.settings.band_pct)
        ctx.publish("floor_pct", floor)
        preferred_w = self._recharge_w(ctx, self._loop.read(ctx))
        upper_w = None if self._state.free else 0.0
        if preferred_w is not None or upper_w is not None:
            ctx.propose(self._ess.active_power_w, preferred=preferred_w, upper=upper_w)

    def _recharge_w(self, ctx: Context, inputs: LoopInputs | None) -> float | None:
        if inputs is None or not self._state.recharging or self.settings.recharge_power_w == 0.0:
            return None
        wanted_w = recharge_w(self.settings, inputs.site_w)
        return min(ramped(inputs.setpoint_w, wanted_w, self.settings.ramp_w_per_s * ctx.dt_s), 0.0)
