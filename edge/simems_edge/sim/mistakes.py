"""What was wired or programmed wrong, as the EMS meets it: at the current transformers, in the registers.

Physical mistakes change the sample that the device takes; mistakes of registers change the numbers on their way, by
really putting them into registers one way and taking them out the other.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from simems_edge.config import SimulatedMistakes
from simems_edge.sim.electrical import ALL_PHASES, Sample

RESET_S: Final = 150.0
"""An energy register that resets does so this often."""
BACKWARDS_FROM_WH: Final = 1e6
UNSIGNED_STEP_W: Final = 10.0
"""A power register of 16 bits counts in these (327 kW)."""
_TURN: Final = 2.0 * math.pi / 3.0
_POWERS: Final = ("_w", "_var", "_va")
_NUMBERS: Final = (*_POWERS, "_v", "_a", "_hz", "_wh")


# ---- current transformers


def miswired(sample: Sample, wrong: SimulatedMistakes) -> Sample:
    """The meter's sample with its mistakes; totals are the meter's own sums."""
    power, reactive, voltage = list(sample[2:5]), list(sample[5:8]), list(sample[8:11])
    if wrong.ct_swapped is not None:
        _swap(power, reactive, wrong.ct_swapped)
    for phase in ALL_PHASES:
        factor = _factor(phase, wrong)
        power[phase - 1] *= factor
        reactive[phase - 1] *= factor
        if phase in (wrong.voltage_missing or ()):
            voltage[phase - 1] = 0.0
    return (sum(power), sum(reactive), *power, *reactive, *voltage, *sample[11:])


def _factor(phase: int, wrong: SimulatedMistakes) -> float:
    if phase in (wrong.ct_missing or ()) or phase in (wrong.voltage_missing or ()):
        return 0.0
    return -wrong.ct_ratio if phase in (wrong.ct_reversed or ()) else wrong.ct_ratio


def _swap(power: list[float], reactive: list[float], pair: tuple[int, ...]) -> None:
    """The current of one phase with the voltage of the other: P + jQ turned by a third of a turn, one way each."""
    first, second = sorted(number - 1 for number in pair)
    turn = _TURN if second - first == 1 else -_TURN
    one, other = complex(power[first], reactive[first]), complex(power[second], reactive[second])
    for place, seen in ((first, other * _unit(turn)), (second, one * _unit(-turn))):
        power[place], reactive[place] = seen.real, seen.imag


def _unit(angle: float) -> complex:
    return complex(math.cos(angle), math.sin(angle))


# ---- registers


class Mistakes:
    """Of all devices of a plant: who answers, who obeys, what is read."""

    def __init__(self, mistakes: Mapping[str, SimulatedMistakes | None]) -> None:
        self._of = {name: wrong for name, wrong in mistakes.items() if wrong is not None}
        self._misreadings = {name: Misreading(wrong) for name, wrong in self._of.items()}
        self._names = tuple(mistakes)
        self.any = bool(self._of)

    def answering(self, component: str) -> str:
        """The device that answers when this one is asked."""
        wrong = self._of.get(component)
        return component if wrong is None or wrong.answers_as is None else wrong.answers_as

    def misread(self, component: str, shown: Mapping[str, float], time_s: float) -> Mapping[str, float]:
        found = self._misreadings.get(component)
        return shown if found is None else found.read(shown, time_s)

    def obeying(self, component: str) -> list[tuple[str, float]]:
        """Devices that act on what is written to this one, and the sign that they take it with."""
        addressed = self.answering(component)
        return [(name, self._sign(name)) for name in self._names if self._obeys(name, addressed)]

    def _obeys(self, name: str, addressed: str) -> bool:
        wrong = self._of.get(name)
        if wrong is None:
            return name == addressed
        return not wrong.ignores_setpoints and addressed == (wrong.follows or name)

    def _sign(self, name: str) -> float:
        wrong = self._of.get(name)
        return -1.0 if wrong is not None and wrong.sign_inverted in {"setpoints", "both"} else 1.0


class Misreading:
    """Of one device; remembers what a frozen or resetting register needs."""

    def __init__(self, wrong: SimulatedMistakes) -> None:
        self.wrong = wrong
        self._first: dict[str, float] = {}
        self._origins: dict[str, tuple[int, float]] = {}

    def read(self, shown: Mapping[str, float], time_s: float) -> Mapping[str, float]:
        """The device's values as they are taken from its registers."""
        return _Misread(shown, lambda name, value: self._value(name, value, time_s))

    def _value(self, name: str, value: float, time_s: float) -> float:
        wrong = self.wrong
        if wrong.frozen == "all" or (wrong.frozen == "soc" and name == "soc_pct"):
            value = self._first.setdefault(name, value)
        if wrong.energy is not None and name.endswith("energy_wh"):
            value = self._energy(name, value, time_s)
        value *= _scale(name, wrong)
        if wrong.numbers is not None and _total(name).endswith(_NUMBERS):
            value = NUMBERS[wrong.numbers](name, value)
        return value

    def _energy(self, name: str, value: float, time_s: float) -> float:
        if self.wrong.energy == "backwards":
            return BACKWARDS_FROM_WH - value
        number = int(time_s // RESET_S)
        if self._origins.get(name, (-1, 0.0))[0] != number:
            self._origins[name] = (number, value if number else 0.0)
        return value - self._origins[name][1]


def _scale(name: str, wrong: SimulatedMistakes) -> float:
    total = _total(name)
    factor = 1.0
    if total == "active_power_w" and wrong.sign_inverted in {"readings", "both"}:
        factor = -1.0
    if total in {"active_power_w", "reactive_power_var", "apparent_power_va"}:
        return factor * wrong.power_scale
    return {"frequency_hz": wrong.frequency_scale, "soc_pct": wrong.soc_scale}.get(total, factor)


def _total(name: str) -> str:
    """Without its phase."""
    return name[:-3] if name.endswith(("_l1", "_l2", "_l3")) else name


class _Misread(Mapping[str, float]):
    __slots__ = ("_misread", "_shown")

    def __init__(self, shown: Mapping[str, float], misread: Callable[[str, float], float]) -> None:
        self._shown, self._misread = shown, misread

    def __getitem__(self, name: str) -> float:
        return self._misread(name, self._shown[name])

    def __contains__(self, name: object) -> bool:
        return name in self._shown

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)


def _swapped(layout: str) -> Callable[[str, float], float]:
    def misread(_name: str, value: float) -> float:
        if not math.isfinite(value):
            return value
        data = struct.pack(layout, value if layout == ">f" else round(value))
        found: float = struct.unpack(layout, data[2:] + data[:2])[0]
        return found if math.isfinite(found) else math.nan

    return misread


def _unsigned(name: str, value: float) -> float:
    if not _total(name).endswith(_POWERS):
        return value
    return (round(value / UNSIGNED_STEP_W) % 0x10000) * UNSIGNED_STEP_W if math.isfinite(value) else value


NUMBERS: Final[Mapping[str, Callable[[str, float], float]]] = {
    "float32_words_swapped": _swapped(">f"),
    "int32_words_swapped": _swapped(">i"),
    "int16_unsigned": _unsigned,
}
