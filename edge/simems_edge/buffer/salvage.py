"""Gets out of a damaged database whatever can still be read, row by row.

The damaged file is only read. A row whose page is broken is skipped; what the database's order hides behind a broken
page is found by asking for each number. Bounded in time: a box must start.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

BUDGET_S: Final = 5.0
"""Time for the whole salvage; what is not reached is lost, and the file stays set aside for a person."""
COLUMNS: Final = {
    "layouts": ("id", "body"),
    "frames": ("sequence", "kind", "from_us", "to_us", "created_us", "body"),
    "blocks": (
        "id", "first_sequence", "last_sequence", "shift", "from_us", "to_us", "frames", "rows", "thinned", "layout",
        "summary", "body",
    ),
    "refused": ("sequence", "kind", "body", "reason", "refused_us"),
    "state": ("name", "value"),
}  # fmt: skip
"""In the order in which they are written again."""


@dataclass
class Salvaged:
    """Rows read, by table."""

    rows: dict[str, int] = field(default_factory=dict)
    complete: bool = True
    """Nothing was skipped, as far as can be told."""

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def salvage(damaged: Path, into: sqlite3.Connection, clock_s: Callable[[], float] = time.monotonic) -> Salvaged:
    """Copies the readable rows into the (new) database, in one transaction of its own."""
    found = Salvaged()
    until_s = clock_s() + BUDGET_S
    into.execute("begin immediate")
    try:
        for table, columns in COLUMNS.items():
            rows = _Rows(damaged, table, columns, lambda: clock_s() < until_s)
            found.rows[table] = sum(_insert(into, table, columns, row) for row in rows)
            found.complete &= rows.complete
        into.execute("commit")
    except BaseException:
        into.execute("rollback")
        raise
    return found


def _insert(into: sqlite3.Connection, table: str, columns: tuple[str, ...], row: tuple[Any, ...]) -> int:
    """1 when the row is one that the database takes."""
    marks = ", ".join("?" * len(columns))
    query = f"insert or ignore into {table} ({', '.join(columns)}) values ({marks})"  # noqa: S608 - names from above
    try:
        return into.execute(query, row).rowcount
    except sqlite3.Error:
        return 0


class _Rows:
    """The readable rows of one table, from both ends, then between by number."""

    def __init__(self, path: Path, table: str, columns: tuple[str, ...], time_left: Callable[[], bool]) -> None:
        self._path = path
        self._table = table
        self._columns = ", ".join(columns)
        self._key = columns[0]
        self._time_left = time_left
        self.complete = True

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        last_low = yield from self._scan("asc")
        if self.complete:
            return
        last_high = yield from self._scan("desc")
        if isinstance(last_low, int) and isinstance(last_high, int):
            yield from self._between(last_low + 1, last_high)

    def _scan(self, order: str) -> Generator[tuple[Any, ...], None, Any]:
        """Until the first row that cannot be read; returns the key of the last one that could."""
        query = f"select {self._columns} from {self._table} order by {self._key} {order}"  # noqa: S608 - names from above
        seen: Any = None
        try:
            connection = self._connect()
        except sqlite3.Error:
            self.complete = False
            return seen
        try:
            for row in connection.execute(query):
                seen = row[0]
                yield row
                if not self._time_left():
                    self.complete = False
                    break
        except sqlite3.Error:
            self.complete = False
        finally:
            connection.close()
        return seen

    def _between(self, low: int, high: int) -> Iterator[tuple[Any, ...]]:
        query = f"select {self._columns} from {self._table} where {self._key} = ?"  # noqa: S608 - names from above
        connection = self._connect()
        try:
            for number in range(low, high):
                if not self._time_left():
                    return
                row = _one(connection, query, number)
                if row is not None:
                    yield row
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        """Read only, and without looking for a journal that another file may have left."""
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=1.0)
        try:
            connection.execute("pragma cell_size_check = on")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _one(connection: sqlite3.Connection, query: str, number: int) -> tuple[Any, ...] | None:
    try:
        row: tuple[Any, ...] | None = connection.execute(query, (number,)).fetchone()
    except sqlite3.Error:
        return None
    return row
