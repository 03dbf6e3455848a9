"""What the site cannot choose: load and PV from recordings, with structure below the recorded interval.

Below an interval there is no recording. Loads get an AR(1) wander and a cycling compressor, PV gets cloud flicker
that is stronger where the recording itself is rough. Both are steered back so that the energy of each recorded
interval stays within 1 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from simems_edge.sim import recordings
from simems_edge.sim.curve import MeanCurve
from simems_edge.sim.recordings import RecordedDay, Recording

_COMPRESSOR_S: Final = 300.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Wander:
    """Zero-mean AR(1) noise with a memory, updated once a second, steered so that its integral stays near 0."""

    def __init__(self, random: Random, *, memory_s: float, recovery_s: float) -> None:
        self._normal = random.gauss
        self._keep = math.exp(-1.0 / memory_s)
        self._kick = math.sqrt(1.0 - self._keep * self._keep)
        self._recovery = 1.0 / recovery_s
        self._state = 0.0
        self._integral = 0.0

    def next(self) -> float:
        """The next second's value; standard deviation about 1."""
        self._state = self._state * self._keep + self._kick * self._normal(0.0, 1.0)
        value = self._state - self._integral * self._recovery
        value = min(max(value, -3.0), 3.0)
        self._integral += value
        return value


class Load:
    """Consumption of the site in W."""

    def __init__(self, mean_w: Callable[[int], float], interval_s: int, random: Random) -> None:
        self._curve = MeanCurve(mean_w, interval_s)
        self._wander = Wander(random, memory_s=20.0, recovery_s=30.0)
        self._phase_s = random.random() * _COMPRESSOR_S
        self._second = -1
        self._factor = 1.0

    def power_w(self, utc_s: float) -> float:
        second = int(utc_s)
        if second != self._second:
            self._second = second
            self._factor = 1.0 + 0.008 * self._wander.next() + self._compressor(second)
        return self._curve.at(utc_s) * self._factor

    def _compressor(self, second: int) -> float:
        """+3 % for 40 % of the time, -2 % for the rest: mean zero over each of its periods."""
        on = (second + self._phase_s) % _COMPRESSOR_S < 0.4 * _COMPRESSOR_S
        return 0.03 if on else -0.02


class PvSource:
    """Available PV power in W."""

    def __init__(self, mean_w: Callable[[int], float], interval_s: int, peak_w: float, random: Random) -> None:
        self._curve = MeanCurve(mean_w, interval_s)
        self._wander = Wander(random, memory_s=15.0, recovery_s=20.0)
        self._limit_w = 1.1 * peak_w
        self._second = -1
        self._factor = 1.0

    def power_w(self, utc_s: float) -> float:
        power_w = self._curve.at(utc_s)
        second = int(utc_s)
        if second != self._second:
            self._second = second
            depth = min(0.005 + 0.25 * self._curve.roughness, 0.15)
            self._factor = 1.0 + depth * self._wander.next()
        return min(power_w * self._factor, self._limit_w)


def no_power(_utc_s: float) -> float:
    return 0.0


def load(name: str, scale: float, zone: ZoneInfo, random: Random) -> Load:
    """The recorded load ``name`` on this site's calendar. Raises ProfileNotFoundError."""
    profile = recordings.load_profile(name)
    recording = recordings.read_recording(profile.file)
    choose = recordings.by_weekday_and_season if len(recording.days) > 300 else recordings.by_weekday
    recorded = _on_calendar(recording, choose, zone)
    gain, base_w = scale * profile.gain, scale * profile.base_w
    return Load(lambda number: base_w + gain * recorded(number), recording.interval_s, random)


def pv(name: str, peak_w: float, zone: ZoneInfo, random: Random) -> PvSource:
    """The recorded PV plant ``name`` scaled to ``peak_w``. Raises ProfileNotFoundError."""
    recording = recordings.read_recording(recordings.pv_file(name))
    recorded = _on_calendar(recording, recordings.by_season, zone)
    gain = peak_w / recording.peak_w
    return PvSource(lambda number: gain * recorded(number), recording.interval_s, peak_w, random)


def _on_calendar(
    recording: Recording, choose: Callable[[Recording, datetime], RecordedDay], zone: ZoneInfo
) -> Callable[[int], float]:
    """Interval number since 1970 UTC -> recorded mean at the site's wall time."""
    interval_s = recording.interval_s
    chosen: dict[int, RecordedDay] = {}

    def mean_w(number: int) -> float:
        local = (_EPOCH + timedelta(seconds=number * interval_s)).astimezone(zone)
        key = local.toordinal()
        if key not in chosen:
            chosen.clear()
            chosen[key] = choose(recording, local)
        return chosen[key].mean_w[(local.hour * 3600 + local.minute * 60) // interval_s]

    return mean_w
