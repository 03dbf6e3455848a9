"""The controller's own functions, minute by minute, in closed loop with the virtual plant's battery; no look ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simems_edge.controllers.optimisation.demand_meter import ChargeMeter
from simems_edge.controllers.optimisation.holdable import VirtualLimits
from simems_edge.controllers.optimisation.peak_shaving import PeakShavingSettings
from simems_edge.controllers.optimisation.shaving import ShavingLimits, ShavingState, next_state, plan
from simems_edge.sim.battery import Battery

from bench.shaving.sites import MAXIMUM_PCT, MINIMUM_PCT, MINUTE_S, ZONE, Course, SiteCase

NS = 1_000_000_000


def settings_of(case: SiteCase, **terms: Any) -> PeakShavingSettings:  # noqa: ANN401 - settings as a site file has them
    """Of this site; what is not named is the controller's default."""
    base = {
        "grid": "grid0",
        "ess": "ess0",
        "window_s": 900.0,
        "hysteresis_w": 0.02 * case.connection_w,
        "recharge_margin_w": 0.02 * case.connection_w,
        "reserve_soc_pct": MAXIMUM_PCT,
    }
    return PeakShavingSettings.model_validate(base | terms)


def adapting(case: SiteCase) -> PeakShavingSettings:
    """As a site begins that knows nothing of itself: a threshold of a tenth of its connection, and ``adapt``."""
    return settings_of(case, threshold_w=0.1 * case.connection_w, adapt=True)


def untuned(case: SiteCase) -> PeakShavingSettings:
    """A fixed threshold, set once: two thirds of the connection. It neither follows the peak nor adapts."""
    return settings_of(case, threshold_w=2.0 / 3.0 * case.connection_w)


@dataclass
class _Site:
    meter: ChargeMeter
    battery: Battery
    state: ShavingState
    register_wh: float = 0.0


def grid_course(case: SiteCase, settings: PeakShavingSettings, course: Course) -> list[float]:
    """Grid power of every minute, W."""
    (charge,) = settings.every_charge()
    meter = ChargeMeter(charge, ZONE, maximum_w=max(case.connection_w, 2.0 * settings.threshold_w), meter_clock_s=0.0)
    size = VirtualLimits(case.capacity_wh * settings.adapt_share_pct / 100.0, case.power_w, case.power_w)
    site = _Site(meter, Battery(case.battery), ShavingState())
    meter.follow_clock(0, course.begin_s)
    meter.reading(0, 0.0)
    return [
        _minute(number, site_w, site, settings, size, course.begin_s) for number, site_w in enumerate(course.site_w)
    ]


def _minute(
    number: int, site_w: float, site: _Site, settings: PeakShavingSettings, size: VirtualLimits, begin_s: float
) -> float:
    now_ns = round(number * MINUTE_S * NS)
    meter, battery = site.meter, site.battery
    meter.site_power(now_ns, site_w, MINUTE_S, size)
    limits = ShavingLimits(
        allowed_w=meter.allowed_w(now_ns, site_w - battery.power_w),
        recharge_w=meter.threshold_w - (settings.recharge_margin_w or 0.0),
        hysteresis_w=settings.hysteresis_w,
        reserve_pct=settings.reserve_soc_pct,
        band_pct=settings.reserve_band_pct,
    )
    site.state = next_state(site.state, site_w, battery.soc_pct, limits)
    wanted_w = plan(site.state, site_w, limits).preferred_w or 0.0
    battery.command(_guarded(wanted_w, battery.soc_pct))
    battery.step(MINUTE_S)
    grid_w = site_w - battery.power_w
    site.register_wh += max(grid_w, 0.0) * MINUTE_S / 3600.0
    after_ns = now_ns + round(MINUTE_S * NS)
    meter.follow_clock(after_ns, begin_s + after_ns / NS)
    meter.reading(after_ns, site.register_wh)
    return grid_w


def _guarded(power_w: float, soc_pct: float) -> float:
    if soc_pct <= MINIMUM_PCT:
        return min(power_w, 0.0)
    return max(power_w, 0.0) if soc_pct >= MAXIMUM_PCT else power_w
