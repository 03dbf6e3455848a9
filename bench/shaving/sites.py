"""The sites that are judged: a recorded load, perhaps PV, and a battery; two months each, minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from simems_edge.config import SimulatedDevice
from simems_edge.sim import weather

ZONE: Final = ZoneInfo("Europe/Stockholm")
MINUTE_S: Final = 60.0
MINIMUM_PCT: Final = 10.0
MAXIMUM_PCT: Final = 95.0
"""Guards of the state of charge."""


@dataclass(frozen=True)
class SiteCase:
    """``connection_w``: import limit of the grid connection."""

    name: str
    load: str
    pv_w: float
    capacity_wh: float
    power_w: float
    connection_w: float

    @property
    def battery(self) -> SimulatedDevice:
        """At half its charge when the months begin."""
        return SimulatedDevice(
            capacity_wh=self.capacity_wh, max_charge_w=self.power_w, max_discharge_w=self.power_w, initial_soc_pct=50.0
        )


CASES: Final = (
    SiteCase("supermarket, PV", "supermarket", 60e3, 120e3, 60e3, 100e3),
    SiteCase("supermarket", "supermarket", 0.0, 120e3, 60e3, 100e3),
    SiteCase("supermarket, small battery", "supermarket", 0.0, 40e3, 20e3, 100e3),
    SiteCase("commercial", "commercial", 0.0, 30e3, 15e3, 30e3),
    SiteCase("commercial, PV", "commercial", 20e3, 20e3, 10e3, 30e3),
    SiteCase("18 homes", "homes", 0.0, 30e3, 10e3, 25e3),
    SiteCase("18 homes, PV", "homes", 30e3, 30e3, 10e3, 25e3),
)


@dataclass(frozen=True)
class Course:
    """Net power of a site without its battery: one value a minute, W, and the month (12 times the year) of each."""

    begin_s: float
    site_w: list[float]
    months: list[int]


def course(case: SiteCase, begin: datetime, end: datetime) -> Course:
    """[begin, end), both at local midnight."""
    return Course(begin.timestamp(), list(_powers_w(case, begin, end)), list(_months(begin, end)))


def _powers_w(case: SiteCase, begin: datetime, end: datetime) -> Iterator[float]:
    load = weather.load(case.load, 1.0, ZONE, Random(1))
    pv = weather.pv("rooftop", case.pv_w, ZONE, Random(2)).power_w if case.pv_w > 0.0 else weather.no_power
    for utc_s in _minutes(begin, end):
        yield load.power_w(utc_s) - pv(utc_s)


def _months(begin: datetime, end: datetime) -> Iterator[int]:
    for utc_s in _minutes(begin, end):
        local = datetime.fromtimestamp(utc_s, ZONE)
        yield local.year * 12 + local.month - 1


def _minutes(begin: datetime, end: datetime) -> Iterator[float]:
    first_s, last_s = begin.timestamp(), end.timestamp()
    return (first_s + MINUTE_S * number for number in range(round((last_s - first_s) / MINUTE_S)))


def demands_w(course_w: list[float], months: list[int]) -> dict[int, float]:
    """Highest mean of 15 minutes of each month, import only."""
    peaks: dict[int, float] = {}
    for first in range(0, len(course_w), 15):
        mean_w = sum(max(power_w, 0.0) for power_w in course_w[first : first + 15]) / 15.0
        peaks[months[first]] = max(peaks.get(months[first], 0.0), mean_w)
    return peaks
