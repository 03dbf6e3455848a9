"""CSV output: numbers in the shortest form that reads back to the same double; the file appears only when complete."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import TextIO


def shortest(value: float) -> str:
    """``60000``, ``0.1``, ``1e+22``; NaN is the empty cell."""
    if isnan(value):
        return ""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


class RowWriter:
    """Writes rows of numbers and texts; a number that did not change is not formatted again."""

    def __init__(self, stream: TextIO, columns: Sequence[str]) -> None:
        self._stream = stream
        csv.writer(stream, lineterminator="\n").writerow(columns)
        self._values: list[float | str | None] = [None] * len(columns)
        self._texts = [""] * len(columns)

    def write(self, row: Sequence[float | str]) -> None:
        """One value per column. Texts must not hold commas, quotes or line ends."""
        values, texts = self._values, self._texts
        for column, value in enumerate(row):
            if value != values[column] or value == 0.0:
                values[column] = value
                texts[column] = value if isinstance(value, str) else shortest(value)
        self._stream.write(",".join(texts))
        self._stream.write("\n")


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
