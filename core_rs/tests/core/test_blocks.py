"""The blocks through their Python face: numbers by hand, what is no number, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, isfinite, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_core import (
    Channel,
    ChannelSum,
    CoreError,
    Curve,
    Deadband,
    LowPass,
    Pid,
    ProcessImage,
    RateCounter,
    Rocof,
)

S = 1_000_000_000
ANY = st.floats(allow_nan=True, allow_infinity=True)


def eu_droop(**changes: float) -> Curve:
    """50.2 / 49.8 Hz, 5 %, 100 kW."""
    values = {
        "nominal_hz": 50.0,
        "deadband_below_hz": 0.2,
        "deadband_above_hz": 0.2,
        "droop_below_pct": 5.0,
        "droop_above_pct": 5.0,
        "reference_w": 100e3,
        "raise_max_w": 60e3,
        "lower_max_w": 60e3,
    }
    return Curve.droop(**(values | changes))


def test_deadband_low_pass_and_curve_by_hand() -> None:
    band = Deadband(0.02, centre=50.0)
    assert (band.step(50.01), band.valid) == (0.0, True)
    assert band.step(49.9) == pytest.approx(-0.08)
    low_pass = LowPass(2.0, initial=0.0)
    assert low_pass.step(10.0, 2.0) == pytest.approx(10.0 * (1.0 - exp(-1.0)))
    low_pass.reset()
    assert low_pass.step(4.0, 0.1) == 4.0
    curve = Curve([(0.0, 0.0), (10.0, 100.0)])
    assert [curve.at(x) for x in (-1.0, 2.5, 11.0, nan)] == [0.0, 25.0, 100.0, None]
    assert curve.points == [(0.0, 0.0), (10.0, 100.0)]


def test_droop_follows_the_formula_and_stops_at_the_reserve() -> None:
    curve = eu_droop()
    for frequency_hz in (50.2, 50.5, 51.5):
        assert curve.at(frequency_hz) == pytest.approx((50.2 - frequency_hz) / 50.0 / 0.05 * 100e3, abs=1e-6)
    assert [curve.step(hz) for hz in (50.1, 45.0, 60.0)] == [0.0, 60e3, -60e3]
    assert (curve.step(nan), curve.valid, curve.value) == (-60e3, False, -60e3)


def test_pid_keeps_its_limits_and_takes_over_without_a_bump() -> None:
    pid = Pid(kp=2.0, ki=0.5, minimum=-100.0, maximum=100.0)
    assert pid.step(10.0, 0.0, 1.0) == 25.0
    pid.track(-40.0)
    assert pid.value == -40.0
    assert pid.step(10.0, 0.0, 0.1) == pytest.approx(-40.0 + 0.5 * 10.0 * 0.1)
    pid.set_gains(kp=7.0, ki=0.5)
    assert pid.step(10.0, 0.0, 0.0) == pytest.approx(-39.5)
    pid.set_limits(minimum=-10.0, maximum=10.0, ramp_per_s=1.0)
    assert (pid.value, pid.step(1e6, 0.0, 2.0)) == (-10.0, -8.0)
    pid.reset()
    assert (pid.value, pid.integral, pid.valid) == (0.0, 0.0, False)


def test_rate_counter_says_when_the_next_start_may_be() -> None:
    starts = RateCounter(3600.0, capacity=10)
    assert [starts.step(on, 0) for on in (False, True, True, False, True)] == [0, 1, 1, 1, 2]
    assert starts.event(600 * S)
    assert (starts.count(600 * S), starts.per_hour(600 * S)) == (3, 3.0)
    assert (starts.wait_s(3, 600 * S), starts.wait_s(4, 600 * S), starts.wait_s(0, 600 * S)) == (3000.0, 0.0, None)
    assert starts.count(3600 * S) == 1


def test_rocof_of_a_ramp_and_its_noise() -> None:
    rocof = Rocof(0.5)
    assert rocof.noise_gain_per_s is None
    values = [rocof.step(n * S // 10, 50.0 - 0.05 * n) for n in range(20)]
    assert values[-1] == pytest.approx(-0.5)
    assert rocof.noise_gain_per_s == pytest.approx(1.0 / 0.175**0.5)
    assert (rocof.step(3 * S, nan), rocof.valid) == (values[-1], False)


@pytest.fixture
def sum_image() -> ProcessImage:
    return ProcessImage([Channel("grid0/p", unit="W"), Channel("ess0/p", unit="W"), Channel("ess0/soc", unit="%")])


def test_channel_sum_takes_each_channel_at_the_meters_time(sum_image: ProcessImage) -> None:
    total = ChannelSum(sum_image, [("grid0/p", 1.0), ("ess0/p", 1.0)])
    for second, ess_w in ((1, 10e3), (2, 20e3)):
        sum_image.publish(1, ess_w, second * S)
        sum_image.latch(second * S)
    sum_image.publish(0, 50e3, 3 * S // 2)
    snapshot = sum_image.latch(2 * S + 1)
    assert (total.step(snapshot, snapshot.time_of(0)), total.valid) == (65e3, True)
    assert (total.step(snapshot, -5), total.valid) == (65e3, False)


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: Deadband(-1.0), "half_width must be 0 or more, not -1"),
    (lambda: LowPass(nan), "time_constant_s must be a finite number"),
    (lambda: LowPass(1.0).step(1.0, -0.1), "dt_s must be 0 or more"),
    (lambda: Curve([]), "a curve needs 1 to 1024 points, not 0"),
    (lambda: Curve([(1.0, 0.0), (0.0, 1.0)]), "x must grow: point 1 has 0 after 1"),
    (lambda: eu_droop(droop_below_pct=0.0), "droop_below_pct must be 0.01 to 100"),
    (lambda: eu_droop(reference_w=0.0), "reference_w must be above 0"),
    (lambda: Pid(kp=1.0, ki=-1.0, minimum=0.0, maximum=1.0), "must have one sign"),
    (lambda: Pid(kp=1.0, kd=1.0, minimum=0.0, maximum=1.0), "derivative_filter_s must be above 0"),
    (lambda: Pid(kp=1.0, minimum=1.0, maximum=0.0), "minimum 1 must not be above maximum 0"),
    (lambda: Pid(kp=1.0, minimum=-inf, maximum=0.0), "minimum must be a finite number"),
    (lambda: Pid(kp=1.0, minimum=0.0, maximum=1.0).track(nan), "output must be a finite number"),
    (lambda: RateCounter(0.0), "window_s must be 0.001 to"),
    (lambda: RateCounter(1.0, capacity=0), "capacity must be 1 to 65536"),
    (lambda: Rocof(inf), "window_s must be 0.001 to"),
    (lambda: ChannelSum(ProcessImage([]), []), "a sum needs at least one channel"),
    (lambda: ChannelSum(ProcessImage([]), [("a/b", 1.0)]), 'no channel has the address "a/b"'),
]


@pytest.mark.parametrize(("call", "text"), WRONG, ids=[text for _, text in WRONG])
def test_settings_outside_their_domain_are_refused(call: Callable[[], object], text: str) -> None:
    with pytest.raises(CoreError) as raised:
        call()
    assert text in str(raised.value)


def test_channels_of_different_units_are_not_added(sum_image: ProcessImage) -> None:
    with pytest.raises(CoreError, match="different units"):
        ChannelSum(sum_image, [("ess0/p", 1.0), ("ess0/soc", 1.0)])


@settings(max_examples=200, deadline=None)
@given(samples=st.lists(ANY, min_size=1, max_size=30))
def test_no_sample_makes_an_output_that_is_no_number(samples: list[float]) -> None:
    band, low_pass, curve, rocof = Deadband(1.0), LowPass(1.0), eu_droop(), Rocof(1.0)
    pid = Pid(kp=3.0, ki=1.0, kd=0.5, derivative_filter_s=0.2, minimum=-5.0, maximum=5.0)
    for number, sample in enumerate(samples):
        outputs = (
            band.step(sample),
            low_pass.step(sample, 0.1),
            curve.step(sample),
            rocof.step(number * S // 10, sample),
        )
        assert all(isfinite(output) for output in outputs)
        assert -5.0 <= pid.step(1.0, sample, 0.1) <= 5.0
        assert band.valid == curve.valid == low_pass.valid == isfinite(sample)


@settings(max_examples=50, deadline=None)
@given(cuts=st.integers(1, 400), target=st.floats(-1e3, 1e3))
def test_how_time_is_cut_does_not_matter(cuts: int, target: float) -> None:
    blocks = [(LowPass(3.0, initial=0.0), Pid(kp=1.0, ki=0.5, minimum=-1e9, maximum=1e9)) for _ in range(2)]
    for steps, (low_pass, pid) in zip((1, cuts), blocks, strict=True):
        for _ in range(steps):
            low_pass.step(target, 8.0 / steps)
            pid.step(target, 0.0, 8.0 / steps)
    assert blocks[0][0].value == pytest.approx(blocks[1][0].value, abs=1e-8)
    assert blocks[0][1].value == pytest.approx(blocks[1][1].value, abs=1e-8)
