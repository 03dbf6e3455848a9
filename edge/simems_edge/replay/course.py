"""The course of a value over time, from a CSV: ``time_s,value``, evenly between its rows."""

from __future__ import annotations

import csv
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from pathlib import Path

from simems_edge.replay.problems import refusal


@dataclass(frozen=True)
class Course:
    """Times rise strictly; before the first and after the last its end value holds."""

    times_s: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, time_s: float) -> float:
        number = bisect_right(self.times_s, time_s)
        if number == 0:
            return self.values[0]
        if number == len(self.times_s):
            return self.values[-1]
        begin_s, end_s = self.times_s[number - 1], self.times_s[number]
        begin, end = self.values[number - 1], self.values[number]
        return begin + (end - begin) * (time_s - begin_s) / (end_s - begin_s)


def ramp(begin: float, end: float, duration_s: float) -> Course:
    return Course((0.0, duration_s), (begin, end))


def read_course(path: Path) -> Course:
    """Raises ReplayError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = next(reader, None)
            if header is None or len(header) != 2 or header[0] != "time_s":
                raise refusal(path, 1, "header", ",".join(header or []), "must be time_s,VALUE", "name two columns so")
            rows = [_row(path, cells, reader.line_num) for cells in reader]
    except OSError as error:
        raise refusal(path, 1, "(file)", "", error.strerror or "cannot be read", "check the path") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise refusal(path, 1, "(file)", "", str(error), "write plain CSV in UTF-8") from error
    times_s = tuple(time_s for time_s, _ in rows)
    if not rows or any(after <= before for before, after in pairwise(times_s)):
        raise refusal(path, 2, "time_s", "", "must rise strictly and have a row", "sort the rows by time")
    return Course(times_s, tuple(value for _, value in rows))


def _row(path: Path, cells: list[str], line: int) -> tuple[float, float]:
    try:
        time_s, value = (float(cell) for cell in cells)
    except ValueError:
        time_s = value = float("nan")
    if not (isfinite(time_s) and isfinite(value)):
        raise refusal(path, line, "row", ",".join(cells), "must be two finite numbers", "write time_s,value")
    return time_s, value
