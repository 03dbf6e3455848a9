"""Recorded profiles shipped with the product: whole days of mean power, and which of them a calendar day takes.

The files in ``profiles`` are gzipped text, one recorded day a line: the date, then one mean power in W for each
equal interval of local wall time. Their origin and licences stand beside them.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Final

_FOLDER: Final = files("simems_edge.sim") / "profiles"
_SUNDAY: Final = 6
_HOLIDAYS: Final = frozenset({date(2013, 9, 2)})
"""Recorded days on which the building was closed though it was no Sunday (Labor Day)."""


class ProfileNotFoundError(ValueError):
    """The site asks for a recorded profile that is not shipped."""


@dataclass(frozen=True, slots=True)
class RecordedDay:
    day: date
    mean_w: tuple[float, ...]
    """Mean power of each interval of the day, local wall time."""


@dataclass(frozen=True, slots=True)
class Recording:
    days: tuple[RecordedDay, ...]

    @property
    def interval_s(self) -> int:
        return 86400 // len(self.days[0].mean_w)

    @property
    def peak_w(self) -> float:
        return max(max(day.mean_w) for day in self.days)


@dataclass(frozen=True, slots=True)
class LoadProfile:
    """power = scale * (base_w + gain * recorded power)."""

    file: str
    gain: float = 1.0
    base_w: float = 0.0


LOADS: Final = {
    # The recorded commercial building enlarged, plus refrigeration that never stops: base 29 kW, peaks 65..95 kW.
    "supermarket": LoadProfile("load_commercial_15min.csv.gz", gain=3.2, base_w=20_000.0),
    "commercial": LoadProfile("load_commercial_15min.csv.gz"),
    "home": LoadProfile("load_home_1min.csv.gz"),
    "homes": LoadProfile("load_homes_hourly.csv.gz"),
}
PVS: Final = {"rooftop": "pv_rooftop_15min.csv.gz"}


def load_profile(name: str) -> LoadProfile:
    """Raises ProfileNotFoundError for an unknown name."""
    if name not in LOADS:
        raise ProfileNotFoundError(f"there is no load profile {name!r}; use one of {', '.join(sorted(LOADS))}")
    return LOADS[name]


def pv_file(name: str) -> str:
    """Raises ProfileNotFoundError for an unknown name."""
    if name not in PVS:
        raise ProfileNotFoundError(f"there is no PV profile {name!r}; use one of {', '.join(sorted(PVS))}")
    return PVS[name]


@lru_cache(maxsize=8)
def read_recording(file: str) -> Recording:
    text = gzip.decompress((_FOLDER / file).read_bytes()).decode("utf-8")
    rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return Recording(tuple(RecordedDay(date.fromisoformat(row[0]), tuple(map(float, row[1:]))) for row in rows))


def by_weekday(recording: Recording, day: date) -> RecordedDay:
    """The recorded days of the same weekday in turn, one a week; a recorded holiday counts as a Sunday."""
    weekday = day.weekday()
    fitting = [candidate for candidate in recording.days if _weekday(candidate.day) == weekday]
    return fitting[(day.toordinal() // 7) % len(fitting)]


def by_season(recording: Recording, day: date) -> RecordedDay:
    """The recorded day nearest in the year; of two equally near ones the earlier."""
    wanted = _day_of_year(day)
    return min(
        recording.days, key=lambda candidate: (_year_distance(_day_of_year(candidate.day), wanted), candidate.day)
    )


def by_weekday_and_season(recording: Recording, day: date) -> RecordedDay:
    """The nearest recorded day in the year that is the same weekday (for recordings of a whole year)."""
    fitting: Sequence[RecordedDay] = [c for c in recording.days if _weekday(c.day) == day.weekday()]
    return by_season(Recording(tuple(fitting)), day)


def _weekday(day: date) -> int:
    return _SUNDAY if day in _HOLIDAYS else day.weekday()


def _day_of_year(day: date) -> int:
    return min(day.timetuple().tm_yday, 365)


def _year_distance(first: int, second: int) -> int:
    apart = abs(first - second)
    return min(apart, 365 - apart)
