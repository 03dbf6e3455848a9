"""Reads the INPUT of a replay: ``time_s`` strictly rising, one column per channel; empty = no new value."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from math import isfinite, isinf, isnan
from pathlib import Path
from typing import Final, NamedTuple

from simems_edge.replay.problems import ReplayError, refusal

STAMP: Final = "@time_s"
"""End of a column that says when the samples of a channel were taken."""
_NO_STAMPS: Final[Mapping[int, float]] = {}


class InputRow(NamedTuple):
    """One cycle: its time and the new values by column number."""

    time_s: float
    values: list[tuple[int, float]]
    taken_s: Mapping[int, float] = _NO_STAMPS
    """By column number, when the sample was taken; the others at the cycle's time."""


class Recording:
    """``columns``: channel addresses, in the file's order. Iterating reads the file again."""

    def __init__(self, path: Path, known: Collection[str]) -> None:
        self._path = path
        with self._open() as rows:
            header = next(rows.reader, None)
        self.columns = self._checked(header, known)
        """Channels."""

    def __iter__(self) -> Iterator[InputRow]:
        last_s = float("-inf")
        with self._open() as rows:
            next(rows.reader)
            for cells in rows.reader:
                row = self._row(cells, rows.reader.line_num, last_s)
                last_s = row.time_s
                yield row

    def _open(self) -> _Rows:
        return _Rows(self._path)

    def _checked(self, header: list[str] | None, known: Collection[str]) -> list[str]:
        if not header or header[0] != "time_s":
            raise self._error(1, "column 1", header[0] if header else "", "must be time_s", "name the first column so")
        for number, name in enumerate(header[1:], start=2):
            if name not in known and not (name.removesuffix(STAMP) in header and name.endswith(STAMP)):
                remedy = "remove the column or correct its name"
                raise self._error(1, f"column {number}", name, "is no channel of this site", remedy)
        if len(set(header)) != len(header):
            raise self._error(1, "header", "", "names a column twice", "keep one of each")
        names = [name for name in header[1:] if not name.endswith(STAMP)]
        positions = {name: position for position, name in enumerate(header)}
        if [positions[name] for name in names] != list(range(1, len(names) + 1)):
            raise self._error(1, "header", "", f"has a {STAMP} column before a channel", "put them all behind")
        self._cells = len(header)
        self._stamps = [
            (positions[name], n) for n, name in enumerate(f"{c}{STAMP}" for c in names) if name in positions
        ]
        return names

    def _row(self, cells: list[str], line: int, last_s: float) -> InputRow:
        if len(cells) != self._cells:
            message = f"has {len(cells)} cells instead of {self._cells}"
            raise self._error(line, "row", "", message, "give each column a cell, if empty")
        time_s = self._number(cells[0], line, "time_s")
        if not isfinite(time_s) or time_s < 0.0 or time_s <= last_s:
            raise self._error(line, "time_s", cells[0], "must be 0 or more and rise", "sort the rows by time")
        values = self._values(cells, line)
        return InputRow(time_s, values, self._taken(cells, line) if self._stamps else _NO_STAMPS)

    def _values(self, cells: list[str], line: int) -> list[tuple[int, float]]:
        """Without a look at each cell while all is well: this is the hot path."""
        given = cells[1 : len(self.columns) + 1]
        try:
            values = [(n, float(cell)) for n, cell in enumerate(given) if cell]
        except ValueError:
            values = []
        if not values or any(isinf(value) for _, value in values):
            pairs = enumerate(zip(given, self.columns, strict=True))
            return [(n, self._value(cell, line, name)) for n, (cell, name) in pairs if cell != ""]
        return values

    def _taken(self, cells: list[str], line: int) -> dict[int, float]:
        taken = {n: self._number(cells[at], line, self.columns[n]) for at, n in self._stamps if cells[at] != ""}
        if not all(map(isfinite, taken.values())):
            raise self._error(line, STAMP, "", "holds no finite time", "write seconds, or leave the cell empty")
        return taken

    def _value(self, cell: str, line: int, name: str) -> float:
        value = self._number(cell, line, name)
        if not (isfinite(value) or isnan(value)):
            raise self._error(line, name, cell, "is infinite", "write a finite number, nan, or leave the cell empty")
        return value

    def _number(self, cell: str, line: int, name: str) -> float:
        try:
            return float(cell)
        except ValueError:
            remedy = "write a number, nan, or leave the cell empty"
            raise self._error(line, name, cell, "is no number", remedy) from None

    def _error(self, line: int, path: str, value: str, message: str, remedy: str) -> ReplayError:
        return refusal(self._path, line, path, value, message, remedy)


class _Rows:
    """An open CSV file; what cannot be read becomes a ReplayError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _Rows:
        try:
            self._stream = self._path.open(encoding="utf-8-sig", newline="")
        except OSError as error:
            message = error.strerror or "cannot be read"
            raise refusal(self._path, 1, "(file)", "", message, "check the path") from error
        self.reader = csv.reader(self._stream)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._stream.close()
        if isinstance(error, csv.Error | UnicodeDecodeError):
            line = self.reader.line_num
            raise refusal(self._path, line, "row", "", str(error), "write plain CSV in UTF-8") from error
