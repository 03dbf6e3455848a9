"""The grid guard allows for the slowest meter that any loop on it allows for."""

from __future__ import annotations

import pytest
from simems_edge.contracts import Controller
from simems_edge.controllers.closed_loop import LoopSettings
from simems_edge.controllers.optimisation.peak_shaving import PeakShaving, PeakShavingSettings
from simems_edge.controllers.optimisation.self_consumption import SelfConsumption, SelfConsumptionSettings
from simems_edge.runtime.guarding import loops_on

ENDS = {"grid": "grid0", "ess": "ess0"}


def loops() -> list[Controller]:
    peak = PeakShavingSettings.model_validate(ENDS | {"threshold_w": 60e3, "meter_delay_max_s": 9.0})
    own = SelfConsumptionSettings.model_validate(ENDS | {"battery_settle_s": 20.0})
    other = SelfConsumptionSettings.model_validate({"grid": "grid1", "ess": "ess0", "meter_delay_max_s": 30.0})
    return [PeakShaving("peak0", peak), SelfConsumption("self0", own), SelfConsumption("self1", other)]


def test_only_loops_on_the_same_meter_count() -> None:
    assert [loop.meter_delay_max_s for loop in loops_on("grid0", loops())] == [9.0, 4.0]
    assert [loop.meter_delay_max_s for loop in loops_on("grid1", loops())] == [30.0]


@pytest.mark.parametrize("controllers", [[], loops()])
def test_without_a_loop_the_defaults_hold(controllers: list[Controller]) -> None:
    assert loops_on("grid7", controllers) == [LoopSettings()]
