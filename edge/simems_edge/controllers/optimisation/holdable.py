"""Which threshold could this battery have held, had it been there from the month's begin? Pure, no look-ahead.

One virtual battery for each candidate threshold goes through the same windows as the site: it gives what the site draws
above its threshold and recharges below it. One that runs empty, or whose power does not reach, is out for this month.
The lowest one left is the threshold that the site has shown to be holdable so far; it never falls inside a month.

The virtual batteries are smaller than the real one, so the threshold rises while the real one still has energy: with as
large ones both would be empty at the same moment and the peak would stand in full. How much smaller is a trade:
``docs/controllers/peak_shaving/README.md`` has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CANDIDATES: Final = 128
EFFICIENCY: Final = 0.95
"""One way, converter and cells."""
SECONDS_PER_HOUR: Final = 3600.0
CARRIED: Final = 0.8
"""Of what was holdable last month, the new month begins with this share: lower ones have shown to be lost."""


@dataclass(frozen=True, slots=True)
class VirtualLimits:
    """Of every virtual battery: energy, and power in both directions."""

    energy_wh: float
    charge_w: float
    discharge_w: float


class VirtualBatteries:
    """Candidates stand evenly from ``lowest_w`` to ``highest_w``; above all of them nothing is known."""

    def __init__(self, lowest_w: float, highest_w: float) -> None:
        step_w = max(highest_w - lowest_w, 1.0) / (CANDIDATES - 1)
        self._thresholds_w = [lowest_w + step_w * number for number in range(CANDIDATES)]
        self._missing_wh = [0.0] * CANDIDATES
        """Energy that each has given and not got back."""
        self._alive = [True] * CANDIDATES
        self._lowest = 0

    @property
    def holdable_w(self) -> float:
        """The lowest candidate that held; the highest when none did."""
        return self._thresholds_w[self._lowest]

    def begin_month(self, holdable_before_w: float) -> None:
        """All come back but those far below what was holdable."""
        self.begin_at(CARRIED * holdable_before_w)

    def begin_at(self, lowest_w: float) -> None:
        """Those below are out (a restart in mid-month: what was lost before stays lost)."""
        self._alive = [threshold_w >= lowest_w for threshold_w in self._thresholds_w]
        self._lowest = self._first_alive()

    def window(self, site_w: float, duration_s: float, limits: VirtualLimits) -> None:
        """One billed window is over: the site drew ``site_w`` in the mean, its real battery taken out."""
        self._move(site_w, duration_s, limits, billed=True)

    def pause(self, site_w: float, duration_s: float, limits: VirtualLimits) -> None:
        """A window that is not billed: they only recharge."""
        self._move(site_w, duration_s, limits, billed=False)

    def _move(self, site_w: float, duration_s: float, limits: VirtualLimits, *, billed: bool) -> None:
        hours = duration_s / SECONDS_PER_HOUR
        for number, threshold_w in enumerate(self._thresholds_w):
            over_w = site_w - threshold_w
            if over_w <= 0.0:
                taken_wh = min(-over_w, limits.charge_w) * EFFICIENCY * hours
                self._missing_wh[number] = max(self._missing_wh[number] - taken_wh, 0.0)
            elif billed:
                self._give(number, over_w, hours, limits)
        self._lowest = self._first_alive()

    def _give(self, number: int, over_w: float, hours: float, limits: VirtualLimits) -> None:
        missing_wh = self._missing_wh[number] + over_w / EFFICIENCY * hours
        if over_w > limits.discharge_w or missing_wh > limits.energy_wh:
            self._alive[number] = False
        self._missing_wh[number] = min(missing_wh, limits.energy_wh)

    def _first_alive(self) -> int:
        return next((number for number, alive in enumerate(self._alive) if alive), CANDIDATES - 1)
