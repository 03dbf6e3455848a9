"""Writes what each cycle of a runtime saw as the INPUT of a replay.

One row per cycle: the values that were new in it, and, where a sample was not taken at the cycle's own time, when it
was (``ADDRESS@time_s``). What the runtime makes itself is left out: the replay makes it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isnan
from typing import Final, TextIO

from simems_core import BAD, Snapshot

from simems_edge.replay.inputs import input_addresses
from simems_edge.replay.recording import STAMP
from simems_edge.replay.table import RowWriter, numbers
from simems_edge.runtime import Runtime

_NS: Final = 1e9
BEGIN_NS: Final = 10_000_000_000
"""The first cycle stands at 10 s, so that samples taken before it have a time as well."""


class InputWriter:
    """Fed with the snapshots of all cycles, in order; ``missed`` counts those that never came."""

    def __init__(self, runtime: Runtime, stream: TextIO, *, stamps: bool, live: bool = False) -> None:
        """``stamps``: of each sample; without them every sample counts as taken at its cycle (a simulated bridge).
        ``live``: the clock began long ago; the recording begins at 10 s."""
        known = input_addresses(runtime)
        pairs = [(n, channel.address) for n, channel in enumerate(runtime.channels) if channel.address in known]
        self._handles = [handle for handle, _ in pairs]
        self._ranges = [(channel.minimum, channel.maximum) for channel in runtime.channels]
        names = [address for _, address in pairs]
        self._stamps, self._live = stamps, live
        self._writer = RowWriter(stream, ["time_s", *names, *(f"{name}{STAMP}" for name in names if stamps)])
        self._last: list[tuple[int, float]] = [(0, float("nan"))] * len(pairs)
        self._offset_ns: int | None = None
        self._cycle: int | None = None
        self.rows = 0
        self.missed = 0

    def write(self, snapshot: Snapshot) -> None:
        """One row."""
        if self._offset_ns is None:
            self._offset_ns = BEGIN_NS - snapshot.time_ns if self._live else 0
        if self._cycle is not None:
            self.missed += snapshot.cycle - self._cycle - 1
        self._cycle = snapshot.cycle
        self.rows += 1
        cells, stamps = [], []
        for value, stamp in self._new(snapshot):
            cells.append(value)
            stamps.append(stamp)
        time = numbers(((snapshot.time_ns + self._offset_ns) / _NS,))
        self._writer.write(time, *cells, *(stamps if self._stamps else ()))

    def _new(self, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        """Value and time of each channel; empty where there is nothing new."""
        values, times_ns, offset_ns = snapshot.values, snapshot.times_ns, self._offset_ns or 0
        for number, handle in enumerate(self._handles):
            value, time_ns = values[handle], times_ns[handle]
            last_ns, last = self._last[number]
            if time_ns == last_ns and (value == last or isnan(value)):
                yield "", ""
                continue
            self._last[number] = (time_ns, value)
            bad = isnan(value) or (snapshot.quality(handle) == BAD and self._inside(value, handle))
            yield "nan" if bad else repr(value), repr((time_ns + offset_ns) / _NS)

    def _inside(self, value: float, handle: int) -> bool:
        """A value outside its channel's range is bad again when it is read; another bad one needs its NaN."""
        low, high = self._ranges[handle]
        return low <= value <= high


def action_rows(rows: Iterable[tuple[float, str, str, str, str]], stream: TextIO) -> None:
    """ACTIONS.csv: time_s, action, target, value, duration_s."""
    writer = RowWriter(stream, ["time_s", "action", "target", "value", "duration_s"])
    for time_s, *texts in rows:
        writer.write(numbers((time_s,)), *texts)
