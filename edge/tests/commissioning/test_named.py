"""The short form of the long proof (`make doctor-long`): faults of every kind by day and by night, healthy sites, and
sites made at random. A run takes about half a second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simems_edge.commissioning.checks import CHECKS
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.judge import BY_CODE, faults, judge
from simems_edge.commissioning.record import Record

from bench.doctor_cases import DAY, FAULTS, HEALTHY, LONGEST_S, NIGHT, Case, look_at_healthy, name_fault, run
from bench.doctor_long import STANDS_W, count_named, holds
from bench.doctor_random import random_healthy

SHORT = {
    "grid_ct_reversed", "grid_ct_reversed_one_phase", "phases_swapped", "battery_sign_inverted", "own_control_loop",
    "rating_lower", "ct_ratio_wrong", "meter_late", "soc_frozen", "signed_read_as_unsigned", "kw_taken_for_w",
    "word_order_wrong", "device_entered_twice", "unit_answered_by_another", "battery_follows_another",
    "energy_runs_back",
}  # fmt: skip
CASES = [case for case in FAULTS if case.code in SHORT]


def named_by(cases: tuple[Case, ...]) -> set[str]:
    return {case.code for case in cases}


def test_every_fault_of_the_list_has_a_check_and_every_check_a_case() -> None:
    assert named_by(FAULTS) == {check.code for check in CHECKS}
    assert len(FAULTS) == 25, "24 faults, the first of them as a whole and in one phase"
    assert all(check.remedy.endswith(".") and len(check.title) < 60 for check in CHECKS)
    hidden = {code for check in CHECKS for code in check.hides}
    assert hidden <= set(BY_CODE), "what is hidden exists"
    assert len(BY_CODE) == len(CHECKS)


@pytest.mark.parametrize("start", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_named_and_nothing_else_is(case: Case, start: str) -> None:
    one = name_fault(case, start, seed=5)
    assert one.right, f"{one.found} after {one.seconds:.0f} s; left out: {one.skipped}"
    assert one.seconds <= LONGEST_S
    if case.code != "own_control_loop":
        assert one.rest_w < STANDS_W, "the batteries stand at the end"


def test_pv_by_night_is_not_guessed() -> None:
    reversed_pv = next(case for case in FAULTS if case.code == "pv_meter_reversed")
    by_night, by_day = (name_fault(reversed_pv, start, seed=1) for start in (NIGHT, DAY))
    assert by_day.right
    assert not by_night.found
    assert "pv_meter_reversed" in by_night.not_tested
    assert count_named([by_night], NIGHT) == 23
    assert holds([by_day, by_night], [])


@pytest.mark.parametrize("number", [4, 6, 7], ids=lambda number: HEALTHY[number][0])
def test_a_healthy_site_is_left_alone(number: int) -> None:
    one = look_at_healthy(number, seed=9)
    assert not one.found
    assert one.rest_w < STANDS_W


@pytest.mark.parametrize("seed", [8, 25, 52, 112])
def test_a_healthy_site_of_any_size_is_left_alone(seed: int) -> None:
    """Sites on which an earlier form of the judgement was wrong."""
    assert not random_healthy(seed).found


@pytest.mark.parametrize("number", [0, 4])
def test_whenever_it_is_ended_no_fault_is_made_up(number: int) -> None:
    """Cut at any moment, as by Ctrl-C: too little is no evidence."""
    _, start, one, more = HEALTHY[number]
    outcome = run(one, start, **more)
    for moment_s in (3.0, 30.0, *range(62, 90, 3), *range(90, 500, 25)):
        evidence = Evidence(cut(outcome.record, moment_s), outcome.equipment, frozenset(outcome.equipment.devices))
        assert not [(v.check, v.evidence) for v in faults(judge(evidence))], f"after {moment_s} s"


def cut(record: Record, moment_s: float) -> Record:
    length = int(np.searchsorted(record.time_s, moment_s))
    stages = [replace(s, end_s=min(s.end_s, moment_s)) for s in record.stages if s.begin_s < moment_s]
    values, taken_s = ({k: v[:length] for k, v in columns.items()} for columns in (record.values, record.taken_s))
    return Record(record.time_s[:length], values, taken_s, tuple(stages))


def test_the_proof_can_fail() -> None:
    healthy = look_at_healthy(0, seed=1)
    alarmed = replace(healthy, found=(("ct_ratio_wrong", "grid0", 0.9),))
    missed = [replace(healthy, expected=code, on=("grid0",), start=DAY) for code in ("meter_late", "soc_frozen")]
    assert not holds([], [alarmed])
    assert not holds(missed, [healthy])
