"""Named columns of numbers from a CSV file; what cannot be used is said with file, line, column and remedy."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from simems_edge.config import Problem, SiteError

if TYPE_CHECKING:
    from _csv import Reader as CsvReader


@dataclass(frozen=True)
class Columns:
    """``values`` by column name; ``lines``: the line in the file of each row."""

    path: Path
    values: dict[str, array[float]]
    lines: array[int]

    def refuse(self, row: int, column: str, message: str, remedy: str) -> SiteError:
        """A problem of one cell of the table."""
        return refusal(self.path, self.lines[row], column, f"{self.values[column][row]!r}", message, remedy)


def refusal(path: Path, line: int, where: str, value: str, message: str, remedy: str) -> SiteError:
    """One problem as an error."""
    return SiteError([Problem(str(path), line, where, value, message, remedy)])


def read_columns(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Columns:
    """Empty cells and ``nan`` become NaN; other columns are left out. Raises :class:`SiteError`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _read(path, csv.reader(stream), required, optional)
    except OSError as error:
        raise refusal(path, 1, "(file)", "", error.strerror or "cannot be read", "check the path") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise refusal(path, 1, "(file)", "", str(error), "write plain CSV in UTF-8") from error


def _read(path: Path, rows: CsvReader, required: Sequence[str], optional: Sequence[str]) -> Columns:
    header = [name.strip() for name in next(rows, [])]
    places = _places(path, header, required, optional)
    columns = Columns(path, {name: array("d") for name in places}, array("q"))
    for cells in rows:
        if not cells:
            continue
        if len(cells) != len(header):
            message = f"has {len(cells)} cells instead of {len(header)}"
            raise refusal(path, rows.line_num, "row", "", message, "give each column a cell, if empty")
        for name, place in places.items():
            columns.values[name].append(_number(path, rows.line_num, name, cells[place]))
        columns.lines.append(rows.line_num)
    if not columns.lines:
        raise refusal(path, 1, "(file)", "", "has no rows", "give the header at least one row of numbers")
    return columns


def _places(path: Path, header: list[str], required: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
    for name in required:
        if name not in header:
            raise refusal(path, 1, "header", ",".join(header)[:60], f"has no column {name}", f"add the column {name}")
    found = [name for name in (*required, *optional) if name in header]
    for name in found:
        if header.count(name) > 1:
            raise refusal(path, 1, "header", name, "names a column twice", "keep one of each")
    return {name: header.index(name) for name in found}


def _number(path: Path, line: int, name: str, cell: str) -> float:
    if not cell.strip():
        return nan
    try:
        return float(cell)
    except ValueError:
        remedy = "write a number, nan, or leave the cell empty"
        raise refusal(path, line, name, cell[:60], "is no number", remedy) from None
