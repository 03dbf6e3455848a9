"""Keeps the prices of today and tomorrow, and publishes what holds now."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from simems_core import Channel, Clock, ProcessImage

from simems_edge.bridges.errors import DeviceError
from simems_edge.bridges.prices.day import day_bounds
from simems_edge.bridges.prices.source import fetch_day
from simems_edge.bridges.prices.table import PriceTable, load, save
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.config import Site

log = logging.getLogger(__name__)
PRICE: Final = "site/price_import_per_kwh"
NEXT: Final = "site/price_next_per_kwh"
NEXT_IN: Final = "site/price_next_in_s"
KNOWN_FOR: Final = "site/price_known_for_s"
TURN_S: Final = 5.0
STALE_AFTER_S: Final = 30.0
COMPONENT: Final = "prices"


def price_channels(site: Site) -> list[Channel]:
    """Only of a site with a price feed. All are stale as soon as no price holds."""
    if site.prices is None:
        return []
    money = f"{site.site.currency}/kWh"
    return [
        Channel(PRICE, unit=money, resolution=0.0001, stale_after_s=STALE_AFTER_S),
        Channel(NEXT, unit=money, resolution=0.0001, stale_after_s=STALE_AFTER_S),
        Channel(NEXT_IN, unit="s", resolution=1.0, stale_after_s=STALE_AFTER_S),
        Channel(KNOWN_FOR, unit="s", resolution=1.0, stale_after_s=STALE_AFTER_S),
    ]


class PriceFeed:
    """For a site with a section ``prices``. Its failure costs nobody else anything: the channels go stale, and each
    controller does what it declares for that."""

    def __init__(
        self,
        site: Site,
        image: ProcessImage,
        clock: Clock,
        folder: Path,
        *,
        time_known: Callable[[], bool],
        on_problem: OnProblem,
        on_clear: OnClear,
    ) -> None:
        """``folder``: where prices outlast a restart. ``time_known``: whether the wall clock is set."""
        if site.prices is None:
            raise ValueError("the site has no section prices")
        self._settings, self._image, self._clock, self._folder = site.prices, image, clock, folder
        self._zone = ZoneInfo(site.prices.zone)
        self._time_known = time_known
        self._reporter = Reporter(COMPONENT, on_problem, on_clear)
        self._not_before_s: dict[date, float] = {}
        self.table: PriceTable = PriceTable()

    async def run(self) -> None:
        """Until cancelled."""
        self.table = await asyncio.to_thread(load, self._folder, self._settings)
        while True:
            if self._time_known():
                now_s = self._now_s()
                self._publish(now_s)
                for day in self._wanted(now_s):
                    await self._ask(day, now_s)
                self._publish(self._now_s())
            await asyncio.sleep(TURN_S / self._clock.speed)

    def _now_s(self) -> float:
        return self._clock.utc_us(self._clock.now_ns()) * 1e-6

    def _wanted(self, now_s: float) -> list[date]:
        """Days whose prices should be known and are not, that may be asked for now."""
        local = datetime.fromtimestamp(now_s, UTC).astimezone(self._zone)
        days = [local.date()]
        if local.strftime("%H:%M") >= self._settings.published:
            days.append(local.date() + timedelta(days=1))
        lacking = [day for day in days if not self.table.covers(*day_bounds(day, self._zone))]
        if not lacking:
            self._reporter.clear_all()
        return [day for day in lacking if now_s >= self._not_before_s.get(day, -math.inf)]

    async def _ask(self, day: date, now_s: float) -> None:
        retry_s = self._settings.retry_s * random.SystemRandom().uniform(0.8, 1.2)
        self._not_before_s = {day: at for day, at in self._not_before_s.items() if at > now_s} | {day: now_s + retry_s}
        try:
            slots = await fetch_day(self._settings, day)
        except DeviceError as error:
            text = f"prices of {day}: {error}; asked again in {retry_s / 60:.0f} min"
            self._reporter.problem("prices_missing", text)
            return
        self.table = self.table.with_day(slots, now_s)
        try:
            await asyncio.to_thread(save, self._folder, self.table, self._settings)
        except OSError as error:
            log.warning("prices cannot be kept on disk", extra={"error": str(error)})

    def _publish(self, now_s: float) -> None:
        """Nothing while no price holds: the channels are stale then."""
        slot = self.table.at(now_s)
        if slot is None:
            return
        following, now_ns = self.table.following(slot), self._clock.now_ns()
        rows = {PRICE: slot.price_per_kwh, KNOWN_FOR: self.table.known_until(slot) - now_s}
        if following is not None:
            rows |= {NEXT: following.price_per_kwh, NEXT_IN: following.start_s - now_s}
        for address, value in rows.items():
            self._image.publish(self._image.handle(address), value, now_ns)
