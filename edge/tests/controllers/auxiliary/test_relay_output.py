"""Relays: conditions with hysteresis and delay, least times, switchings an hour, restarts."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rig import Rig
from simems_edge.controllers.auxiliary.conditions import Condition
from simems_edge.controllers.auxiliary.relay_output import RelayOutputSettings
from simems_edge.controllers.auxiliary.switching import HeldSwitch, SwitchTimes

S = 1_000_000_000
SURPLUS = {"channel": "grid0/active_power_w", "on": -5_000.0, "off": -1_000.0}


def relay(**more: Any) -> dict[str, Any]:
    times = {"minimum_on_s": 0.0, "minimum_off_s": 0.0}
    return (
        {"id": "out0", "type": "relay_output", "relay": "relay0", "when": ({"conditions": (SURPLUS,)},)} | times | more
    )


def on(rig: Rig) -> bool:
    return rig.setpoint("relay0/state") == 1.0


@pytest.mark.parametrize("period_s", [0.01, 0.1, 1.0])
def test_a_surplus_switches_on_and_off_with_a_band(period_s: float) -> None:
    """On at 5 kW of export, off at 1 kW."""
    rig = Rig(relay(), period_s=period_s)
    seen = []
    for load_w in (0.0, -4_999.0, -5_000.0, -1_001.0, -999.0):
        rig.step(load_w, 2.0)
        seen.append(on(rig))
    assert seen == [False, False, True, True, False]


@pytest.mark.parametrize("period_s", [0.1, 1.0])
def test_the_delay_counts_seconds_and_begins_anew(period_s: float) -> None:
    rig = Rig(relay(when=({"conditions": (SURPLUS | {"delay_s": 10.0},)},)), period_s=period_s)
    rig.step(-6_000.0, 9.0)
    rig.step(0.0, 1.0)
    rig.step(-6_000.0, 9.0)
    assert not on(rig)
    rig.step(-6_000.0, 4.0)
    assert on(rig)


def test_least_times_hold_whatever_the_conditions_say() -> None:
    rig = Rig(relay(minimum_on_s=30.0, minimum_off_s=20.0))
    rig.step(-6_000.0, 15.0)
    assert not on(rig), "a restart counts as just switched off"
    rig.step(-6_000.0, 8.0)
    assert on(rig)
    rig.step(0.0, 20.0)
    assert on(rig)
    rig.step(0.0, 12.0)
    assert not on(rig)


def test_a_restart_keeps_what_is_on_on_for_its_least_time() -> None:
    rig = Rig(relay(minimum_on_s=30.0))
    rig.values["relay0/state"] = 1.0
    rig.step(0.0, 10.0)
    assert on(rig)
    rig.step(0.0, 25.0)
    assert not on(rig)


@pytest.mark.parametrize("missing", [nan, None])
def test_a_missing_value_switches_nothing_on(missing: float | None) -> None:
    low = {"channel": "ess0/soc_pct", "on": 30.0, "off": 40.0}
    rig = Rig(relay(when=({"conditions": (low,)},)))
    rig.step(0.0, 5.0, soc_pct=20.0)
    assert on(rig)
    if missing is None:
        rig.silent = {"ess0/soc_pct"}
        rig.step(0.0, 60.0)
    else:
        rig.step(0.0, 5.0, soc_pct=missing)
    assert not on(rig)


def test_all_conditions_of_one_group_or_any_group() -> None:
    """(surplus and at least 90 %) or from 12:30 to 12:31."""
    full = {"channel": "ess0/soc_pct", "on": 90.0, "off": 80.0}
    lunch = {"spans": ({"begin": "12:30", "end": "12:31"},)}
    rig = Rig(
        relay(when=({"conditions": (SURPLUS, full)}, lunch)), start=datetime.fromisoformat("2026-06-01T12:29:30+02:00")
    )
    rig.step(-6_000.0, 10.0, soc_pct=50.0)
    assert not on(rig)
    rig.step(-6_000.0, 10.0, soc_pct=95.0)
    assert on(rig)
    rig.step(0.0, 30.0, soc_pct=50.0)
    assert on(rig), "12:30"
    rig.step(0.0, 60.0)
    assert not on(rig)


def test_spans_do_not_hold_while_the_clock_is_unknown() -> None:
    rig = Rig(relay(when=({"spans": ({},)},)))
    rig.runtime.wall_clock.recorded = True
    rig.step(0.0, 10.0)
    assert not on(rig)


def test_an_inverted_relay_is_released_to_be_on() -> None:
    rig = Rig(relay(inverted=True))
    rig.step(0.0, 5.0)
    assert on(rig), "closed: the load is off"
    rig.step(-6_000.0, 5.0)
    assert not on(rig)


@given(
    wishes=st.lists(st.tuples(st.booleans(), st.floats(0.1, 700.0)), max_size=80),
    minimum_on_s=st.floats(0.0, 300.0),
    minimum_off_s=st.floats(0.0, 300.0),
    most=st.one_of(st.none(), st.integers(1, 10)),
)
def test_never_too_short_and_never_too_often(
    wishes: list[tuple[bool, float]], minimum_on_s: float, minimum_off_s: float, most: int | None
) -> None:
    switch = HeldSwitch(SwitchTimes(minimum_on_s, minimum_off_s, most))
    now_ns, changes = 0, [(0, False)]
    switch.resume(on=False, now_ns=0)
    for wish, wait_s in wishes:
        now_ns += round(wait_s * S)
        if switch.step(wish, now_ns) != changes[-1][1]:
            changes.append((now_ns, switch.on))
    for (begin_ns, state), (end_ns, _) in pairwise(changes):
        assert (end_ns - begin_ns) / S >= (minimum_on_s if state else minimum_off_s) - 1e-6
    starts = [at_ns for at_ns, state in changes if state]
    for first in starts:
        assert sum(first <= at < first + 3600 * S for at in starts) <= (most or len(starts))


@given(values=st.lists(st.floats(-1e4, 1e4), max_size=50), on_at=st.floats(-5e3, 5e3), width=st.floats(1.0, 2e3))
def test_both_ways_of_a_condition_mirror_each_other(values: list[float], on_at: float, width: float) -> None:
    rising = Condition.model_validate({"channel": "a/b", "on": on_at, "off": on_at - width})
    falling = Condition.model_validate({"channel": "a/b", "on": -on_at, "off": width - on_at})
    high = low = False
    for value in values:
        high, low = rising.beyond(value, now_on=high), falling.beyond(-value, now_on=low)
        assert high == low


@pytest.mark.parametrize(
    "wrong",
    [
        {"when": ()},
        {"when": ({},)},
        {"when": ({"conditions": (SURPLUS | {"off": -5_000.0},)},)},
        {"when": ({"conditions": (SURPLUS | {"channel": "grid0"},)},)},
        {"minimum_on_s": -1.0},
        {"most_per_hour": 0},
    ],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, Any]) -> None:
    plain = {name: value for name, value in relay().items() if name not in {"id", "type"}}
    with pytest.raises(ValidationError):
        RelayOutputSettings.model_validate(plain | wrong)
