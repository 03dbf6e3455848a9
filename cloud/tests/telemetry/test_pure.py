"""The arithmetic of telemetry, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_cloud.kit.problems import InvalidRequestError
from simems_cloud.telemetry.frames import unpack
from simems_cloud.telemetry.history import align, choose_source, nice_step_s
from simems_cloud.telemetry.raw import aggregate, native_step_s
from simems_cloud.telemetry.rollup import MINUTE_US, QUARTER_US, Rollup, covered_minutes, in_order, moment, roll_up
from simems_cloud.telemetry.samples import RawValues
from simems_cloud.telemetry.summary import Energy, self_sufficiency_pct
from simems_core.wire import Column, Telemetry

NOW_US = 1_760_000_400_000_000
SAMPLES = st.lists(
    st.tuples(st.integers(NOW_US, NOW_US + 3_600_000_000), st.integers(-1000, 1000).map(float)),
    min_size=1,
    max_size=60,
    unique_by=lambda sample: sample[0],
)


@given(SAMPLES, st.randoms(use_true_random=False))
def test_rollups_do_not_depend_on_order(samples: list[tuple[int, float]], rng: object) -> None:
    mixed = list(samples)
    rng.shuffle(mixed)  # type: ignore[attr-defined] # hypothesis' random
    straight = _minutes(sorted(samples))
    assert straight.arguments() == _minutes(mixed).arguments()
    assert straight.count.sum() == len(samples)
    assert straight.sum.sum() == sum(value for _, value in samples)


def _minutes(samples: list[tuple[int, float]]) -> Rollup:
    times, values = zip(*samples, strict=True)
    channels = np.ones(len(samples), dtype=np.int64)
    return roll_up(in_order(channels, np.array(times), np.array(values)), MINUTE_US)


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [
        ([0, 1, 2], {0}),
        ([0, 60, 120], {0, 1, 2}),
        ([0, 300, 600], set(range(11))),
        ([0, 1, 2, 600, 601, 602], {0, 10}),
        ([5], {0}),
    ],
)
def test_covered_minutes(seconds: list[int], minutes: set[int]) -> None:
    base = NOW_US // QUARTER_US * QUARTER_US
    found = covered_minutes(np.array([base + s * 1_000_000 for s in seconds]))
    assert {minute - base // MINUTE_US for minute in found.tolist()} == minutes


@given(st.integers(0, 4_000_000_000_000_000))
def test_times_keep_every_microsecond(time_us: int) -> None:
    assert (moment(time_us) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == time_us


@given(st.integers(-(10**9), 10**9), st.sampled_from([0.1, 0.01, 0.001, 0.5, 1.0, 10.0]))
def test_multiples_of_a_resolution_are_the_numbers_people_mean(multiple: int, resolution: float) -> None:
    column = Column(channel="a/b", resolution=resolution, values=[multiple])
    frame = unpack(Telemetry(sequence=1, times_us=[NOW_US], columns=[column]), b"", NOW_US)
    meant = multiple / round(1 / resolution) if resolution < 1 else multiple * resolution
    assert frame.columns.values.tolist() == [[meant]]
    assert frame.columns.quality.tolist() == [[0]]


def test_a_missing_value_is_stale_at_least() -> None:
    column = Column(channel="a/b", resolution=1, values=[None, 3, None], quality=[0, 0, 2])
    frame = unpack(Telemetry(sequence=1, times_us=[NOW_US, 1, 1], columns=[column]), b"", NOW_US)
    assert frame.columns.quality.tolist() == [[1, 0, 2]]


@pytest.mark.parametrize(
    ("wanted", "hours", "source"),
    [
        ("auto", 1, "raw"),
        ("auto", 24, "1min"),
        ("auto", 24 * 14, "15min"),
        ("auto", 24 * 400, "15min"),
        ("raw", 1, "raw"),
        ("15min", 1, "15min"),
    ],
)
def test_the_source_fits_the_span(wanted: str, hours: int, source: str) -> None:
    assert choose_source(wanted, hours * 3600, 1000) == source  # type: ignore[arg-type] # the literals


def test_raw_values_of_a_month_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="1min"):
        choose_source("raw", 30 * 86_400, 1000)


@given(st.floats(0.1, 1e8))
def test_nice_steps_are_not_shorter(step_s: float) -> None:
    assert nice_step_s(step_s) >= step_s


def test_windows_start_on_their_step() -> None:
    window = align(datetime(2026, 3, 1, 10, 7, 3, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC), 900)
    assert window.time(window.start_s) == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert window.count == 4


def test_raw_buckets_leave_gaps_and_bad_values_out() -> None:
    times = [NOW_US + second * 1_000_000 for second in (0, 1, 2, 6)]
    raw = RawValues(np.array(times), np.array([1.0, 3.0, 100.0, np.nan]), np.array([0, 3, 2, 1], dtype=np.int16))
    start_s = NOW_US / 1e6
    found = aggregate(raw, start_s=start_s, end_s=start_s + 8, step_s=2)
    assert found.mean[0] == 2.0
    assert (found.minimum[0], found.maximum[0]) == (1.0, 3.0)
    assert np.isnan(found.mean[1:]).all()
    assert native_step_s([raw]) == 1.0


def test_self_sufficiency() -> None:
    assert self_sufficiency_pct(Energy(25), Energy(100)) == 75
    assert self_sufficiency_pct(Energy(150), Energy(100)) == 0
    assert self_sufficiency_pct(None, Energy(100)) is None
    assert self_sufficiency_pct(Energy(0), Energy(0)) is None
