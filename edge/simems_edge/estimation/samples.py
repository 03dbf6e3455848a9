"""Measured data, pulse tests and the open-circuit voltage, checked."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simems_edge.estimation.columns import Columns, read_columns, refusal

SAMPLE_COLUMNS: Final = ("time_s", "current_a", "voltage_v", "temperature_degc")
REFERENCE_COLUMN: Final = "true_soc_pct"
REACHES_PCT: Final = 5.0
"""An OCV table may end so far from 0 and 100 and is continued along its last slope."""
DIP_V: Final = 0.01
"""An OCV that falls with SOC by more than this is no OCV."""
FLAT_GAP_V: Final = 0.0005

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Columns of equal length; current in A, discharge > 0; NaN where nothing was measured."""

    path: Path
    time_s: array[float]
    current_a: array[float]
    voltage_v: array[float]
    temperature_degc: array[float]
    true_soc_pct: array[float] | None
    """A reference to compare with, when the file has one."""

    @property
    def columns(self) -> tuple[array[float], array[float], array[float], array[float]]:
        """As the core takes them."""
        return self.time_s, self.current_a, self.voltage_v, self.temperature_degc


@dataclass(frozen=True)
class Ocv:
    """SOC from 0 to 100 %, mean OCV and half the gap between its branches (empty: no hysteresis)."""

    soc_pct: list[float]
    ocv_v: list[float]
    hysteresis_v: list[float]

    def as_dict(self) -> dict[str, list[float]]:
        """As the core takes it."""
        found = {"soc_pct": self.soc_pct, "ocv_v": self.ocv_v}
        return {**found, "hysteresis_v": self.hysteresis_v} if self.hysteresis_v else found


def read_samples(path: Path) -> Samples:
    """DATA.csv. Time must rise; readings may be missing or absurd, the estimator says so."""
    columns = read_columns(path, SAMPLE_COLUMNS, (REFERENCE_COLUMN,))
    _check_time(columns)
    return _samples(columns)


def read_pulses(path: Path) -> Samples:
    """PULSES.csv: as data, with every reading there."""
    columns = read_columns(path, SAMPLE_COLUMNS)
    _check_time(columns)
    _check_finite(columns)
    if not any(columns.values["current_a"]):
        raise refusal(path, 2, "current_a", "0", "never leaves 0", "give a test with pulses")
    return _samples(columns)


def _samples(columns: Columns) -> Samples:
    found = columns.values
    return Samples(
        columns.path,
        found["time_s"],
        found["current_a"],
        found["voltage_v"],
        found["temperature_degc"],
        found.get(REFERENCE_COLUMN),
    )


def read_ocv(path: Path) -> Ocv:
    """OCV.csv in any order of SOC; with both branches their mean is the OCV."""
    columns = read_columns(path, ("soc_pct", "ocv_v"), ("ocv_charge_v", "ocv_discharge_v"))
    _check_finite(columns)
    _check_soc(columns)
    table = {name: np.array(values) for name, values in columns.values.items()}
    order = np.argsort(table["soc_pct"])
    soc, mean = table["soc_pct"][order], table["ocv_v"][order]
    gap = np.zeros_like(mean)
    if "ocv_charge_v" in table and "ocv_discharge_v" in table:
        charge, discharge = table["ocv_charge_v"][order], table["ocv_discharge_v"][order]
        mean, gap = (charge + discharge) / 2, np.maximum((charge - discharge) / 2, 0.0)
    _check_rising(columns, order, mean)
    soc, mean, gap = _to_the_ends(soc, np.maximum.accumulate(mean), gap)
    return Ocv(soc.tolist(), mean.tolist(), gap.tolist() if float(gap.max()) > FLAT_GAP_V else [])


def _check_time(columns: Columns) -> None:
    times = columns.values["time_s"]
    for row, time_s in enumerate(times):
        if not isfinite(time_s) or (row and time_s <= times[row - 1]):
            raise columns.refuse(row, "time_s", "must be a number and rise from row to row", "sort the rows by time")


def _check_finite(columns: Columns) -> None:
    for name, values in columns.values.items():
        for row, value in enumerate(values):
            if not isfinite(value):
                raise columns.refuse(row, name, "is missing or infinite", "measure it, or remove the row")


def _check_soc(columns: Columns) -> None:
    values = columns.values["soc_pct"]
    if len(set(values)) < max(len(values), 3):
        last = len(values) - 1
        raise columns.refuse(last, "soc_pct", "stands twice, or there are less than 3 rows", "keep one row per SOC")
    for row, soc_pct in enumerate(values):
        if not 0.0 <= soc_pct <= 100.0:
            raise columns.refuse(row, "soc_pct", "is outside 0..100", "give percent of capacity")
    for end, reached in ((0.0, min(values)), (100.0, max(values))):
        if abs(end - reached) > REACHES_PCT:
            row = values.index(reached)
            raise columns.refuse(row, "soc_pct", f"is the last value towards {end:g} %", f"measure to {end:g} %")


def _check_rising(columns: Columns, order: NDArray[np.intp], mean: Floats) -> None:
    falls = np.flatnonzero(np.maximum.accumulate(mean) - mean > DIP_V)
    if falls.size:
        row = int(order[falls[0]])
        remedy = "check that SOC and voltage belong together"
        raise columns.refuse(row, "ocv_v", f"falls by more than {DIP_V * 1000:g} mV with rising SOC", remedy)


def _to_the_ends(soc: Floats, mean: Floats, gap: Floats) -> tuple[Floats, Floats, Floats]:
    """Continues the table to 0 and 100 along its outermost slopes."""
    if soc[0] > 0.0:
        below = mean[0] - soc[0] * (mean[1] - mean[0]) / (soc[1] - soc[0])
        soc, mean, gap = np.r_[0.0, soc], np.r_[below, mean], np.r_[gap[0], gap]
    if soc[-1] < 100.0:
        above = mean[-1] + (100.0 - soc[-1]) * (mean[-1] - mean[-2]) / (soc[-1] - soc[-2])
        soc, mean, gap = np.r_[soc, 100.0], np.r_[mean, above], np.r_[gap, gap[-1]]
    return soc, mean, gap
