"""Physical quantities in files: a number in the base unit of the field, or text with its own unit ("60 kW").

Pure. The dimension comes from the field (its type, or the unit at the end of its name), so "60 kW" is refused where
seconds belong. SI prefixes k, M, G, m, u; durations also take min and h, percent takes %.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

_PREFIXES: Final = {"": 1.0, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
_BASES: Final = ("W", "var", "VA", "Wh", "varh", "V", "A", "Ah", "Hz", "s")
_TEXT = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*([^\s\d].{0,15})?\s*$")


def _units_of(base: str) -> dict[str, float]:
    units = {prefix + base: factor for prefix, factor in _PREFIXES.items()}
    if base == "s":
        units |= {"min": 60.0, "h": 3600.0}
    return units


UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    **{base: _units_of(base) for base in _BASES},
    "W/s": {
        f"{unit}/{time}": factor / seconds
        for unit, factor in _units_of("W").items()
        for time, seconds in (("s", 1.0), ("min", 60.0), ("h", 3600.0))
    },
    "var/s": {f"{unit}/s": factor for unit, factor in _units_of("var").items()},
    "Hz/s": {f"{unit}/s": factor for unit, factor in _units_of("Hz").items()},
    "%/s": {"%/s": 1.0},
    "%/min": {"%/min": 1.0},
    "%": {"%": 1.0, "pct": 1.0},
    "degC": {"degC": 1.0, "°C": 1.0},
}
"""Unit texts and their factor to the base unit, by dimension (named by its base unit)."""

_EXAMPLES: Final = {
    "W": "60 kW",
    "s": "100 ms",
    "W/s": "20 kW/s",
    "Wh": "120 kWh",
    "%": "60",
    "A": "16 A",
    "Hz": "50 Hz",
}

SUFFIXES: Final[Mapping[str, str]] = {
    "_w_per_s": "W/s", "_var_per_s": "var/s", "_hz_per_s": "Hz/s", "_pct_per_s": "%/s", "_pct_per_min": "%/min",
    "_wh": "Wh", "_varh": "varh", "_ah": "Ah", "_w": "W", "_var": "var", "_va": "VA", "_v": "V",
    "_a": "A", "_hz": "Hz", "_pct": "%", "_degc": "degC", "_s": "s",
}  # fmt: skip
"""Unit at the end of a field's name -> dimension; the longest suffix comes first."""


def parse_quantity(value: object, dimension: str) -> float:
    """``value`` in the base unit of ``dimension``. Raises ValueError, saying what would do, for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(  # noqa: TRY004 - pydantic turns a ValueError into a problem
            f"must be a number in {dimension} or text such as {example(dimension)!r}"
        )
    number = _from_text(value, dimension) if isinstance(value, str) else _from_number(value)
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    return number


def _from_number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _from_text(text: str, dimension: str) -> float:
    match = _TEXT.match(text)
    if match is None:
        raise ValueError(f"is not a quantity; write a number in {dimension} or text such as {example(dimension)!r}")
    unit = (match[2] or "").strip()
    if not unit:
        raise ValueError(f"is text without a unit; write the bare number, or add the unit as in {example(dimension)!r}")
    factor = UNITS[dimension].get(unit)
    if factor is None:
        raise ValueError(f"has unit {unit!r}, which is no unit of {dimension}; write it as in {example(dimension)!r}")
    return float(match[1]) * factor


def example(dimension: str) -> str:
    """A value that is right for this dimension."""
    return _EXAMPLES.get(dimension, f"1 {dimension}")


def dimension_of(name: str) -> str | None:
    """Dimension that the end of a field's name promises: ``threshold_w`` -> ``W``; None when it promises none."""
    return next((dimension for suffix, dimension in SUFFIXES.items() if name.endswith(suffix)), None)


def _quantity(dimension: str) -> tuple[BeforeValidator, WithJsonSchema]:
    units = "|".join(sorted(re.escape(unit) for unit in UNITS[dimension]))
    text = {"type": "string", "pattern": rf"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*({units})\s*$"}
    schema = {
        "anyOf": [{"type": "number"}, text],
        "description": f"A number in {dimension}, or text with a unit such as {example(dimension)!r}.",
    }
    return BeforeValidator(lambda value: parse_quantity(value, dimension)), WithJsonSchema(schema)


_POWER, _ENERGY, _TIME, _RAMP = _quantity("W"), _quantity("Wh"), _quantity("s"), _quantity("W/s")
_CURRENT, _PERCENT = _quantity("A"), _quantity("%")
_VOLTAGE, _TEMPERATURE = _quantity("V"), _quantity("degC")
_REACTIVE, _APPARENT = _quantity("var"), _quantity("VA")
_FREQUENCY, _SLOPE, _REACTIVE_RAMP = _quantity("Hz"), _quantity("Hz/s"), _quantity("var/s")
_SHARE_PER_S, _SHARE_PER_MIN = _quantity("%/s"), _quantity("%/min")

PowerW = Annotated[float, *_POWER]
PositivePowerW = Annotated[float, Field(gt=0), *_POWER]
NonNegativePowerW = Annotated[float, Field(ge=0), *_POWER]
PositiveEnergyWh = Annotated[float, Field(gt=0), *_ENERGY]
Seconds = Annotated[float, *_TIME]
PositiveSeconds = Annotated[float, Field(gt=0), *_TIME]
NonNegativeSeconds = Annotated[float, Field(ge=0), *_TIME]
PositiveRampWPerS = Annotated[float, Field(gt=0), *_RAMP]
PositiveVoltageV = Annotated[float, Field(gt=0), *_VOLTAGE]
TemperatureDegC = Annotated[float, Field(ge=-60, le=150), *_TEMPERATURE]
PositiveCurrentA = Annotated[float, Field(gt=0), *_CURRENT]
NonNegativeCurrentA = Annotated[float, Field(ge=0), *_CURRENT]
PositiveReactiveVar = Annotated[float, Field(gt=0), *_REACTIVE]
NonNegativeReactiveVar = Annotated[float, Field(ge=0), *_REACTIVE]
PositiveRampVarPerS = Annotated[float, Field(gt=0), *_REACTIVE_RAMP]
PositiveFrequencyHz = Annotated[float, Field(gt=0, le=70), *_FREQUENCY]
NominalFrequencyHz = Annotated[float, Field(ge=45, le=65), *_FREQUENCY]
FrequencyBandHz = Annotated[float, Field(ge=0, le=5), *_FREQUENCY]
NonNegativeSlopeHzPerS = Annotated[float, Field(ge=0, le=10), *_SLOPE]
PositiveSharePctPerS = Annotated[float, Field(gt=0, le=1000), *_SHARE_PER_S]
PositiveSharePctPerMin = Annotated[float, Field(gt=0, le=6000), *_SHARE_PER_MIN]
PositiveApparentVa = Annotated[float, Field(gt=0), *_APPARENT]
Percent = Annotated[float, Field(ge=0, le=100), *_PERCENT]
