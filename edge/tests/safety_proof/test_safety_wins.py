"""Safety always wins: random sites, modes, inputs, actions and controllers; 0 setpoints outside the hard limits.

The short form of `make safety-long`, which runs 100,000 cases; a seed says all of a case, so what one of them finds is
found again by its number.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from proof_case import CYCLES
from proof_checker import Checker, Row
from proof_long import SHORT, judged


def test_nothing_crosses_a_hard_limit() -> None:
    report = judged(range(1_000, 1_000 + SHORT), CYCLES)
    assert report.violations == []
    assert report.cycles == SHORT * CYCLES
    assert report.latched > 0, "faults were raised, and all stood until they were cleared"


# ---- the judge itself: it must find what is wrong

SITE: dict[str, Any] = {
    "site": {"grid": {"import_limit_w": 50_000.0, "export_limit_w": 20_000.0}},
    "components": (
        {"id": "grid0", "profile": "sunspec_meter"},
        {
            "id": "ess0",
            "profile": "sunspec_storage",
            "guards": {"soc_pct": [10.0, 90.0], "charge_temperature_degc": [0.0, 45.0], "ramp_w_per_s": 1_000.0},
        },
    ),
    "controllers": (),
}
GOOD = {
    "grid0/active_power_w": 10_000.0,
    "ess0/active_power_w": 0.0,
    "ess0/soc_pct": 50.0,
    "ess0/max_charge_power_w": 5_000.0,
    "ess0/max_discharge_power_w": 5_000.0,
    "ess0/cell_temperature_min_degc": 20.0,
    "ess0/cell_temperature_max_degc": 25.0,
}
P = "ess0/active_power_w"
REST = Row({P: 0.0}, {P: "self0"}, "RUN", frozenset())


@pytest.mark.parametrize(
    ("values", "setpoint_w", "finding"),
    [
        ({}, 0.0, ""),
        ({}, 5_000.0, ""),
        ({}, 5_001.0, "outside"),
        ({}, -5_001.0, "outside"),
        ({"ess0/soc_pct": 10.0}, 1.0, "outside"),
        ({"ess0/soc_pct": 10.0}, -1.0, ""),
        ({"ess0/soc_pct": 101.0}, 1.0, "outside"),
        ({"ess0/cell_temperature_min_degc": 0.0}, -1.0, "outside"),
        ({"ess0/max_discharge_power_w": float("nan")}, 1.0, "outside"),
        ({"grid0/active_power_w": float("nan")}, 1.0, "behind an unseen connection"),
        ({"site/estop": 1.0}, 0.0, "faults []"),
        ({"ess0/cell_temperature_max_degc": 60.0}, 0.0, "outside"),
    ],
)
def test_the_judge_finds_what_is_wrong(values: dict[str, float], setpoint_w: float, finding: str) -> None:
    checker = Checker(SITE)
    row = replace(REST, setpoints={P: setpoint_w})
    cold = values.get("ess0/cell_temperature_min_degc") == 0.0
    row = replace(row, faults=frozenset({"cell_too_cold_to_charge"})) if cold else row
    found = checker.judge(0.0, GOOD | values, [], row, False)
    if "ess0/cell_temperature_max_degc" in values:
        found = checker.judge(3.0, GOOD | values, [], replace(row, setpoints={P: -1.0}), False)
    assert (finding == "") == (found == []), found
    assert any(finding in text for text in found) or not finding


def test_the_judge_sees_a_limit_missed_that_could_be_held_and_a_ramp() -> None:
    values = GOOD | {f"grid0/active_power_w_l{phase}": 20_000.0 for phase in (1, 2, 3)}
    checker = Checker(SITE)
    found = checker.judge(0.0, values, [], REST, True)
    assert ["could move by 1.0 W" in text for text in found] == [True]
    checker = Checker(SITE)
    checker.judge(0.0, GOOD, [], REST, False)
    found = checker.judge(1.0, GOOD, [], replace(REST, setpoints={P: 1_500.0}), False)
    assert ["1000" in text for text in found] == [True]
