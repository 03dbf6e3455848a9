"""The suggested tuning, in closed loop on the plant that it was measured on: as calm as the defaults, and quicker."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.tuning import suggested
from simems_edge.config import Site
from simems_edge.replay import Scenario
from simems_edge.replay.closed_loop import ClosedLoop

from bench.doctor_cases import NIGHT, run, site

QUICK = {"grid0": {"delay": 0.2, "interval": 0.2, "noise_w": 20.0}}
LATE = {
    "grid0": {"delay": 1.5, "interval": 1.0, "noise_w": 40.0},
    "ess0": {"time_constant": 1.0, "dead_time": 0.6, "max_charge_w": 40_000.0, "max_discharge_w": 40_000.0},
}
STEP_S = 90.0


def tuned(one: Site, settings: dict[str, float]) -> Site:
    entry = one.controllers[0]
    changed = entry.model_validate({**entry.model_dump(), **settings})
    return one.model_copy(update={"controllers": (changed,)})


def settling(one: Site) -> tuple[float, float]:
    """Seconds until the grid is back at 0 after a load step of 8 kW, and its standard deviation before the step."""
    scenario = Scenario.model_validate(
        {
            "start": NIGHT, "duration": 180.0, "step": 0.2,
            "events": [
                {"at": 0.0, "set": "site/load_power_w", "value": 12_000.0},
                {"at": 0.0, "set": "load0/power_w", "value": 1_000.0},
                {"at": STEP_S, "set": "load0/power_w", "value": 9_000.0},
            ],
        }
    )  # fmt: skip
    seen = [(step.time_s, step.truth["site/grid_power_w"]) for step in ClosedLoop(one, scenario).steps()]
    time_s, grid_w = (np.array(column) for column in zip(*seen, strict=True))
    away = time_s[(np.abs(grid_w) > 500.0) & (time_s >= STEP_S)]
    return float(away.max(initial=STEP_S) - STEP_S), float(np.std(grid_w[(time_s > 45.0) & (time_s < STEP_S)]))


@pytest.mark.parametrize("devices", [QUICK, LATE], ids=["quick meter", "late meter, slow battery"])
def test_the_tuned_loop_is_calm_and_not_slower_than_the_default(devices: dict[str, dict[str, Any]]) -> None:
    defaults = site(devices=devices, meter_delay_max_s=4.0)
    outcome = run(defaults, NIGHT)
    settings = dict(suggested(Evidence(outcome.record, outcome.equipment)))
    assert settings["meter_delay_max_s"] > devices["grid0"]["delay"], "never less than what was measured"
    before, after = settling(defaults), settling(tuned(defaults, settings))
    assert after[1] < 250.0, "it does not swing"
    assert after[0] <= before[0] + 0.5
    assert after[0] < 20.0
