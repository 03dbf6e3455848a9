"""What every loop on a grid meter shares: which samples count, the site power estimate, a ramped setpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

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
    """At rest, changes of the wanted power within it are noise and move nothing."""


NANOSECONDS = 1e9


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


class Resting:
    """A loop's target with a dead band that only says when to leave rest. Same unit throughout.

    At rest it stands until a sample's target is further away than the dead band: noise within it moves nothing, and no
    error beyond it stays. It then is each sample's target until one differs from the sample's before by no more than
    the dead band, and once more ``settle_s`` later: the battery is at rest by then and the meter has told, so nothing
    of the site hides behind its movement any more, and nothing is left of the approach. A step costs two targets that
    way, and a third at its end; what jitters by less than the dead band moves it no further.
    """

    def __init__(self, deadband: float, settle_s: float) -> None:
        self._deadband = deadband
        self._settle_ns = round(settle_s * NANOSECONDS)
        self.reset()

    @classmethod
    def of(cls, settings: LoopSettings) -> Self:
        """Of a loop on a meter."""
        return cls(settings.deadband_w, settings.battery_settle_s + settings.meter_delay_max_s)

    def reset(self) -> None:
        """Nothing stands: the next target does at once."""
        self.value: float | None = None
        """What stands."""
        self._moving = False
        self._once_more_ns: int | None = None
        """When the target is taken for the last time; None: it was."""

    def follow(self, target: float, time_ns: int) -> float:
        """A new sample's target; what then stands."""
        standing = self.value
        if standing is None or not self._near(target, standing):
            self._moving, self._once_more_ns = True, time_ns + self._settle_ns
        elif self._moving:
            self._moving = False
        elif self._once_more_ns is not None and time_ns >= self._once_more_ns:
            self._once_more_ns = None
        else:
            return standing
        self.value = target
        return target

    def stand(self, value: float) -> None:
        """No measurement is behind it: it is taken at once, and is at rest."""
        self.reset()
        self.value = value

    def _near(self, target: float, standing: float) -> bool:
        """What is no number is near nothing: it does not stay."""
        return abs(target - standing) <= self._deadband
