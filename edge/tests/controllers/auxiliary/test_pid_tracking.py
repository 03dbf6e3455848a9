"""Tracking by a PID: the first steps by hand, limits and ramp, held back by others, cycles of 10 to 1000 ms."""

from __future__ import annotations

from itertools import pairwise
from math import nan
from typing import Any

import pytest
from pydantic import ValidationError
from rig import Rig
from simems_edge.controllers.auxiliary.pid_tracking import PidTrackingSettings

TRACK = {
    "id": "pid0",
    "type": "pid_tracking",
    "measured": "grid0/active_power_w",
    "target": 20_000.0,
    "ess": "ess0",
    "kp": 0.0,
    "ki": -0.5,
    "minimum": -30_000.0,
    "maximum": 30_000.0,
    "ramp_per_s": 20_000.0,
}
"""More discharge lowers the grid: negative gains."""


def test_the_first_steps_by_hand() -> None:
    """Grid 30 kW, target 20 kW: error -10 kW. u' = -0.5 x -10 kW = 5 kW/s: after 1 s 5 kW, grid 25 kW.
    The first sample only says where it stands."""
    rig = Rig(TRACK)
    powers = [rig.step(30_000.0) for _ in range(4)]
    begin = powers.index(next(p for p in powers if p > 0.0))
    assert powers[begin] == pytest.approx(5_000.0)


@pytest.mark.parametrize("period_s", [0.01, 0.1, 1.0])
def test_it_settles_at_the_target_at_every_cycle(period_s: float) -> None:
    rig = Rig(TRACK, period_s=period_s)
    rig.step(30_000.0, 40.0)
    assert rig.grid_w == pytest.approx(20_000.0, abs=50.0)


def test_seconds_are_the_same_at_every_cycle() -> None:
    """A first order with 2 s: 63 % after 2 s, within the larger of one cycle and 5 %."""
    reached = {}
    for period_s in (0.01, 0.1):
        rig = Rig(TRACK, period_s=period_s)
        rig.step(20_000.0, 1.0)
        cycles = 0
        while rig.power_w < 0.632 * 10_000.0 and cycles < 1_000:
            rig.step(30_000.0)
            cycles += 1
        reached[period_s] = cycles * period_s
    assert reached[0.01] == pytest.approx(2.0, rel=0.05)
    assert reached[0.1] == pytest.approx(reached[0.01], abs=0.2)


def test_it_stays_inside_its_limits_and_comes_back_without_windup() -> None:
    rig = Rig(TRACK)
    assert rig.step(120_000.0, 60.0) == 30_000.0
    back = [rig.step(10_000.0) for _ in range(20)]
    assert back[1] < 30_000.0, "no integral to be worked off"
    assert back[-1] == pytest.approx(-10_000.0, abs=100.0)


def test_it_moves_by_its_ramp_at_most() -> None:
    rig = Rig(TRACK | {"kp": -2.0, "ramp_per_s": 1_000.0})
    powers = [rig.step(60_000.0) for _ in range(20)]
    assert max(b - a for a, b in pairwise(powers)) <= 1_000.0 + 1e-6


def test_a_missing_value_withdraws_at_once_and_it_starts_afresh() -> None:
    rig = Rig(TRACK)
    rig.step(30_000.0, 20.0)
    rig.values["grid0/active_power_w"] = nan
    rig.silent = {"grid0/active_power_w"}
    rig.step(30_000.0, 30.0)
    assert rig.power_w == 0.0
    rig.silent = set()
    first = rig.step(30_000.0)
    assert abs(first) <= 5_000.0, "not from where it stood before"
    rig.step(30_000.0, 30.0)
    assert rig.grid_w == pytest.approx(20_000.0, abs=50.0)


def test_held_back_by_a_person_it_goes_on_from_there() -> None:
    rig = Rig(TRACK)
    rig.step(30_000.0, 20.0)
    rig.runtime.overrides.set("ess0/active_power_w", 25_000.0, duration_s=30.0, reason="test", actor="test")
    rig.step(30_000.0, 20.0)
    assert rig.power_w == 25_000.0
    rig.runtime.overrides.clear("ess0/active_power_w", "test")
    after = [rig.step(30_000.0) for _ in range(5)]
    moves = [abs(b - a) for a, b in zip([25_000.0, *after], after, strict=False)]
    assert max(moves) <= 20_000.0 * 0.5, "half the error in a second, no bump"


@pytest.mark.parametrize(
    "wrong",
    [{"ess": None}, {"pv": "pv0"}, {"minimum": 30_000.0}, {"kp": 1.0}, {"kd": -1.0}, {"ramp_per_s": 0.0}],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, Any]) -> None:
    plain = {name: value for name, value in TRACK.items() if name not in {"id", "type"}}
    with pytest.raises(ValidationError):
        PidTrackingSettings.model_validate(plain | wrong)
