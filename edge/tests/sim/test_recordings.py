"""Recorded data: what ships, how a calendar day takes it, and that its energy survives the second-scale structure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.sim import recordings, weather
from simems_edge.sim.curve import MeanCurve

STOCKHOLM = ZoneInfo("Europe/Stockholm")
FOLDER = Path(recordings.__file__).parent / "profiles"


@pytest.mark.parametrize(
    ("file", "days", "interval_s"),
    [
        ("load_commercial_15min.csv.gz", 46, 900),
        ("load_home_1min.csv.gz", 16, 60),
        ("load_homes_hourly.csv.gz", 366, 3600),
        ("pv_rooftop_15min.csv.gz", 345, 900),
    ],
)
def test_what_ships(file: str, days: int, interval_s: int) -> None:
    recording = recordings.read_recording(file)
    assert len(recording.days) == days
    assert recording.interval_s == interval_s
    assert all(len(day.mean_w) * interval_s == 86400 and min(day.mean_w) >= 0.0 for day in recording.days)
    assert (FOLDER / file).stat().st_size < 1_500_000


def test_every_recording_has_its_licence() -> None:
    for name in ("LOAD-COMMERCIAL.txt", "LOAD-HOMES.txt", "PV-ROOFTOP.txt"):
        assert "Licence" in (FOLDER / name).read_text("utf-8")


def test_calendar() -> None:
    load = recordings.read_recording("load_commercial_15min.csv.gz")
    for day in (date(2026, 11, 23) + timedelta(days=n) for n in range(28)):
        taken = recordings.by_weekday(load, day).day
        assert taken.weekday() == day.weekday() or (day.weekday() == 6 and taken == date(2013, 9, 2))
    pv = recordings.read_recording("pv_rooftop_15min.csv.gz")
    assert recordings.by_season(pv, date(2026, 6, 15)).day == date(2013, 6, 15)
    assert abs((recordings.by_season(pv, date(2026, 12, 22)).day - date(2013, 12, 22)).days) <= 4


def test_a_supermarket_that_matters_to_a_60_kw_threshold() -> None:
    load = weather.load("supermarket", 1.0, STOCKHOLM, Random(1))
    start = datetime(2026, 11, 23, tzinfo=STOCKHOLM).timestamp()
    powers = [load.power_w(start + second) for second in range(0, 7 * 86400, 30)]
    assert 22_000 < min(powers) < 35_000
    assert 70_000 < max(powers) < 100_000


def test_energy_of_each_recorded_interval_is_kept() -> None:
    mean_w = {n: 20_000.0 + 3.2 * value for n, value in enumerate(_recorded("load_commercial_15min.csv.gz"))}
    load = weather.Load(lambda number: mean_w[number % 96], 900, Random(7))
    pv_w = dict(enumerate(_recorded("pv_rooftop_15min.csv.gz")))
    pv = weather.PvSource(lambda number: pv_w[number % 96], 900, 3_400.0, Random(7))
    for number in range(20, 96):
        seconds = [number * 900 + second + 0.5 for second in range(900)]
        assert sum(map(load.power_w, seconds)) / 900 == pytest.approx(mean_w[number], rel=0.01)
        assert sum(map(pv.power_w, seconds)) / 900 == pytest.approx(pv_w[number], rel=0.01, abs=0.5)


def _recorded(file: str) -> tuple[float, ...]:
    return recordings.read_recording(file).days[3].mean_w


@given(means=st.lists(st.floats(0, 1e5), min_size=3, max_size=8))
def test_the_curve_keeps_every_mean_and_is_never_negative(means: list[float]) -> None:
    curve = MeanCurve(lambda number: means[number % len(means)], 900)
    for number, mean in enumerate(means):
        values = [curve.at(number * 900 + 0.5 + second) for second in range(900)]
        assert min(values) >= -1e-9
        assert sum(values) / 900 == pytest.approx(mean, rel=1e-9, abs=1e-6)


def test_days_of_23_and_25_hours() -> None:
    load = weather.load("commercial", 1.0, STOCKHOLM, Random(1))
    for day in (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)):
        assert all(load.power_w(day.timestamp() + 900 * step) > 0.0 for step in range(96))


def test_unknown_profiles_are_named() -> None:
    with pytest.raises(recordings.ProfileNotFoundError, match="use one of commercial, home, homes, supermarket"):
        recordings.load_profile("bakery")
    with pytest.raises(recordings.ProfileNotFoundError, match="rooftop"):
        recordings.pv_file("moon")
