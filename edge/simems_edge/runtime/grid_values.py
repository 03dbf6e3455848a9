"""Frequency, voltage and rate of change of frequency of the site, from the meter at its connection.

For screens, records and whoever has no meter of its own; a controller that must answer at once reads the meter itself.
Nothing is published without a valid sample: the channels then go stale.
"""

from __future__ import annotations

from math import isnan
from typing import Final

from simems_core import Rocof, Snapshot

from simems_edge.contracts.interfaces import PHASES
from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.channels import FREQUENCY, ROCOF, VOLTAGE

SHORTEST_WINDOW_S: Final = 0.5
SAMPLES_IN_WINDOW: Final = 2.5
FILTER_S: Final = 0.1


class GridValues:
    def __init__(self, assembly: Assembly) -> None:
        image = assembly.image
        self._image = image
        self._targets = [image.handle(address) for address in (FREQUENCY, VOLTAGE, ROCOF)]
        self._frequency: int | None = None
        self._voltages: list[int] = []
        self._seen_ns = [0, 0]
        poll_s = SHORTEST_WINDOW_S
        if assembly.grid is not None:
            self._frequency = image.handle(f"{assembly.grid}/frequency_hz")
            self._voltages = _voltages(assembly, assembly.grid)
            poll_s = assembly.profiles[assembly.grid].channel("frequency_hz").poll_s
        # Three samples over half a window are needed, also from a slow meter.
        self._rocof = Rocof(max(SHORTEST_WINDOW_S, SAMPLES_IN_WINDOW * poll_s), filter_s=FILTER_S)

    def update(self, snapshot: Snapshot) -> None:
        """Once per new sample of each."""
        if self._frequency is not None:
            self._take_frequency(snapshot, self._frequency)
        if self._voltages:
            self._take_voltage(snapshot)

    def _take_frequency(self, snapshot: Snapshot, handle: int) -> None:
        hz, time_ns = snapshot.value(handle), snapshot.time_of(handle)
        if isnan(hz) or time_ns <= self._seen_ns[0]:
            return
        self._seen_ns[0] = time_ns
        self._image.publish(self._targets[0], hz, time_ns)
        rocof = self._rocof.step(time_ns, hz)
        if self._rocof.valid:
            self._image.publish(self._targets[2], rocof, time_ns)

    def _take_voltage(self, snapshot: Snapshot) -> None:
        """The total if the meter has one, else the mean of its phases."""
        time_ns = max(snapshot.time_of(handle) for handle in self._voltages)
        mean_v = sum(snapshot.value(handle) for handle in self._voltages) / len(self._voltages)
        if not isnan(mean_v) and time_ns > self._seen_ns[1]:
            self._seen_ns[1] = time_ns
            self._image.publish(self._targets[1], mean_v, time_ns)


def _voltages(assembly: Assembly, grid: str) -> list[int]:
    known = {channel.address for channel in assembly.image.channels}
    names = [f"{grid}/voltage_v"] if f"{grid}/voltage_v" in known else [f"{grid}/voltage_v{end}" for end in PHASES]
    return [assembly.image.handle(name) for name in names if name in known]
