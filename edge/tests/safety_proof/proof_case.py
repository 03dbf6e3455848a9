"""One case: a random site through the replay's player, judged row by row. A seed says all of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from unittest.mock import patch

from proof_adversary import entry_points
from proof_checker import Act, Checker, Row
from proof_plant import Plant, Troubles
from proof_sites import profiles, random_site
from simems_edge.config import Site
from simems_edge.controllers import registry
from simems_edge.replay.actions import Action
from simems_edge.replay.open_loop import Player
from simems_edge.replay.recording import InputRow

CYCLES = 200
MODES = ("AUTO", "PEAK_SHAVING", "SELF_CONSUMPTION", "SCHEDULE", "DROOP", "BACKUP", "ISLAND", "STANDBY", "RUN", "RUN")
LATCHING = frozenset({"emergency_stop", "cell_undervoltage", "cell_overvoltage", "cell_overtemperature",
                      "pack_undervoltage", "pack_overvoltage"})  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What one case showed."""

    seed: int
    cycles: int
    decisions: int
    latched: int
    """How often a latching fault was newly raised."""
    violations: list[str]


@contextmanager
def prepared() -> Iterator[None]:
    """The adversaries are installed and the proof's profiles known; what they raise is not logged."""
    types = {**registry.installed(), **entry_points()}
    logging.disable(logging.CRITICAL)
    try:
        with (
            patch.object(registry, "installed", lambda: types),
            patch.object(registry, "load_profile", profiles),
            patch("simems_edge.runtime.assembly.load_profile", profiles),
        ):
            yield
    finally:
        logging.disable(logging.NOTSET)


class Case:
    def __init__(self, seed: int, cycles: int = CYCLES) -> None:
        self._seed = seed
        self._cycles = cycles
        self._random = Random(seed)
        self.site = random_site(self._random)
        self._actions: list[Action] = []
        self._player = Player(Site.model_validate(self.site), self._actions)
        self._targets = self._player.runtime.assembly.actuators
        self._plant = Plant(self._random, self.site)
        readings = self._plant.readings()
        self._columns = sorted(address for address in readings if address in self._player.inputs)
        self._player.take(self._columns)
        self._places = {address: place for place, address in enumerate(self._columns)}
        self._troubles = Troubles(self._random, self._columns)
        self._checker = Checker(self.site)
        self._follows = self._random.random() < 0.7
        self._busy = self._random.choice([0.0, 0.02, 0.1])
        self._period_s = self._random.choice([0.1, 1.0, 1.0, None])

    def run(self) -> Result:
        time_s, still, latched = 0.0, True, 0
        violations: list[str] = []
        standing: frozenset[str] = frozenset()
        for number in range(self._cycles):
            values = self._values()
            still = still and self._follows and not self._plant.moved and self._troubles.calm
            acts = self._people(time_s)
            row = self._decide(time_s, values, acts)
            found = self._checker.judge(time_s, values, acts, row, still)
            violations += [f"seed {self._seed} row {number} ({time_s:g} s): {text}" for text in found]
            latched += len((row.faults - standing) & LATCHING)
            standing = row.faults
            if len(violations) > 5:
                break
            self._plant.step()
            if self._follows:
                self._plant.follow(row.setpoints)
            time_s = round(time_s + (self._period_s or self._random.choice([0.01, 0.3, 1.0, 3.0, 30.0, 70.0])), 3)
        return Result(self._seed, number + 1, (number + 1) * len(self._targets), latched, violations)

    def _values(self) -> dict[str, float]:
        readings = self._plant.readings()
        spoilt = self._troubles.spoil({address: readings[address] for address in self._columns})
        return {address: value for address, value in spoilt.items() if abs(value) != float("inf")}

    def _decide(self, time_s: float, values: dict[str, float], acts: list[Act]) -> Row:
        for act in acts:
            self._actions.append(Action(time_s, act.action, act.target, act.value, act.duration_s, 1))
        cells = [(self._places[address], value) for address, value in values.items()]
        decisions = self._player.decide(InputRow(time_s, cells))
        runtime = self._player.runtime
        return Row(
            {decision.address: decision.setpoint for decision in decisions},
            {decision.address: decision.reason for decision in decisions},
            runtime.state,
            frozenset(runtime.faults.codes()),
        )

    def _people(self, time_s: float) -> list[Act]:
        random, acts = self._random, []
        while random.random() < self._busy:
            acts.append(self._act(random))
        return acts

    def _act(self, random: Random) -> Act:
        kind = random.choice(["override", "override", "override", "set_mode", "clear_fault", "clear_fault", "estop"])
        duration_s = random.choice([0.0, 1.0, 5.0, 60.0])
        if kind == "override":
            target = random.choice(self._targets)
            value = 16.0 if target.endswith("_a") else 0.0 if "limit" in target else random.uniform(-1e5, 1e5)
            return Act(kind, target, repr(value), duration_s or 3600.0)
        if kind == "clear_fault":
            return Act(kind, random.choice(self._checker.clearable))
        if kind == "estop":
            return Act(kind, "site", random.choice(["1", "0", "0", ""]), duration_s)
        mode = "SHUTDOWN" if random.random() < 0.03 else random.choice(MODES)
        offered = self._checker.takes(mode)
        return Act(kind, "site", mode if offered else "AUTO", duration_s)


def run_case(seed: int, cycles: int = CYCLES) -> Result:
    """Inside :func:`prepared`."""
    return Case(seed, cycles).run()


def describe(seed: int) -> dict[str, Any]:
    """The site of a seed, to look at."""
    return random_site(Random(seed))
