"""From one sample of a device to everything it shows: totals, phases, voltages, currents, power factor.

A sample is a plain tuple: active and reactive power, then those of each phase, the voltages of the phases and the
frequency at that moment, then what only this kind of device has. Values are made when somebody reads them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

Three = tuple[float, float, float]
Sample = tuple[float, ...]
Reader = Callable[[Sample], float]

ALL_PHASES: Final = (1, 2, 3)
_POWER, _REACTIVE, _VOLTAGE, FREQUENCY, OWN = 2, 5, 8, 11, 12
"""Where the phases' values begin; ``OWN``: the first value of the kind itself."""
SLEEPING, RUNNING, FAULTY, STANDBY = 1.0, 3.0, 6.0, 7.0
"""SunSpec model 701, InvSt."""


def shares_of(phases: tuple[int, ...]) -> Three:
    """Equal shares on these phases."""
    part = 1.0 / len(phases)
    first, second, third = (part if phase in phases else 0.0 for phase in ALL_PHASES)
    return first, second, third


def spread(total: float, shares: Three) -> Three:
    return total * shares[0], total * shares[1], total * shares[2]


def sample_of(power_w: float, power: Three, reactive: Three, voltage: Three, frequency_hz: float) -> Sample:
    """The part of a sample that every device has. ``power_w``: the total as it is shown (noise, resolution)."""
    return (power_w, reactive[0] + reactive[1] + reactive[2], *power, *reactive, *voltage, frequency_hz)


class Shown(Mapping[str, float]):
    """What a device shows, by channel name."""

    __slots__ = ("_readers", "_sample")

    def __init__(self, sample: Sample, readers: Mapping[str, Reader]) -> None:
        self._sample = sample
        self._readers = readers

    def __getitem__(self, name: str) -> float:
        return self._readers[name](self._sample)

    def __contains__(self, name: object) -> bool:
        return name in self._readers

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


class Nothing(Shown):
    """A device that says of each of its values that it has none."""

    __slots__ = ()

    def __getitem__(self, name: str) -> float:
        return math.nan if name in self._readers else self._readers[name](self._sample)


def _voltage(sample: Sample) -> float:
    return (sample[_VOLTAGE] + sample[_VOLTAGE + 1] + sample[_VOLTAGE + 2]) / 3.0


def _apparent(sample: Sample) -> float:
    return math.hypot(sample[0], sample[1])


def _current(sample: Sample) -> float:
    """The sum of the phases' currents."""
    voltage_v = _voltage(sample)
    return _apparent(sample) / voltage_v if voltage_v > 0.0 else 0.0


def _power_factor(sample: Sample) -> float:
    apparent_va = _apparent(sample)
    return sample[0] / apparent_va if apparent_va > 0.0 else 1.0


def value_at(index: int) -> Reader:
    """A reader of one value of the sample."""
    return lambda sample: sample[index]


def own_values(*names: str) -> dict[str, Reader]:
    """Readers of the values behind the common part, in order."""
    return {name: value_at(OWN + position) for position, name in enumerate(names)}


def _phase(number: int) -> dict[str, Reader]:
    power, reactive, voltage = _POWER + number - 1, _REACTIVE + number - 1, _VOLTAGE + number - 1

    def apparent(sample: Sample) -> float:
        return math.hypot(sample[power], sample[reactive])

    def current(sample: Sample) -> float:
        return apparent(sample) / sample[voltage] if sample[voltage] > 0.0 else 0.0

    def power_factor(sample: Sample) -> float:
        apparent_va = apparent(sample)
        return sample[power] / apparent_va if apparent_va > 0.0 else 1.0

    end = f"_l{number}"
    return {
        f"active_power_w{end}": value_at(power),
        f"reactive_power_var{end}": value_at(reactive),
        f"apparent_power_va{end}": apparent,
        f"voltage_v{end}": value_at(voltage),
        f"current_a{end}": current,
        f"power_factor{end}": power_factor,
    }


COMMON: Final[Mapping[str, Reader]] = {
    "active_power_w": value_at(0),
    "reactive_power_var": value_at(1),
    "apparent_power_va": _apparent,
    "voltage_v": _voltage,
    "current_a": _current,
    "power_factor": _power_factor,
    "power_factor_pct": lambda sample: 100.0 * _power_factor(sample),
    "frequency_hz": value_at(FREQUENCY),
    **_phase(1),
    **_phase(2),
    **_phase(3),
}
