"""The two contacts of the SG Ready label: the table of states, least times, the two hours of a block, restarts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rig import Rig
from simems_edge.controllers.auxiliary.sg_ready import (
    BLOCKED,
    ENCOURAGED,
    FORCED,
    NORMAL,
    PumpState,
    SgReadySettings,
    next_state,
    wanted_state,
)

S = 1_000_000_000
RELAYS = {"relay1": "relay0", "relay2": "relay1"}
PEAK = {"conditions": ({"channel": "grid0/active_power_w", "on": 80_000.0, "off": 60_000.0},)}
SOME = {"conditions": ({"channel": "grid0/active_power_w", "on": -3_000.0, "off": 0.0},)}
MUCH = {"conditions": ({"channel": "grid0/active_power_w", "on": -20_000.0, "off": -10_000.0},)}


def pump(**more: Any) -> dict[str, Any]:
    wishes = {"block": (PEAK,), "encourage": (SOME,), "force": (MUCH,)}
    return {"id": "heat0", "type": "sg_ready", "minimum_state_s": 0.0} | RELAYS | wishes | more


def contacts(rig: Rig) -> tuple[float, float]:
    return rig.setpoint("relay0/state"), rig.setpoint("relay1/state")


def test_the_table_of_the_label() -> None:
    """State 1: 1, 0; state 2: 0, 0; state 3: 0, 1; state 4: 1, 1."""
    rig = Rig(pump())
    seen = []
    for load_w in (10_000.0, 90_000.0, 10_000.0, -5_000.0, -25_000.0, -5_000.0):
        rig.step(load_w, 5.0)
        seen.append(contacts(rig))
    assert seen == [(0, 0), (1, 0), (0, 0), (0, 1), (1, 1), (0, 1)]


def test_of_several_wishes_the_block_comes_first() -> None:
    assert wanted_state(block=True, force=True, encourage=True) == BLOCKED
    assert wanted_state(block=False, force=True, encourage=True) == FORCED
    assert wanted_state(block=False, force=False, encourage=True) == ENCOURAGED
    assert wanted_state(block=False, force=False, encourage=False) == NORMAL


def test_each_state_stays_its_least_time() -> None:
    rig = Rig(pump(minimum_state_s=60.0))
    rig.step(-5_000.0, 55.0)
    assert contacts(rig) == (0, 0)
    rig.step(-5_000.0, 10.0)
    assert contacts(rig) == (0, 1)
    rig.step(90_000.0, 50.0)
    assert contacts(rig) == (0, 1)
    rig.step(90_000.0, 15.0)
    assert contacts(rig) == (1, 0)


@pytest.mark.parametrize("period_s", [0.1, 1.0])
def test_a_block_ends_after_its_longest_and_rests(period_s: float) -> None:
    rig = Rig(pump(longest_block_s=60.0, block_rest_s=120.0), period_s=period_s)
    rig.step(90_000.0, 59.0)
    assert contacts(rig) == (1, 0)
    rig.step(90_000.0, 4.0)
    assert contacts(rig) == (0, 0)
    rig.step(90_000.0, 110.0)
    assert contacts(rig) == (0, 0), "the rest is not over"
    rig.step(90_000.0, 12.0)
    assert contacts(rig) == (1, 0)


def test_a_block_over_a_restart_goes_on_counting(tmp_path: Path) -> None:
    """50 s blocked, the edge is started again with contact 1 still closed: 10 s are left."""
    settings = pump(longest_block_s=60.0, block_rest_s=600.0)
    first = Rig(settings, data=tmp_path)
    first.step(90_000.0, 50.0)
    first.runtime.retained.keep(first.clock.now_ns(), at_once=True)
    again = Rig(settings, data=tmp_path)
    again.values["relay0/state"] = 1.0
    again.step(90_000.0, 6.0)
    assert contacts(again) == (1, 0)
    again.step(90_000.0, 10.0)
    assert contacts(again) == (0, 0)


def test_a_block_that_a_restart_ended_is_followed_by_its_rest(tmp_path: Path) -> None:
    settings = pump(longest_block_s=60.0, block_rest_s=600.0)
    first = Rig(settings, data=tmp_path)
    first.step(90_000.0, 50.0)
    first.runtime.retained.keep(first.clock.now_ns(), at_once=True)
    again = Rig(settings, data=tmp_path)
    again.step(90_000.0, 300.0)
    assert contacts(again) == (0, 0)


def test_a_lost_meter_leaves_the_pump_to_itself() -> None:
    rig = Rig(pump())
    rig.step(-25_000.0, 5.0)
    rig.silent = {"grid0/active_power_w"}
    rig.step(-25_000.0, 30.0)
    assert contacts(rig) == (0, 0)


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(0.1, 900.0)), max_size=100))
def test_never_blocked_for_longer_and_every_state_its_time(wishes: list[tuple[int, float]]) -> None:
    settings = SgReadySettings.model_validate(
        {"relay1": "a", "relay2": "b", "block": (PEAK,), "minimum_state_s": 300.0, "longest_block_s": 3_600.0}
    )
    now_ns, pump_state = 0, PumpState(NORMAL, 0)
    changes, longest_step_s = [(0, NORMAL)], 0.0
    for wanted, dt_s in wishes:
        now_ns += round(dt_s * S)
        longest_step_s = max(longest_step_s, dt_s)
        pump_state = next_state(pump_state, wanted, now_ns, dt_s, settings)
        if pump_state.state != changes[-1][1]:
            changes.append((now_ns, pump_state.state))
    changes.append((now_ns, 0))
    for (begin_ns, state), (end_ns, following) in pairwise(changes):
        held_s = (end_ns - begin_ns) / S
        if state == BLOCKED:
            assert held_s <= 3_600.0 + 2.0 * longest_step_s
        if following:
            assert held_s >= 300.0 - 1e-6


@pytest.mark.parametrize(
    "wrong", [{"relay2": "relay0"}, {"block": (), "encourage": (), "force": ()}, {"longest_block_s": 7_201.0}]
)
def test_settings_that_cannot_be_meant(wrong: dict[str, Any]) -> None:
    plain = {name: value for name, value in pump().items() if name not in {"id", "type"}}
    with pytest.raises(ValidationError):
        SgReadySettings.model_validate(plain | wrong)
