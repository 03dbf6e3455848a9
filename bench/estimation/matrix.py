"""Chemistry x profile x temperature (and faults): the filter beside look-up and counting."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from simems_core import Cell, Ekf
from simems_edge.estimation import identify_cell, read_ocv, read_samples

from bench.estimation.chemistry import CHEMISTRIES, HELD_OUT_DEGC, NMC, TEMPERATURES_DEGC, Chemistry
from bench.estimation.dfn import Floats, Truth, capacity_ah, solve
from bench.estimation.measured import FAULTS, Measured, measure, with_fault
from bench.estimation.profiles import HELD_OUT, PROFILES, Profile
from bench.estimation.pulses import write_ocv, write_pulses

SETTLING_S = 1800
WRONG_BY = 0.20
CONVERGED = 0.05
NIS_BOUND = 3.841
"""95 % of a squared normal innovation lie below."""


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    chemistry: Chemistry
    profile: Profile
    temperature_degc: float
    fault: str = "none"
    held_out: bool = False
    """Sensors err the other way, and so does the start."""

    @property
    def name(self) -> str:
        fault = "" if self.fault == "none" else f", {self.fault}"
        return f"{self.chemistry.name} {self.profile.name} {self.temperature_degc:g} degC{fault}"


@dataclass(frozen=True)
class Result:
    """Root mean square errors in percent of SOC, after 30 minutes."""

    case: Case
    ekf: float
    look_up: float
    counting: float
    counting_true_start: float
    after_visit: float | None
    """LFP: after the first visit below 15 % or above 95 %; None without one."""
    converged_s: float | None
    within_two_sigma: float
    nis_coverage: float

    @property
    def goal(self) -> float | None:
        """Percent; None where only honesty of sigma is asked for."""
        if self.case.chemistry is NMC:
            return 1.0 if self.case.temperature_degc >= 25.0 else 2.0
        return None if self.after_visit is None else 3.0

    @property
    def judged(self) -> float:
        return self.ekf if self.case.chemistry is NMC or self.after_visit is None else self.after_visit

    @property
    def accurate(self) -> bool:
        """Within the goal, or inside two sigma 95 % of the time where there is none."""
        return self.within_two_sigma >= 0.95 if self.goal is None else self.judged <= self.goal

    @property
    def better(self) -> bool:
        """Than all three simple ways."""
        return self.ekf < min(self.look_up, self.counting, self.counting_true_start)


def cases() -> list[Case]:
    """All cells of the matrix; faults at 25 degC."""
    plain = [Case(c, p, t) for c in CHEMISTRIES for p in PROFILES for t in TEMPERATURES_DEGC]
    return plain + [Case(c, p, 25.0, fault) for c in CHEMISTRIES for p in PROFILES for fault in FAULTS[1:]]


def held_out_cases() -> list[Case]:
    """Other days, between the temperatures of the pulse tests; faults at the warmer one."""
    plain = [Case(c, p, t, held_out=True) for c in CHEMISTRIES for p in HELD_OUT for t in HELD_OUT_DEGC]
    warm = HELD_OUT_DEGC[-1]
    return plain + [Case(c, p, warm, f, held_out=True) for c in CHEMISTRIES for p in HELD_OUT for f in FAULTS[1:]]


@lru_cache(maxsize=4)
def identified(chemistry: Chemistry, wrong_capacity: bool) -> Cell:
    """From pulses and OCV files, through the same door as the command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_ocv(folder / "ocv.csv", chemistry)
        tests = [read_samples(path) for path in write_pulses(folder, chemistry)]
        found = identify_cell(tests, read_ocv(folder / "ocv.csv"), capacity_ah(chemistry)).cell
    if not wrong_capacity:
        return found
    sections = found.as_dict()
    return Cell(**{**sections, "capacity_ah": 1.05 * sections["capacity_ah"]})


def run(case: Case, hours: float) -> tuple[Result, Floats, Floats, Floats, Floats]:
    """(result, time in s, true SOC, estimated SOC, its sigma), all in percent."""
    truth = solve(case.chemistry, case.temperature_degc, case.profile.c_rate(hours), case.profile.initial_soc)
    sign = -1.0 if case.held_out else 1.0
    measured = with_fault(
        measure(truth, case.temperature_degc, seed=29 if case.held_out else 11, sign=sign), case.fault
    )
    cell = identified(case.chemistry, case.fault.startswith("capacity"))
    lower = (case.profile.initial_soc > 0.5) != case.held_out
    wrong = case.profile.initial_soc + (-WRONG_BY if lower else WRONG_BY)
    ekf = Ekf(cell, initial_soc_pct=100.0 * wrong)
    soc, sigma, innovation, variance = _estimated(ekf, measured)
    true = 100.0 * truth.soc[measured.time_s.astype(int)]
    result = _result(case, cell, truth, measured, (soc, sigma, innovation, variance), wrong)
    return result, measured.time_s, true, soc, sigma


