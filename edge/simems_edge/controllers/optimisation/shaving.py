"""What a battery does about a limit on grid import. Pure: the limit of this moment comes in, powers go out.

Below the limit it asks for little: bounds, so that nobody's charging lifts the grid over it and nobody discharges the
reserve; and, when the reserve is short and the load low, a gentle recharge.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class ShavingLimits:
    """Of this moment."""

    allowed_w: float
    """Grid import is held at or below this; infinite: nothing is shaved now."""
    recharge_w: float | None
    """The reserve is recharged from the grid up to this import; None: never from the grid."""
    hysteresis_w: float
    reserve_pct: float
    """Others discharge only what is above it, and the grid recharges only up to it."""
    band_pct: float

    @property
    def recharge_limit_w(self) -> float | None:
        """Recharging itself must not lift the grid into the band below the limit."""
        return None if self.recharge_w is None else min(self.recharge_w, self.allowed_w - self.hysteresis_w)


@dataclass(frozen=True, slots=True)
class ShavingState:
    """What hysteresis remembers."""

    shaving: bool = False
    recharging: bool = False
    reserve_free: bool = False
    """Others may discharge: the state of charge is above the reserve."""


@dataclass(frozen=True, slots=True)
class ShavingPlan:
    """What to propose, in W of battery power (discharge > 0); None: nothing."""

    preferred_w: float | None
    lower_w: float | None
    upper_w: float | None


def next_state(state: ShavingState, site_w: float, soc_pct: float | None, limits: ShavingLimits) -> ShavingState:
    """Each flag switches on at one limit and off at another. An unknown state of charge closes the reserve."""
    shaving = site_w > limits.allowed_w - (limits.hysteresis_w if state.shaving else 0.0)
    if soc_pct is None:
        return ShavingState(shaving=shaving)
    free_from_pct = limits.reserve_pct + (0.0 if state.reserve_free else limits.band_pct)
    recharging = not shaving and _recharges(state.recharging, site_w, soc_pct, limits)
    return ShavingState(shaving=shaving, recharging=recharging, reserve_free=soc_pct > free_from_pct)


def _recharges(recharging: bool, site_w: float, soc_pct: float, limits: ShavingLimits) -> bool:
    limit_w = limits.recharge_limit_w
    if limit_w is None:
        return False
    if recharging:
        return soc_pct < limits.reserve_pct and site_w < limit_w
    return soc_pct < limits.reserve_pct - limits.band_pct and site_w < limit_w - limits.hysteresis_w


def plan(state: ShavingState, site_w: float, limits: ShavingLimits) -> ShavingPlan:
    """Battery power for a site that would draw ``site_w`` without it."""
    over_w = site_w - limits.allowed_w
    if state.shaving:
        return ShavingPlan(preferred_w=max(over_w, 0.0), lower_w=None, upper_w=None)
    upper_w = None if state.reserve_free else 0.0
    lower_w = None if over_w == -inf else min(over_w, 0.0)
    charge_w, limit_w = None, limits.recharge_limit_w
    if state.recharging and limit_w is not None:
        charge_w = min(site_w - limit_w, 0.0)
    return ShavingPlan(preferred_w=charge_w, lower_w=lower_w, upper_w=upper_w)
