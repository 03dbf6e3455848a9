"""What was seen during commissioning: every channel at every cycle, and what was asked in which stage. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SETPOINT = "_setpoint"
"""End of the addresses under which setpoints are recorded."""


@dataclass(frozen=True)
class Stage:
    """``name``: read, pulses, limited or full. ``stopped``: why it ended early, empty when it did not."""

    name: str
    battery: str
    begin_s: float
    end_s: float
    power_w: float = 0.0
    """The largest power that was asked."""
    stopped: str = ""


@dataclass(frozen=True)
class Record:
    """``values`` and ``taken_s`` by address, one entry a cycle: the last value whatever its quality (NaN: none ever
    came) and when its device or bridge says that it was taken."""

    time_s: Floats
    values: Mapping[str, Floats]
    taken_s: Mapping[str, Floats]
    stages: tuple[Stage, ...]

    def has(self, address: str) -> bool:
        """Whether any value ever came."""
        return address in self.values and bool(np.isfinite(self.values[address]).any())

    def stage(self, name: str, battery: str = "") -> Stage | None:
        return next((one for one in self.stages if one.name == name and one.battery == battery), None)

    def during(self, stage: Stage, after_s: float = 0.0) -> slice:
        """Cycles of a stage; ``after_s``: and so long after it."""
        begin, end = np.searchsorted(self.time_s, (stage.begin_s - 1e-6, stage.end_s + after_s + 1e-6))
        return slice(int(begin), int(end))

    def seen(self, address: str, window: slice = slice(None)) -> Floats:
        """Finite values in the window; empty when there are none."""
        found = self.values.get(address)
        if found is None:
            return np.empty(0)
        cut = found[window]
        return cut[np.isfinite(cut)]

    @property
    def duration_s(self) -> float:
        return float(self.time_s[-1] - self.time_s[0]) if len(self.time_s) else 0.0

    @property
    def cycle_s(self) -> float:
        return float(np.median(np.diff(self.time_s))) if len(self.time_s) > 1 else 1.0


@dataclass
class Recorder:
    """Collects cycles; :meth:`record` may be asked at any time."""

    addresses: Sequence[str]
    _times: list[float] = field(default_factory=list)
    _values: list[list[float]] = field(default_factory=list)
    _taken: list[list[float]] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)

    def add(self, time_s: float, values: list[float], taken_s: list[float]) -> None:
        """One cycle; in the order of ``addresses``."""
        self._times.append(time_s)
        self._values.append(values)
        self._taken.append(taken_s)

    def record(self) -> Record:
        values, taken = np.array(self._values, dtype=float), np.array(self._taken, dtype=float)
        columns = range(len(self.addresses)) if self._times else ()
        return Record(
            np.array(self._times),
            {self.addresses[n]: values[:, n] for n in columns},
            {self.addresses[n]: taken[:, n] for n in columns},
            tuple(self.stages),
        )

    @property
    def last_s(self) -> float:
        """Time of the last cycle."""
        return self._times[-1] if self._times else 0.0

    def begin(self, name: str, battery: str, time_s: float) -> None:
        self.stages.append(Stage(name, battery, time_s, time_s))

    def end(self, time_s: float, *, power_w: float = 0.0, stopped: str = "") -> None:
        """Of the stage that runs."""
        self.stages[-1] = replace(self.stages[-1], end_s=time_s, power_w=power_w, stopped=stopped)


def span(values: Floats) -> float:
    """Largest less smallest; 0 of nothing."""
    return float(np.ptp(values)) if len(values) else 0.0
