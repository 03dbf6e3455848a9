"""One demand charge as it runs: its windows, the month's peak, and what the grid may give at this moment.

The allowed power of a running window is (threshold x window - energy so far) / time left: the mean is held, not each
spike. Energies come from the register of the meter (or integrated power); times are monotonic, windows stand on the
meter's clock. While the time of day is unknown no window can be placed: then every instant is held, and every charge
counts as billed (the dearer mistake would be to let a billed peak pass).
"""

from __future__ import annotations

from math import floor, inf
from zoneinfo import ZoneInfo

from simems_core import DemandWindow, RollingDemand

from simems_edge.controllers.calendar import covered, local_time, month_of
from simems_edge.controllers.optimisation.demand_charge import DemandCharge
from simems_edge.controllers.optimisation.holdable import VirtualBatteries, VirtualLimits

NS = 1_000_000_000
CLOCK_STEP_NS = NS // 2
"""A smaller change of the clock does not move the windows."""
EDGE_S = 20.0
"""So near to a window's end credit and debt fade to the threshold: the meter's clock and delay are not known better."""
WHOLE = 0.9
"""A window of which less was seen teaches nothing."""
ROLLING_HORIZONS = (0.05, 0.15, 0.33)
"""Shares of a rolling window: what flows now must fit the windows that end then."""


