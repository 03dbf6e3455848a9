"""Plays a scenario table through the runtime and compares what comes out, cycle by cycle."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path

from simems_core import BAD, FORCED, GOOD, Clock, CoreError, Decision

from simems_edge.config import Site
from simems_edge.replay.actions import DOERS, Action, perform
from simems_edge.replay.problems import ReplayError
from simems_edge.replay.scenario_table import (
    FAULTS,
    REASON,
    Expected,
    Given,
    TableAction,
    TableCycle,
    TableFile,
    number_of,
)
from simems_edge.runtime import Runtime

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One value that is not as the table says."""

    line: int
    cycle: int
    """Counted from 1, repeats one by one."""
    time_s: float
    key: str
    expected: str
    found: str


def run_table(file: TableFile, site: Site) -> Iterator[Mismatch]:
    """Everything that differs, in order. Raises ReplayError for a table that does not fit the site."""
    with tempfile.TemporaryDirectory(prefix="simems-table-") as data:
        yield from _Player(file, site, Path(data)).mismatches()


class _Player:
    def __init__(self, file: TableFile, site: Site, data: Path) -> None:
        self._file = file
        self._site = site
        self._data = data
        start = file.table.start
        self._clock = Clock.simulated(0 if start is None else round(start.timestamp() * 1e6))
        self._runtime = Runtime(site, clock=self._clock, data=data)
        self._inputs: dict[str, float | None] = {}
        self._time_ns = 0
        self._number = 0

    def mismatches(self) -> Iterator[Mismatch]:
        self._take(self._file.table.inputs, ("inputs",))
        for position, cycle in enumerate(self._file.table.cycles):
            if cycle.restart:
                self._restart()
            self._take(cycle.inputs, ("cycles", position, "in"))
            for repeat in range(cycle.repeat):
                decisions = self._cycle(position, cycle, first=repeat == 0)
                yield from self._compare(position, "expect", cycle.expect, decisions)
            yield from self._compare(position, "then", cycle.then, decisions)
        self._runtime.stop()

    def _restart(self) -> None:
        """As after a kill: nothing is said to anybody, what was on disk is there."""
        self._runtime = Runtime(self._site, clock=self._clock, data=self._data)

    def _take(self, inputs: dict[str, Given], path: tuple[str | int, ...]) -> None:
        for address, value in inputs.items():
            if self._runtime.image.find(address) is None:
                raise self._error((*path, address), "is no channel of this site", "correct its name")
            try:
                self._inputs[address] = number_of(address, value)
            except ValueError as error:
                message, _, remedy = str(error).partition("; ")
                raise self._error((*path, address), message, remedy) from error

    def _cycle(self, position: int, cycle: TableCycle, *, first: bool) -> list[Decision]:
        if self._number:
            self._time_ns += round((cycle.step_s or self._file.table.step_s) * _NS)
        self._number += 1
        self._clock.advance_to(self._time_ns)
        for address, value in self._inputs.items():
            if value is not None:
                quality = BAD if isnan(value) else GOOD
                self._runtime.image.publish(self._runtime.image.handle(address), value, self._time_ns, quality)
        for number, action in enumerate(cycle.actions if first else ()):
            self._act(action, ("cycles", position, "do", number))
        return self._runtime.step(self._time_ns)

    def _act(self, action: TableAction, path: tuple[str | int, ...]) -> None:
        if action.action not in DOERS:
            raise self._error((*path, "action"), "is not known", f"use one of {', '.join(DOERS)}")
        if isinstance(action.value, bool):
            value = str(int(action.value))
        else:
            value = "" if action.value is None else str(action.value)
            if action.action == "override":
                value = str(number_of(action.target, action.value))
        line = self._file.document.line(path)
        row = Action(self._time_ns / _NS, action.action, action.target, value, action.duration_s or 0.0, line)
        perform(self._runtime, row, self._file.path)

    # ---- comparing

    def _compare(
        self, position: int, part: str, wanted: dict[str, object], decisions: list[Decision]
    ) -> Iterator[Mismatch]:
        for key, expected in wanted.items():
            path = ("cycles", position, part, key)
            found = self._found(key, decisions, path)
            if not self._fits(key, expected, found):
                line = self._file.document.line(path)
                shown = _shown(expected, self._file.table.tolerance)
                yield Mismatch(line, self._number, self._time_ns / _NS, key, shown, _shown(found))

    def _found(self, key: str, decisions: list[Decision], path: tuple[str | int, ...]) -> object:
        if key == FAULTS:
            return tuple(self._runtime.faults.codes())
        if key == "state":
            return self._runtime.state
        if key == "control_mode":
            return self._runtime.control_mode
        for decision in decisions:
            if key == decision.address:
                return decision.setpoint
            if key == decision.address + REASON:
                return decision.reason
        return self._channel(key, path)

    def _channel(self, key: str, path: tuple[str | int, ...]) -> float | None:
        snapshot = self._runtime.image.snapshot()
        try:
            handle = self._runtime.image.handle(key)
        except CoreError as error:
            raise self._error(path, "is no actuator or channel of this site", "correct its name") from error
        return snapshot.value(handle) if snapshot.quality(handle) in (GOOD, FORCED) else None

    def _fits(self, key: str, expected: object, found: object) -> bool:
        if isinstance(expected, tuple):
            return isinstance(found, tuple) and sorted(expected) == sorted(found)
        if isinstance(expected, str):
            return isinstance(found, str) and (expected in found if key.endswith(REASON) else expected == found)
        if expected is None:
            return found is None
        return isinstance(found, float) and isinstance(expected, Expected) and self._near(key, expected, found)

    def _near(self, key: str, expected: Expected, found: float) -> bool:
        value, minimum, maximum = (number_of(key, n) for n in (expected.value, expected.minimum, expected.maximum))
        within = number_of(key, expected.within)
        within = self._file.table.tolerance if within is None else within
        near = value is None or abs(found - value) <= within
        return near and (minimum is None or found >= minimum) and (maximum is None or found <= maximum)

    def _error(self, path: tuple[str | int, ...], message: str, remedy: str) -> ReplayError:
        return ReplayError([self._file.document.problem(path, message, remedy)])


def _shown(value: object, tolerance: float = nan) -> str:
    if isinstance(value, Expected):
        parts = [] if value.value is None else [f"{value.value} +- {value.within or tolerance}"]
        parts += [] if value.minimum is None else [f">= {value.minimum}"]
        parts += [] if value.maximum is None else [f"<= {value.maximum}"]
        return ", ".join(parts)
    if isinstance(value, tuple):
        return ";".join(map(str, value)) or "(none)"
    return "(not valid)" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
