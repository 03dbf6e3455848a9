"""Rules judged by hand: limits with time and hysteresis, silence of a channel, values that say nothing, anomalies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from simems_cloud.alarms.anomalies import Minutes, find, residual_w, unbalanced
from simems_cloud.alarms.judge import Look, judge
from simems_cloud.alarms.rules import BUILT_IN, Rule

T0 = datetime(2026, 3, 1, 10, tzinfo=UTC)
NAN = float("nan")


def rule(kind: Any, **fields: Any) -> Rule:
    return Rule(uuid4(), "Rule", kind, **fields)


def run(of: Rule, samples: list[tuple[int, float | None, int]]) -> list[tuple[int, str]]:
    """Feed (second, value, quality); the moves made."""
    since: datetime | None = None
    standing = False
    moves: list[tuple[int, str]] = []
    for second, value, quality in samples:
        at = T0 + timedelta(seconds=second)
        verdict = judge(of, Look(value, at, quality, True, since, standing), at)
        since = verdict.since
        if verdict.move != "stay":
            standing = verdict.move == "raise"
            moves.append((second, verdict.move))
    return moves


def test_a_limit_must_be_passed_for_its_time_and_left_by_its_hysteresis() -> None:
    warm = rule("above", threshold=45.0, hysteresis=3.0, for_s=120.0)
    values = [44, 46, 46, 44, 46, 47, 48, 44, 43, 42, 41]
    assert run(warm, [(60 * i, v, 0) for i, v in enumerate(values)]) == [(360, "raise"), (540, "clear")]
    low = rule("below", threshold=10.0, for_s=0.0)
    assert run(low, [(0, 10.0, 0), (1, 9.9, 0), (2, 10.0, 0)]) == [(1, "raise"), (2, "clear")]


@pytest.mark.parametrize(("value", "quality"), [(None, 0), (NAN, 0), (50.0, 1), (50.0, 2), (float("inf"), 0)])
def test_a_value_that_says_nothing_changes_nothing(value: float | None, quality: int) -> None:
    warm = rule("above", threshold=45.0, for_s=60.0)
    assert run(warm, [(0, value, quality), (120, value, quality)]) == []
    standing = Look(value, T0, quality, True, T0, True)
    assert judge(warm, standing, T0).move == "stay"
    interrupted = [(0, 50.0, 0), (30, value, quality), (60, 50.0, 0)]
    assert run(warm, interrupted) == [(60, "raise")]


def test_stale_is_told_of_a_channel_only_while_its_device_talks() -> None:
    stale = rule("stale", for_s=600.0)
    old = T0 - timedelta(seconds=601)
    assert judge(stale, Look(1.0, old, 1, True, None, False), T0).move == "raise"
    assert judge(stale, Look(1.0, old, 1, False, None, False), T0).move == "stay"
    assert judge(stale, Look(None, None, None, True, None, False), T0).move == "stay"
    assert judge(stale, Look(1.0, T0, 0, True, old, True), T0).move == "clear"
    assert judge(stale, Look(1.0, old, 1, False, old, True), T0).move == "stay"


def test_figures_that_cannot_be() -> None:
    soc = rule("range", low=0.0, threshold=100.0)
    fine = Minutes(5, 10.0, 90.0, 1.0, 0.0)
    assert find(soc, fine, "percent") is None
    assert find(soc, Minutes(5, -0.1, 90.0, 1.0, 0.0), "percent") is not None
    assert find(soc, Minutes(5, 10.0, 100.1, 1.0, 0.0), "percent") is not None
    jump = rule("jump", threshold=5.0)
    assert find(jump, Minutes(5, 40.0, 46.0, 5.0, 0.0), "percent") is None
    assert find(jump, Minutes(5, 40.0, 46.0, 5.1, 0.0), "percent") is not None
    assert find(jump, Minutes(5, 40.0, 46.0, 1.0, 46.0), "percent") is None, "a SOC may fall"
    assert find(jump, Minutes(5, 0.0, 9e6, 1.0, 9e6), "Wh") is not None, "a register may not"


def test_stuck_is_neither_zero_nor_little_data() -> None:
    stuck = rule("stuck", for_s=3600.0)
    assert find(stuck, Minutes(60, 812.0, 812.0, 0.0, 0.0), "W") is not None
    assert find(stuck, Minutes(53, 812.0, 812.0, 0.0, 0.0), "W") is None
    assert find(stuck, Minutes(60, 0.0, 0.0, 0.0, 0.0), "W") is None
    assert find(stuck, Minutes(60, 812.0, 813.0, 1.0, 0.0), "W") is None


def test_powers_must_add_up() -> None:
    balance = rule("balance", threshold=2000.0)
    powers = {"grid": 10e3, "pv": 30e3, "ess": -5e3, "evcs": 5e3, "load": 30e3}
    assert residual_w(powers) == 0
    assert unbalanced(balance, powers) is None
    assert unbalanced(balance, powers | {"load": 27_900.0}) is not None
    assert unbalanced(balance, powers | {"load": 28_100.0}) is None
    assert residual_w({"grid": 1.0, "load": None}) is None
    large = {"grid": 1e6, "pv": None, "ess": None, "evcs": None, "load": 0.96e6}
    assert unbalanced(balance, large) is None, "4 % of a large power is its meters' accuracy"


def test_built_in_rules_have_names_of_their_own() -> None:
    assert len({rule.rule_id for rule in BUILT_IN}) == len(BUILT_IN)
    assert Rule(uuid4(), "x", "above", channel="ess_0/*").pattern == r"ess\_0/%"
