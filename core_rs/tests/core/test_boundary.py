"""The public surface: stub, names, wrong arguments."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
import simems_core
from simems_core import (
    Actuator,
    Channel,
    Clock,
    CoreError,
    Cycle,
    Guard,
    Hysteresis,
    ProcessImage,
    RampLimiter,
    Recorder,
    SitePowerEstimate,
    Source,
    Watchdog,
    _core,
    bare_sleep_lateness,
)


def test_the_stub_is_what_the_extension_is() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "simems_core._core"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_name_of_the_extension_is_exported() -> None:
    assert set(_core.__all__) == set(simems_core.__all__)
    assert simems_core.BUILD_PROFILE in {"release", "debug"}


image = ProcessImage([Channel("a/b"), Channel("a/p")])
soc: dict[str, Any] = {"soc": "a/b"}
one_of_each: dict[str, Any] = {"grid": "a/b", "measured": ["a/p"], "import_limit_w": 1.0, "export_limit_w": 1.0}
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: Channel("power"), "component/channel"),
    (lambda: Channel("a/b", kind="double"), "kind must be float, int, bool or enum"),
    (lambda: Channel("a/b", access="rw"), "access must be read or write"),
    (lambda: Channel("a/b", minimum=2.0, maximum=1.0), "minimum 2 must not be above maximum 1"),
    (lambda: Channel("a/b", stale_after_s=0.0), "stale_after_s must be above 0"),
    (lambda: Channel("a/b", resolution=nan), "resolution must be 0 or more"),
    (lambda: ProcessImage([Channel("a/b"), Channel("a/b")]), '"a/b" is in the table twice'),
    (lambda: ProcessImage([], history=-1), "history must be 1 to 65536"),
    (lambda: image.handle("a/c"), 'no channel has the address "a/c"'),
    (lambda: image.publish(2, 0.0, 0), "handle 2 is outside 0..2"),
    (lambda: image.publish(-1, 0.0, 0), "handle -1 is outside 0..2"),
    (lambda: image.publish(0, 0.0, 0, 4), "quality must be 0"),
    (lambda: image.publish_many([0, 1], [1.0], 0), "2 handles, 1 values"),
    (lambda: image.snapshot().value(7), "handle 7 is outside"),
    (lambda: Clock.scaled(0, 0, 0.0), "speed must be a finite number above 0"),
    (lambda: Clock.simulated(0).sleep_until(5), "does not sleep"),
    (lambda: Clock.monotonic().advance_to(5), "only a simulated clock"),
    (lambda: Source("x", 5), "priority must be 0 (manual) to 4 (auxiliary), not 5"),
    (lambda: Source("fallback", 0), "reserved"),
    (lambda: Source("x", 0, lifetime_cycles=0), "lifetime_cycles must be 1"),
    (lambda: Actuator("a/p", minimum=1.0, maximum=0.0), "minimum 1 must not be above maximum 0"),
    (lambda: Actuator("a/p", minimum=-inf, maximum=0.0), "minimum must be a finite number"),
    (lambda: Actuator("a/p", minimum=1.0, maximum=2.0), "fallback 0 must lie in 1..2"),
    (lambda: Actuator("a/p", minimum=0.0, maximum=1.0, ramp_per_s=0.0), "ramp_per_s must be above 0"),
    (lambda: Guard.soc("a/p", minimum_pct=90.0, maximum_pct=10.0, **soc), "minimum_pct < maximum_pct"),
    (
        lambda: Guard.grid(["a/p"], grid="a/b", measured=[], import_limit_w=1.0, export_limit_w=1.0),
        "one measured channel for each",
    ),
    (
        lambda: Guard.grid(["a/p"], grid="a/b", measured=["a/p"], import_limit_w=-1.0, export_limit_w=1.0),
        "import_limit_w must be 0 or more",
    ),
    (
        lambda: Guard.grid(["a/p"], meter_delay_max_s=nan, **one_of_each),
        "guard grid:a: delay_max_s must be 0 to 3600, not NaN",
    ),
    (lambda: Guard.grid(["a/p"], battery_settle_s=-1.0, **one_of_each), "settle_s must be 0 to 3600, not -1"),
    (lambda: SitePowerEstimate(delay_max_s=1.0, repeat_max_s=inf, settle_s=1.0), "repeat_max_s must be 0 to 3600"),
    (lambda: SitePowerEstimate(delay_max_s=1.0, repeat_max_s=1.0, settle_s=1.0).battery(0, nan), "power_w must be"),
    (lambda: SitePowerEstimate(delay_max_s=1.0, repeat_max_s=1.0, settle_s=1.0).meter(0, inf), "grid_w must be"),
    (lambda: Recorder(image, [5], interval_s=1.0), "handle 5 is outside"),
    (lambda: Recorder(image, [0], interval_s=0.0), "interval_s must be"),
    (lambda: Recorder(image, [0], interval_s=1.0, capacity=0), "capacity must be"),
    (lambda: RampLimiter(-1.0), "rate_per_s must be above 0"),
    (lambda: RampLimiter(1.0).step(nan, 1.0), "target must be a finite number"),
    (lambda: Hysteresis(on=1.0, off=2.0), "on must be above off"),
    (lambda: bare_sleep_lateness(0.01, 0), "cycles"),
    (lambda: Clock.monotonic().set_wall(5), "only a stepped clock"),
    (lambda: new_cycle(clock=Clock.monotonic()).start(priority=100), "priority must be 1 to 99, not 100"),
    (lambda: new_cycle(clock=Clock.monotonic()).start(cpu=4096), "cpu must be 0 to 1023, not 4096"),
    (lambda: new_cycle().watch([7]), "handle 7 is outside"),
    (lambda: Watchdog(new_cycle(), "@x", nan), "interval_s must be a finite number above 0"),
    (lambda: Watchdog(new_cycle(), "x" * 200, 1.0), "is no address"),
]


@pytest.mark.parametrize(("call", "text"), WRONG, ids=[text for _, text in WRONG])
def test_wrong_arguments_are_refused_in_clear_words(call: Callable[[], object], text: str) -> None:
    with pytest.raises(CoreError) as raised:
        call()
    assert text in str(raised.value)


def new_cycle(**changes: Any) -> Cycle:
    settings: dict[str, Any] = {
        "period_s": 0.1,
        "sources": [],
        "actuators": [Actuator("a/p", minimum=0.0, maximum=1.0)],
        "guards": [],
        "clock": Clock.simulated(0),
    }
    return Cycle(ProcessImage([Channel("a/b"), Channel("a/p")]), **(settings | changes))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"period_s": 0.0}, "period_s must be"),
        ({"propose_share": 1.0}, "propose_share must be between 0 and 1"),
        ({"sources": [Source("x", 0), Source("x", 1)]}, 'source "x" is given twice'),
        ({"actuators": [Actuator("a/zz", minimum=0.0, maximum=1.0)]}, 'no channel has the address "a/zz"'),
        ({"guards": [Guard.stop("a/p", channel="no/stop")]}, "guard stop:a: no channel has the address"),
        ({"guards": [Guard.stop("a/b", channel="a/b")]}, "is not an actuator of this cycle"),
    ],
)
def test_a_cycle_that_cannot_run_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(CoreError) as raised:
        new_cycle(**changes)
    assert text in str(raised.value)


def test_blocks_step() -> None:
    ramp = RampLimiter(10.0, initial=5.0)
    assert (ramp.step(100.0, 0.5), ramp.value) == (10.0, 10.0)
    ramp.reset(0.0)
    assert ramp.step(-1.0, 1.0) == -1.0
    threshold = Hysteresis(on=60.0, off=50.0)
    assert [threshold.step(value) for value in (55.0, 61.0, 55.0, 49.0)] == [False, True, True, False]
