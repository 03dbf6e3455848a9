"""What every loop on a grid meter shares: which samples count, the site power estimate, a ramped setpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from simems_core import SitePowerEstimate

from simems_edge.config.quantities import NonNegativePowerW, NonNegativeSeconds, PositiveRampWPerS
from simems_edge.contracts import Context, ControllerSettings, EssHandles, MeterHandles

LoopSeconds = Annotated[NonNegativeSeconds, Field(le=3600)]
"""More the estimate does not remember."""


class LoopSettings(ControllerSettings):
    """Tuning of a loop on a meter; the defaults serve meters up to 4 s late and batteries up to 5 s slow."""

    meter_delay_max_s: LoopSeconds = 4.0
    """A reading may be this old when it arrives."""
    meter_repeat_max_s: LoopSeconds = 6.0
    """An unchanged reading is the meter's old one for so long (registers slower than the poll)."""
    battery_settle_s: LoopSeconds = 8.0
    """A battery stands at its setpoint after this time at the latest."""
    ramp_w_per_s: PositiveRampWPerS = 20_000.0
    """The loop's own ramp; the site's ramp guard applies besides."""
    deadband_w: NonNegativePowerW = 150.0
    """Changes of the wanted power within it are noise and move nothing."""


@dataclass(frozen=True, slots=True)
class LoopInputs:
    """Of one turn. ``site_w``: grid power if the battery stood still; ``fresh``: the meter has a new sample."""

    grid_w: float
    ess_w: float
    setpoint_w: float
    site_w: float
    fresh: bool


class MeterLoop:
    """Feeds the estimate from the snapshot; says nothing unless meter and battery are both valid."""

    def __init__(self, settings: LoopSettings, grid: MeterHandles, ess: EssHandles) -> None:
        self._grid = grid
        self._ess = ess
        self._estimate = SitePowerEstimate(
            delay_max_s=settings.meter_delay_max_s,
            repeat_max_s=settings.meter_repeat_max_s,
            settle_s=settings.battery_settle_s,
        )

    def read(self, ctx: Context) -> LoopInputs | None:
        """None when an input is stale, bad or not there yet; the estimate then starts afresh."""
        grid_w, ess_w = ctx.value(self._grid.active_power_w), ctx.value(self._ess.active_power_w)
        if grid_w is None or ess_w is None:
            self._estimate.reset()
            return None
        setpoint_w = ctx.value(self._ess.active_power_w_setpoint)
        fresh = self._update(ctx, setpoint_w)
        if self._estimate.value_w is None:
            return None
        standing_w = ess_w if setpoint_w is None else setpoint_w
        return LoopInputs(grid_w, ess_w, standing_w, self._estimate.value_w, fresh)

    def _update(self, ctx: Context, setpoint_w: float | None) -> bool:
        ess_w = ctx.new_sample(self._ess.active_power_w)
        if ess_w is not None:
            self._estimate.battery(ctx.sample_time_ns(self._ess.active_power_w), ess_w)
        if setpoint_w is not None:
            self._estimate.command(ctx.time_ns, setpoint_w)
        grid_w = ctx.new_sample(self._grid.active_power_w)
        if grid_w is None:
            return False
        self._estimate.meter(ctx.sample_time_ns(self._grid.active_power_w), grid_w)
        return True


def ramped(current: float, target: float, step: float) -> float:
    """``target``, or ``current`` moved towards it by at most ``step`` (same unit)."""
    return min(max(target, current - step), current + step)


def settled(target: float, previous: float, deadband: float) -> float:
    """``previous`` while the target stays within the deadband around it, so that noise does not move a battery."""
    return previous if abs(target - previous) <= deadband else target