class ChargeMeter:
    """``maximum_w``: more never flows. ``meter_clock_s``: what the meter's clock is ahead of UTC."""

    def __init__(self, charge: DemandCharge, zone: ZoneInfo, *, maximum_w: float, meter_clock_s: float) -> None:
        self.charge = charge
        self.peak_w = 0.0
        """Highest billed mean of this month, W."""
        self.month: int | None = None
        self._zone = zone
        self._maximum_w = maximum_w
        self._meter_clock_s = meter_clock_s
        self._utc_offset_s: float | None = None
        self._second: int | None = None
        """Of the calendar when it was last looked at."""
        self._offset_ns = 0
        self._shift_now_s = 0.0
        self._window: DemandWindow | None = None
        self._rolling = RollingDemand(charge.window_s, maximum_power_w=maximum_w) if charge.rolling else None
        self._virtual = VirtualBatteries(charge.threshold_w, maximum_w) if charge.adapt else None
        self._site_ws = self._site_s = 0.0
        self._begin_s: float | None = None

    # ---- what is known from before

    def restore(self, month: int | None, peak_w: float | None, holdable_w: float | None) -> None:
        """As it was before a restart; None: not known."""
        self.month = month
        self.peak_w = peak_w or 0.0
        if self._virtual is not None and holdable_w is not None:
            self._virtual.begin_at(holdable_w)

    @property
    def holdable_w(self) -> float:
        """Learned of this month; the threshold of the site file when nothing is learned."""
        return self.charge.threshold_w if self._virtual is None else self._virtual.holdable_w

    @property
    def threshold_w(self) -> float:
        """In force: the site file's, raised to a peak that stands and to what is holdable."""
        follows = self.charge.follow_peak or self.charge.adapt
        return max(self.charge.threshold_w, self.holdable_w, self.peak_w if follows else 0.0)

    # ---- time

    def follow_clock(self, now_ns: int, utc_s: float | None) -> None:
        """Once per cycle. ``utc_s`` None: not known, what was known before holds."""
        if utc_s is None:
            return
        offset_s = utc_s - now_ns / NS
        second = floor(utc_s)
        if second == self._second and abs(offset_s - (self._utc_offset_s or 0.0)) < 1e-3:
            return
        self._second, self._utc_offset_s = second, offset_s
        self._turn_month(month_of(utc_s, self._zone))
        if self.charge.window_s > 0.0:
            self._shift_now_s = self._shift_s(utc_s)
            self._align(self._utc_offset_s + self._shift_now_s)

    def _turn_month(self, month: int) -> None:
        if month == self.month:
            return
        if self.month is not None:
            self.peak_w = 0.0
            if self._virtual is not None:
                self._virtual.begin_month(self._virtual.holdable_w)
        self.month = month
        if month == self.charge.seeded_month:
            self.peak_w = max(self.peak_w, self.charge.peak_so_far_w or 0.0)

    def _align(self, offset_s: float) -> None:
        """Windows begin where local time is a multiple of them (an offset of a zone may be half an hour)."""
        offset_ns = round(offset_s * NS)
        if self._rolling is not None:
            return
        if self._window is None:
            self._offset_ns = offset_ns
            self._window = DemandWindow(
                self.charge.window_s, maximum_power_w=self._maximum_w, clock_offset_ns=offset_ns
            )
        elif abs(offset_ns - self._offset_ns) >= CLOCK_STEP_NS:
            self._offset_ns = offset_ns
            self._window.set_clock_offset_ns(offset_ns)

    def _shift_s(self, utc_s: float) -> float:
        """What windows are counted by, less UTC."""
        zone = local_time(utc_s, self._zone).utcoffset()
        zone_s = 0.0 if zone is None else zone.total_seconds() % self.charge.window_s
        return zone_s + self._meter_clock_s

    # ---- energy

    def reading(self, time_ns: int, register_wh: float) -> None:
        """A reading of the import register."""
        if self._rolling is not None:
            mean_w = self._rolling.step(time_ns, register_wh)
            if self._rolling.complete and self._billed_at(time_ns):
                self.peak_w = max(self.peak_w, mean_w)
        elif self._window is not None:
            for ended in self._window.step(time_ns, register_wh):
                if ended.complete and self._of_this_month(ended.start_ns) and self._billed_at(ended.start_ns):
                    self.peak_w = max(self.peak_w, ended.mean_w)

    def resume(self, time_ns: int, register_wh: float, energy_wh: float) -> None:
        """The last reading before a restart, and the energy that its window had by then."""
        if self._window is not None:
            window_ns = round(self.charge.window_s * NS)
            begin_ns = (time_ns + self._offset_ns) // window_ns * window_ns - self._offset_ns
            if begin_ns < time_ns:
                self.reading(begin_ns, register_wh - energy_wh)
        self.reading(time_ns, register_wh)

    def energy_wh(self, time_ns: int) -> float:
        """So far in the window that runs; 0 while there is none."""
        running = None if self._window is None else self._window.running(time_ns)
        return 0.0 if running is None else running.energy_wh

    def site_power(self, now_ns: int, site_w: float, dt_s: float, limits: VirtualLimits | None) -> None:
        """What the site draws without its battery, once per cycle; learns at each window's end.
        ``limits`` None: the battery is not known now, the window teaches nothing."""
        if self._virtual is None or self._utc_offset_s is None:
            return
        utc_s = now_ns / NS + self._utc_offset_s
        shift_s = self._shift_now_s
        begin_s = floor((utc_s + shift_s) / self.charge.window_s) * self.charge.window_s - shift_s
        if begin_s != self._begin_s:
            self._learn(self._virtual, limits)
            self._begin_s = begin_s
        self._site_ws += site_w * dt_s
        self._site_s += dt_s

    def _learn(self, virtual: VirtualBatteries, limits: VirtualLimits | None) -> None:
        site_ws, site_s, self._site_ws, self._site_s = self._site_ws, self._site_s, 0.0, 0.0
        if limits is None or self._begin_s is None or site_s < WHOLE * self.charge.window_s:
            return
        billed = not self.charge.when or covered(self.charge.when, self._begin_s, self._zone)
        (virtual.window if billed else virtual.pause)(site_ws / site_s, site_s, limits)

    # ---- what may flow

    @property
    def mean_w(self) -> float | None:
        """Of the rolling window; the aligned one's is in :meth:`running_w`."""
        return None if self._rolling is None or not self._rolling.valid else self._rolling.mean_w

    def running_w(self, now_ns: int, grid_w: float) -> float | None:
        """Mean of the window that runs, W; None while there is none."""
        if self._window is None:
            return self.mean_w
        running = self._window.running(now_ns, grid_w)
        return None if running is None else running.mean_w

    def allowed_w(self, now_ns: int, grid_w: float) -> float:
        """Grid import that may flow now, W >= 0; infinite while nothing is billed."""
        if not self._billed_now(now_ns, grid_w):
            return inf
        threshold_w = self.threshold_w
        if self._rolling is not None:
            return self._rolling_allowed_w(self._rolling, threshold_w)
        if self._window is None:
            return threshold_w
        running = self._window.running(now_ns, grid_w)
        mean_w = self._window.allowed_w(threshold_w, now_ns, grid_w)
        if running is None or mean_w is None:
            return threshold_w
        known = min(running.left_s / EDGE_S, 1.0)
        return max(threshold_w + (mean_w - threshold_w) * known, 0.0)

    def _rolling_allowed_w(self, rolling: RollingDemand, threshold_w: float) -> float:
        horizons = (share * self.charge.window_s for share in ROLLING_HORIZONS)
        found = [rolling.allowed_w(threshold_w, horizon_s) for horizon_s in horizons]
        known = [allowed_w for allowed_w in found if allowed_w is not None]
        return max(min(known, default=threshold_w), 0.0)

    # ---- the calendar

    def _billed_now(self, now_ns: int, grid_w: float) -> bool:
        running = None if self._window is None else self._window.running(now_ns, grid_w)
        return self._billed_at(now_ns if running is None else running.start_ns)

    def _billed_at(self, time_ns: int) -> bool:
        if not self.charge.when or self._utc_offset_s is None:
            return True
        return covered(self.charge.when, time_ns / NS + self._utc_offset_s, self._zone)

    def _of_this_month(self, time_ns: int) -> bool:
        return self._utc_offset_s is not None and (
            month_of(time_ns / NS + self._utc_offset_s, self._zone) == self.month
        )
