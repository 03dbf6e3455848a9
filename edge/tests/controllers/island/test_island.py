"""The whole controller in the virtual plant: the loop over breaker, bond, battery, loads and sun is closed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from simems_edge.cli.site_file import checked_site
from simems_edge.config import Site
from simems_edge.controllers.island.sequence import Failure, Step
from simems_edge.replay import Scenario
from simems_edge.replay.closed_loop import ClosedLoop
from simems_edge.replay.closed_loop import Step as Turn

EXAMPLE = Path(__file__).parents[4] / "docs" / "controllers" / "island"
LOST = {"at": "10 s", "grid_loss": True}
CODE = "island_sequence_failed"


def scenario(events: list[dict[str, Any]], duration_s: float, **devices: Any) -> Scenario:
    base = yaml.safe_load((EXAMPLE / "scenario.yaml").read_text())
    base |= {"events": events, "duration": f"{duration_s:g} s"}
    base["plant"] = base["plant"] | {"devices": devices}
    return Scenario.model_validate(base)


def quick() -> Site:
    """The example, with a shorter way back."""
    site = checked_site(EXAMPLE / "site.yaml")
    (entry,) = site.controllers
    changed = entry.model_copy(update={"return_hold_s": 10, "ramp_back_s": 20})
    return site.model_copy(update={"controllers": (changed,)})


class Run:
    def __init__(self, events: list[dict[str, Any]], duration_s: float, **devices: Any) -> None:
        self.loop = ClosedLoop(quick(), scenario(events, duration_s, **devices))
        self.turns = list(self.loop.steps())

    def column(self, address: str) -> list[float]:
        handle = self.loop.runtime.image.handle(address)
        return [turn.snapshot.value(handle) for turn in self.turns]

    def steps(self) -> list[Step]:
        """Each once, in order."""
        found = [Step(int(value)) for value in self.column("island0/step") if value == value]  # noqa: PLR0124
        return [step for number, step in enumerate(found) if number == 0 or step != found[number - 1]]

    def failures(self) -> set[Failure]:
        values = self.column("island0/failure")
        return {Failure(int(value)) for value in values if value == value} - {Failure.NONE}  # noqa: PLR0124

    def first(self, test: Callable[[Turn], bool]) -> float:
        return next(turn.time_s for turn in self.turns if test(turn))

    def faults(self) -> list[str]:
        return self.loop.runtime.faults.codes()


def test_the_whole_way_with_the_plant() -> None:
    run = Run([LOST, {"at": "100 s", "grid_return": True}], 180.0)
    assert run.steps() == [
        Step.ON_GRID, Step.OPENING, Step.SHEDDING, Step.BONDING, Step.FORMING, Step.RESTORING, Step.ISLANDED,
        Step.SYNCHRONISING, Step.RETURNING, Step.RAMPING, Step.ON_GRID,
    ]  # fmt: skip
    assert run.failures() == set()
    assert run.faults() == []
    assert all(turn.truth["breaker0/shocks"] == 0.0 for turn in run.turns), "closed in step"
    closed = run.first(lambda turn: turn.time_s > 20.0 and turn.truth["breaker0/closed"] == 1.0)
    assert closed >= 110.0, "the grid was good for its time"
    alive = [turn for turn in run.turns if 40.0 <= turn.time_s <= 95.0]
    assert all(turn.truth["cooling0/active_power_w"] > 0.0 for turn in alive)
    assert {turn.control_mode for turn in alive} == {"ISLAND"}
    assert run.loop.runtime.states.requested_mode == "AUTO", "given back"


def test_no_setpoint_steps_further_than_its_ramp_on_the_way_back() -> None:
    run = Run([LOST, {"at": "60 s", "grid_return": True}], 140.0)
    limits = run.column("pv0/active_power_limit_w_setpoint")
    rising = [b - a for a, b in itertools.pairwise(limits) if b > a]
    assert max(rising[:-1]) <= 20_000.0 / 20.0 * 1.01 + 1e-6
    assert limits[-1] == 20_000.0


@pytest.mark.parametrize(
    ("device", "failure", "then"),
    [
        ("breaker0", Failure.SWITCH_NOT_OPEN, Step.FAILED),
        ("bond0", Failure.NOT_BONDED, Step.FAILED),
        ("ess0", Failure.NOT_FORMED, Step.FAILED),
    ],
)
def test_a_device_that_fails_ends_it_with_a_latched_fault(device: str, failure: Failure, then: Step) -> None:
    run = Run([{"at": "5 s", "fault": device}, LOST, {"at": "60 s", "repair": device}], 80.0)
    assert run.failures() == {failure}
    assert run.steps()[-1] == then
    assert CODE in run.faults()
    assert run.turns[-1].truth["site/live"] in (0.0, False)


def test_a_failed_island_joins_a_good_grid_by_itself_and_waits_for_the_clear() -> None:
    events: list[dict[str, Any]] = [
        {"at": "5 s", "fault": "bond0"},
        LOST,
        {"at": "40 s", "repair": "bond0"},
        {"at": "50 s", "grid_return": True},
        {"at": "120 s", "grid_loss": True},
        {"at": "140 s", "clear_fault": CODE},
    ]
    run = Run(events, 170.0)
    steps = run.steps()
    assert steps[steps.index(Step.FAILED) : steps.index(Step.FAILED) + 4] == [
        Step.FAILED, Step.RECLOSING, Step.RAMPING, Step.ON_GRID,
    ]  # fmt: skip
    second = run.first(lambda turn: turn.time_s > 100.0 and turn.truth["breaker0/closed"] == 0.0)
    assert second >= 140.0, "not before a person cleared the fault of the first"
    assert steps[-1] == Step.ISLANDED


def test_a_battery_that_trips_in_the_island_leaves_it_black_and_told() -> None:
    run = Run([LOST, {"at": "60 s", "fault": "ess0"}], 90.0)
    assert Failure.COLLAPSED in run.failures()
    assert run.steps()[-1] == Step.FAILED
    assert CODE in run.faults()


def test_a_silent_meter_begins_nothing() -> None:
    run = Run([{"at": "5 s", "silence": "grid0"}], 60.0)
    assert run.steps() == [Step.ON_GRID]
    assert run.turns[-1].truth["breaker0/closed"] == 1.0
