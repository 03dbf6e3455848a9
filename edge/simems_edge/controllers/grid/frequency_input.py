"""The meter's frequency, and whether it can serve: nobody arms on a meter that is too coarse or too old."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Final

from simems_edge.config.quantities import FrequencyBandHz, NominalFrequencyHz, NonNegativeSeconds, PositiveSeconds
from simems_edge.contracts import Binding, Context, Input, MeterRef, Metric
from simems_edge.controllers.grid.coded_settings import CodedSettings

_NS = 1e-9
_REMEMBERED = 32
_FEWEST_INTERVALS = 4
_FEWEST_CHANGES = 12
_FEWEST_TURNS = 4
_NORMAL_BAND_HZ = 0.1
"""The resolution is judged by the noise of normal operation, never by a disturbance."""
_JITTER = 1.2
_TOO_OLD = 3.0
"""A sample this many times older than agreed is none."""


class Arming(IntEnum):
    """Values of the metric ``arming``."""

    ARMED = 0
    NO_FREQUENCY = 1
    TOO_COARSE = 2
    TOO_OLD = 3
    LOW_SOC = 4
    LOW_POWER = 5


ARMING_METRIC: Final = Metric(
    "arming",
    "",
    "Whether it is armed, and why not",
    labels=(
        "armed",
        "the meter gives no valid frequency",
        "the meter's frequency resolution is coarser than this controller needs",
        "the meter's frequency is older, or comes less often, than this controller needs",
        "the battery's charge is below what a whole activation needs",
        "the battery cannot give the agreed power now",
    ),
    refusals=(int(Arming.TOO_COARSE), int(Arming.TOO_OLD), int(Arming.LOW_SOC), int(Arming.LOW_POWER)),
)
FREQUENCY_INPUT: Final = Input("grid", "frequency_hz", "not armed: nothing is proposed")


class FrequencySettings(CodedSettings):
    """What a controller on the grid's frequency needs of its meter."""

    grid: MeterRef
    nominal_hz: NominalFrequencyHz = 50.0
    """Of the grid."""
    resolution_max_hz: FrequencyBandHz = 0.01
    """It does not arm on a meter that shows coarser steps, by its profile or as seen in normal operation."""
    age_max_s: PositiveSeconds = 1.0
    """It does not arm when samples come further apart than this (mean, a fifth of jitter allowed), with
    ``meter_delay_s``."""
    meter_delay_s: NonNegativeSeconds = 0.0
    """How old a frequency is when the meter gives it, by its data sheet (measuring window included)."""


@dataclass(frozen=True, slots=True)
class FrequencySample:
    """The valid frequency; ``fresh``: it came in this cycle."""

    hz: float
    time_ns: int
    fresh: bool


class FrequencyInput:
    """Reads the meter once a cycle. Declared facts count from the first sample on; what is seen can only refuse."""

    def __init__(self, settings: FrequencySettings, binding: Binding) -> None:
        self._settings = settings
        self._handle = binding.read(settings.grid, "frequency_hz")
        self._promised_hz = binding.resolution(self._handle)
        self._intervals_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._changes_hz: deque[float] = deque(maxlen=_REMEMBERED)
        self._last: FrequencySample | None = None

    def read(self, ctx: Context) -> tuple[FrequencySample | None, Arming]:
        """The sample, None unless it can be used, and why."""
        fresh = ctx.new_sample(self._handle)
        if fresh is not None:
            self._take(FrequencySample(fresh, ctx.sample_time_ns(self._handle), fresh=True))
        hz = ctx.value(self._handle)
        if hz is None:
            self._last = None
            self._intervals_s.clear()
            return None, Arming.NO_FREQUENCY
        arming = self._arming(ctx)
        sample = FrequencySample(hz, ctx.sample_time_ns(self._handle), fresh is not None)
        return (sample if arming is Arming.ARMED else None), arming

    def _take(self, sample: FrequencySample) -> None:
        last, self._last = self._last, sample
        if last is None:
            return
        self._intervals_s.append((sample.time_ns - last.time_ns) * _NS)
        nominal_hz = self._settings.nominal_hz
        calm = max(abs(sample.hz - nominal_hz), abs(last.hz - nominal_hz)) <= _NORMAL_BAND_HZ
        if calm and sample.hz != last.hz:
            self._changes_hz.append(sample.hz - last.hz)

    def _arming(self, ctx: Context) -> Arming:
        settings = self._settings
        if max(self._promised_hz, self._seen_resolution_hz()) > settings.resolution_max_hz * (1.0 + 1e-6):
            return Arming.TOO_COARSE
        age_s = (ctx.time_ns - ctx.sample_time_ns(self._handle)) * _NS
        late = age_s + settings.meter_delay_s > _TOO_OLD * settings.age_max_s
        rare = self._interval_s() + settings.meter_delay_s > _JITTER * settings.age_max_s
        return Arming.TOO_OLD if late or rare else Arming.ARMED

    def _interval_s(self) -> float:
        known = self._intervals_s
        return sum(known) / len(known) if len(known) >= _FEWEST_INTERVALS else 0.0

    def _seen_resolution_hz(self) -> float:
        """Smallest step of a frequency that wanders to and fro; 0 while that is not known."""
        changes = list(self._changes_hz)
        turns = sum(a * b < 0.0 for a, b in pairwise(changes))
        known = len(changes) >= _FEWEST_CHANGES and turns >= _FEWEST_TURNS
        return min(map(abs, changes)) if known else 0.0
