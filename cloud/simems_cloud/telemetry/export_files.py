"""Rows of an export as the bytes of a file, window by window, without ever holding the file; pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

RAW_COLUMNS = ("time", "channel", "value", "quality")
ROLLUP_COLUMNS = ("time", "channel", "count", "mean", "minimum", "maximum", "energy_wh")
QUALITIES = ("good", "stale", "bad", "forced")
Row = tuple[Any, ...]


class MissingParquetError(RuntimeError):
    """Parquet needs a package that this installation does not have."""


class FileWriter(Protocol):
    """Gives out bytes as they come; :meth:`end` gives the last ones."""

    def write(self, rows: Sequence[Row]) -> bytes: ...

    def end(self) -> bytes: ...


def file_writer(form: str, columns: Sequence[str]) -> FileWriter:
    """``csv`` or ``parquet``. Raises MissingParquetError."""
    return CsvFile(columns) if form == "csv" else ParquetFile(columns)


class CsvFile:
    """UTF-8, RFC 4180; times ISO 8601 in UTC; an empty field is no value."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._out = io.StringIO(newline="")
        self._writer = csv.writer(self._out)
        self._writer.writerow(columns)

    def write(self, rows: Sequence[Row]) -> bytes:
        for time, *rest in rows:
            self._writer.writerow([time.isoformat().replace("+00:00", "Z"), *rest])
        return self._taken()

    def end(self) -> bytes:
        return self._taken()

    def _taken(self) -> bytes:
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return text.encode()


class ParquetFile:
    """One row group a window, zstd; times in microseconds UTC."""

    def __init__(self, columns: Sequence[str]) -> None:
        try:
            import pyarrow  # noqa: PLC0415 - large, and only who wants Parquet needs it
            import pyarrow.parquet  # noqa: PLC0415
        except ImportError as error:
            raise MissingParquetError("Parquet needs pip install 'simems-cloud[parquet]'; or use csv") from error
        kinds = {
            "time": pyarrow.timestamp("us", tz="UTC"),
            "channel": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
            "quality": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
            "count": pyarrow.int64(),
        }
        self._arrow = pyarrow
        self._schema = pyarrow.schema([(name, kinds.get(name, pyarrow.float64())) for name in columns])
        self._sink = _Sink()
        self._writer = pyarrow.parquet.ParquetWriter(self._sink, self._schema, compression="zstd")

    def write(self, rows: Sequence[Row]) -> bytes:
        if rows:
            columns = zip(*rows, strict=True)
            arrays = [self._arrow.array(c, type=f.type) for c, f in zip(columns, self._schema, strict=True)]
            self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        return self._sink.taken()

    def end(self) -> bytes:
        self._writer.close()
        return self._sink.taken()


class _Sink(io.RawIOBase):
    """Takes bytes and gives them away; knows how many there were."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        self._parts.append(bytes(data))
        self._size += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data
