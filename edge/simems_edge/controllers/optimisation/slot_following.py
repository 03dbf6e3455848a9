"""What a battery does in the slot of a schedule. Pure: the slot's numbers and the site's power come in, a power goes
out.

Order of what counts: the grid limits, then the corridor of the state of charge, then the mode with its advised watts.
The grid limits may take a battery out of its corridor: the plan made the corridor so that they can be held. What
protects energy for certain is a controller above this one (`backup_reserve`) or a guard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from simems_edge.contracts.schedule_channels import Mode


@dataclass(frozen=True, slots=True)
class SlotOrder:
    """Of the slot in force, for one battery."""

    mode: Mode
    grid_limit_w: float = inf
    export_limit_w: float = inf
    soc_min_pct: float = 0.0
    soc_max_pct: float = 100.0
    power_w: float | None = None
    """Advice, discharge > 0."""


@dataclass(frozen=True, slots=True)
class Corridor:
    """What hysteresis remembers of the corridor's edges."""

    may_discharge: bool = False
    may_charge: bool = False
    refilling: bool = False
    """Below the corridor by more than the band: charged back up to it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the battery can, W, both 0 or more."""

    charge_w: float
    discharge_w: float


def next_corridor(corridor: Corridor, order: SlotOrder, soc_pct: float | None, band_pct: float) -> Corridor:
    """Each direction opens ``band_pct`` inside the corridor and closes at its edge. SOC not known: both are closed."""
    if soc_pct is None:
        return Corridor()
    low, high = order.soc_min_pct, order.soc_max_pct
    return replace(
        corridor,
        may_discharge=soc_pct > low + (0.0 if corridor.may_discharge else band_pct),
        may_charge=soc_pct < high - (0.0 if corridor.may_charge else band_pct),
        refilling=soc_pct < low - (0.0 if corridor.refilling else band_pct),
    )


def grid_bounds(order: SlotOrder, site_w: float) -> tuple[float, float]:
    """Lowest and highest battery power that keep the grid inside the slot's limits: grid = site - battery."""
    return site_w - order.grid_limit_w, site_w + order.export_limit_w


def order_power_w(order: SlotOrder, corridor: Corridor, site_w: float, direction: int, means: Means) -> float:
    """Battery power (discharge > 0) of a site that draws ``site_w`` without it. ``direction``: of self-consumption with
    its own hysteresis, 1, -1 or 0."""
    wanted_w = _by_mode(order, site_w, direction, means)
    if corridor.refilling and order.grid_limit_w < inf:
        wanted_w = min(wanted_w, -means.charge_w)
    if not corridor.may_discharge:
        wanted_w = min(wanted_w, 0.0)
    if not corridor.may_charge:
        wanted_w = max(wanted_w, 0.0)
    lowest_w, highest_w = grid_bounds(order, site_w)
    return max(min(wanted_w, highest_w), lowest_w)


def _by_mode(order: SlotOrder, site_w: float, direction: int, means: Means) -> float:
    advised_w = order.power_w
    if order.mode == "SELF_CONSUMPTION":
        return site_w if direction * site_w > 0.0 else 0.0
    if order.mode == "CHARGE":
        return -means.charge_w if advised_w is None else min(advised_w, 0.0)
    if order.mode == "DISCHARGE":
        return means.discharge_w if advised_w is None else max(advised_w, 0.0)
    if order.mode == "PEAK_SHAVING":
        return advised_w or 0.0
    return 0.0