def _estimated(ekf: Ekf, measured: Measured) -> tuple[Floats, Floats, Floats, Floats]:
    columns = (measured.time_s, measured.current_a, measured.voltage_v, measured.temperature_degc)
    soc, sigma, _, innovation, variance = ekf.run(*(array("d", column.tolist()) for column in columns))
    return np.array(soc), np.array(sigma), np.array(innovation), np.array(variance)


def _result(
    case: Case, cell: Cell, truth: Truth, measured: Measured, found: tuple[Floats, ...], wrong: float
) -> Result:
    soc, sigma, innovation, variance = found
    true = 100.0 * truth.soc[measured.time_s.astype(int)]
    settled = measured.time_s >= SETTLING_S
    used = settled & (variance > 0.0)
    nis = innovation[used] ** 2 / variance[used]
    look_up = np.array([cell.soc_at_pct(volts) for volts in measured.voltage_v])
    look_up = _held(np.where(np.isnan(measured.voltage_v), np.nan, look_up))
    capacity = float(cell.as_dict()["capacity_ah"])
    return Result(
        case,
        _rms((soc - true)[settled]),
        _rms((look_up - true)[settled]),
        _rms((_counted(measured, capacity, 100.0 * wrong) - true)[settled]),
        _rms((_counted(measured, capacity, 100.0 * case.profile.initial_soc) - true)[settled]),
        _after_visit(case, measured.time_s, true, soc),
        _converged_s(measured.time_s, np.abs(soc - true)),
        float(np.mean(np.abs(soc - true)[settled] <= 2.0 * sigma[settled])),
        float(np.mean(nis <= NIS_BOUND)),
    )


def _rms(error: Floats) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _held(values: Floats) -> Floats:
    """The last number where there is none."""
    places = np.where(np.isnan(values), 0, np.arange(values.size))
    return values[np.maximum.accumulate(places)]


def _counted(measured: Measured, capacity_ah: float, start_pct: float) -> Floats:
    """Coulomb counting, held between 0 and 100 as any counter is."""
    current = _held(measured.current_a)
    moved = 100.0 * current[1:] * np.diff(measured.time_s) / 3600 / capacity_ah
    out = np.empty_like(current)
    out[0] = start_pct
    for number, step in enumerate(moved, start=1):
        out[number] = min(100.0, max(0.0, out[number - 1] - step))
    return out


def _after_visit(case: Case, time_s: Floats, true: Floats, soc: Floats) -> float | None:
    visited = np.flatnonzero((true < 15.0) | (true > 95.0))
    if case.chemistry is NMC or not visited.size:
        return None
    after = time_s >= max(time_s[visited[0]], SETTLING_S)
    return _rms((soc - true)[after])


def _converged_s(time_s: Floats, error: Floats) -> float | None:
    """When the error last came below 5 points and stayed there for 10 minutes; None: never."""
    wide = np.flatnonzero(error > 100.0 * CONVERGED)
    if not wide.size:
        return 0.0
    inside_for = np.diff(np.concatenate([wide, [error.size]]))
    stays = np.flatnonzero(inside_for >= 600)
    return float(time_s[wide[stays[0]] + 1]) if stays.size else None


def table(results: Iterable[Result]) -> str:
    """Markdown; every case, also those that miss."""
    lines = [
        "| case | EKF | after visit | goal | look-up | counting | from true start | converged | in 2 sigma | NIS | |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(result) for result in results]
    return "\n".join(lines)


def _line(result: Result) -> str:
    after = "" if result.after_visit is None else f"{result.after_visit:.2f}"
    goal = "2 sigma" if result.goal is None else f"{result.goal:g}"
    converged = "never" if result.converged_s is None else f"{result.converged_s / 60:.0f} min"
    honest = 0.90 <= result.nis_coverage <= 0.99
    misses = [
        name for name, fine in (("goal", result.accurate), ("better", result.better), ("NIS", honest)) if not fine
    ]
    return (
        f"| {result.case.name} | {result.ekf:.2f} | {after} | {goal} | {result.look_up:.2f} | {result.counting:.2f} |"
        f" {result.counting_true_start:.2f} | {converged} | {100 * result.within_two_sigma:.0f} % |"
        f" {100 * result.nis_coverage:.1f} % | {'missed: ' + ', '.join(misses) if misses else 'met'} |"
    )
