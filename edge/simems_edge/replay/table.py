"""CSV output: numbers in the shortest form that reads back to the same double; the file appears only when complete."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from simems_core import Decision


def numbers(values: Iterable[float]) -> str:
    """Cells such as ``60000,0.1,1e+22``; NaN is the empty cell. All cells at once: this is the hot path."""
    return f"{','.join(map(repr, values))},".replace(".0,", ",").replace("nan,", ",")[:-1]


class RowWriter:
    """Writes a header, then rows made of parts; a part is one cell or several joined by commas."""

    def __init__(self, stream: TextIO, columns: Sequence[str]) -> None:
        self._write = stream.write
        csv.writer(stream, lineterminator="\n").writerow(columns)

    def write(self, *parts: str) -> None:
        """Texts must not hold commas, quotes or line ends."""
        self._write(",".join(parts) + "\n")


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file that takes its name only when everything is written; on any error nothing is left."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            yield stream
        part.chmod(0o644)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def decision_columns(actuators: tuple[str, ...]) -> list[str]:
    """``<address>_setpoint``, ``<address>_reason`` of each actuator, in the cycle's order."""
    return [f"{address}{end}" for address in actuators for end in ("_setpoint", "_reason")]


def decision_cells(decisions: list[Decision]) -> Iterator[str]:
    for decision in decisions:
        yield numbers((decision.setpoint,))
        yield decision.reason
