"""The cells of the virtual battery: physics that must hold, and an estimator on top of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from statistics import fmean

import pytest
from simems_edge.cli.site_file import checked_site
from simems_edge.config import SimulatedCells, SimulatedDevice
from simems_edge.devices import load_profile
from simems_edge.devices.sunspec_view import model_values
from simems_edge.replay import Scenario, load_scenario
from simems_edge.replay.closed_loop import ClosedLoop
from simems_edge.sim.battery import Battery
from simems_edge.sim.cells import CAPACITY_AH, CellStack
from simems_edge.sim.chains import CELLS, build_chain

DEMO = Path(__file__).parents[3] / "demo"
ONE = SimulatedCells(series=1)


def test_a_cell_at_rest_has_the_voltage_of_its_charge() -> None:
    volts = [CellStack(ONE, soc / 20).cell_voltage_v for soc in range(21)]
    assert all(low < high for low, high in pairwise(volts))
    assert volts[0] == pytest.approx(2.5, abs=0.1)
    assert volts[-1] == pytest.approx(4.2, abs=0.05)


def test_charge_is_what_current_makes_it() -> None:
    stack, soc, drawn_as = CellStack(SimulatedCells(series=100, parallel=10), 0.8), 0.8, 0.0
    for _ in range(1800):
        soc -= stack.draw(10_000.0, soc, 1.0)
        drawn_as += stack.current_a
        assert stack.voltage_v * stack.current_a == pytest.approx(10_000.0, rel=0.01)
    assert 0.8 - soc == pytest.approx(drawn_as / 3600 / (10 * CAPACITY_AH), rel=1e-9)


def test_load_lowers_the_voltage_and_rest_brings_it_back() -> None:
    stack, soc = CellStack(ONE, 0.6), 0.6
    rested = stack.cell_voltage_v
    for _ in range(120):
        soc -= stack.draw(15.0, soc, 1.0)
    loaded = stack.cell_voltage_v
    for _ in range(3600):
        soc -= stack.draw(0.0, soc, 1.0)
    assert loaded < rested - 0.05
    assert rested > stack.cell_voltage_v > rested - 0.05
    for _ in range(120):
        soc -= stack.draw(-15.0, soc, 1.0)
    assert stack.cell_voltage_v > rested


def test_the_length_of_a_step_hardly_matters() -> None:
    found = []
    for dt_s in (0.1, 1.0, 30.0):
        stack, soc = CellStack(ONE, 0.7), 0.7
        for _ in range(round(600 / dt_s)):
            soc -= stack.draw(8.0, soc, dt_s)
        found.append((soc, stack.cell_voltage_v))
    assert all(soc == pytest.approx(found[0][0], abs=1e-3) for soc, _ in found)
    assert all(volts == pytest.approx(found[0][1], abs=3e-3) for _, volts in found)


@pytest.mark.parametrize("power_w", [-60_000.0, 60_000.0])
def test_a_battery_of_cells_stays_between_empty_and_full(power_w: float) -> None:
    battery = Battery(SimulatedDevice(cells=SimulatedCells(series=200, parallel=32, soc_error_pct=7.0)))
    for _ in range(5 * 360):
        battery.command(power_w)
        battery.step(10.0)
        assert 0.0 <= battery.energy_wh <= battery.capacity_wh
        assert 2.0 < battery.cell_readings()["cell_voltage_min_v"] < 4.6
    assert battery.shown_soc_pct == min(battery.soc_pct + 7.0, 100.0)


def test_without_cells_nothing_of_them_is_shown() -> None:
    battery = Battery(SimulatedDevice())
    assert battery.cell_readings() == {}
    assert battery.shown_soc_pct == battery.soc_pct


def _hours(hours: float) -> Scenario:
    return load_scenario(DEMO / "day.yaml").model_copy(update={"duration_s": hours * 3600.0})


def test_the_demonstrations_battery_is_estimated_in_closed_loop() -> None:
    loop = ClosedLoop(checked_site(DEMO / "site.yaml"), _hours(2.0))
    estimate, valid = (loop.runtime.image.handle(f"ess0/{name}") for name in ("soc_est_pct", "soc_valid"))
    settled = [step for step in loop.steps() if step.time_s > 1800]
    errors = [step.snapshot.value(estimate) - step.truth["ess0/soc_pct"] for step in settled]
    assert fmean(map(abs, errors)) < 1.0
    assert all(step.snapshot.value(valid) == 1.0 for step in settled)


def test_what_the_cells_show_is_read_back_through_sunspec() -> None:
    battery = Battery(SimulatedDevice(cells=SimulatedCells(series=200, parallel=32)))
    battery.command(40_000.0)
    for _ in range(20):
        battery.step(1.0)
    chain = build_chain("ess", "ess0", 60_000.0, 120_000.0, more=CELLS)
    registers, shown = list(chain.registers), battery.cell_readings()
    models = {}
    for placed in chain.models:
        placed.encode(shown, registers)
        length = placed.definition.length + 2
        models[placed.definition.id] = registers[placed.offset : placed.offset + length]
    read = model_values(load_profile("sunspec_storage"), models)
    assert read["dc_current_a"] == pytest.approx(shown["dc_current_a"], abs=0.06)
    assert read["dc_voltage_v"] == pytest.approx(shown["dc_voltage_v"], abs=0.06)
    for name in ("cell_voltage_min_v", "cell_voltage_max_v"):
        assert read[name] == pytest.approx(shown[name], abs=0.0006)
    for name in ("cell_temperature_min_degc", "cell_temperature_max_degc"):
        assert read[name] == pytest.approx(25.0, abs=0.06)
