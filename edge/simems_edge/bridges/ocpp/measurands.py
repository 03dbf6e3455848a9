"""Sampled values of a station (OCPP 1.6 and 2.0.1) to SI numbers by channel name. Pure.

Charging is positive. Values that are no number, of another unit or beyond what a connector can carry are refused and
named; those taken inside the station (inlet, cable, body) and signed ones are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ENERGY: Final = "energy_register_wh"
NOMINAL_V: Final = 230.0
DEFAULT: Final = "Energy.Active.Import.Register"
_KILO: Final = {"W": 1.0, "kW": 1e3, "Wh": 1.0, "kWh": 1e3, "A": 1.0, "V": 1.0, "Percent": 1.0}


@dataclass(frozen=True, slots=True)
class _Measurand:
    channel: str
    units: tuple[str, ...]
    """The first is the default (OCPP 1.6, 7.45; 2.0.1 part 2 appendix 3)."""
    lowest: float
    highest: float
    sign: float = 1.0


_MEASURANDS: Final[Mapping[str, _Measurand]] = {
    DEFAULT: _Measurand(ENERGY, ("Wh", "kWh"), 0.0, 1e11),
    "Power.Active.Import": _Measurand("active_power_w", ("W", "kW"), -1e6, 1e6),
    "Power.Active.Export": _Measurand("active_power_w", ("W", "kW"), -1e6, 1e6, -1.0),
    "Current.Import": _Measurand("current_a", ("A",), -2_000.0, 2_000.0),
    "Voltage": _Measurand("voltage_v", ("V",), 0.0, 1_500.0),
    "SoC": _Measurand("vehicle_soc_pct", ("Percent",), 0.0, 100.0),
}
_PHASES: Final = {"L1": "_l1", "L2": "_l2", "L3": "_l3", "L1-N": "_l1", "L2-N": "_l2", "L3-N": "_l3"}
_OUTSIDE: Final = frozenset({"Inlet", "Cable", "Body", "Upstream"})


@dataclass
class Measured:
    """Channel name -> value; ``refused`` says what could not be taken, and why."""

    values: dict[str, float] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def measured(samples: Iterable[Mapping[str, Any]]) -> Measured:
    """The ``sampledValue`` rows of one meter value, already valid by the schema of either version."""
    found = Measured()
    for row in samples:
        try:
            _take(row, found)
        except ValueError as error:
            found.refused.append(str(error))
    _complete(found.values)
    return found


def _take(row: Mapping[str, Any], found: Measured) -> None:
    name = row.get("measurand", DEFAULT)
    known = _MEASURANDS.get(name)
    phase = row.get("phase")
    if known is None or row.get("location", "Outlet") in _OUTSIDE or (phase is not None and phase not in _PHASES):
        return
    if row.get("format", "Raw") == "SignedData" or row.get("signedMeterValue") is not None:
        return
    value = known.sign * _number(row, name) * _factor(row, known, name)
    if not known.lowest <= value <= known.highest:
        raise ValueError(f"{name} {row['value']!r} is beyond {known.lowest:g}..{known.highest:g} {known.units[0]}")
    channel = known.channel if phase is None else known.channel + _PHASES[phase]
    both = known.channel == "active_power_w" and channel in found.values
    found.values[channel] = found.values[channel] + value if both else value


def _number(row: Mapping[str, Any], name: str) -> float:
    try:
        value = float(row["value"])
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} {row.get('value')!r:.40} is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{name} {row.get('value')!r:.40} is no finite number")
    return value


def _factor(row: Mapping[str, Any], known: _Measurand, name: str) -> float:
    measure = row.get("unitOfMeasure") or {}
    unit = measure.get("unit", row.get("unit", known.units[0]))
    if unit not in known.units:
        raise ValueError(f"{name} in {unit!r:.20} is no {' or '.join(known.units)}")
    multiplier = measure.get("multiplier", 0)
    if not -9 <= multiplier <= 9:
        raise ValueError(f"{name} with multiplier {multiplier} cannot be")
    return float(_KILO[unit] * 10.0**multiplier)


def _complete(values: dict[str, float]) -> None:
    """What follows from the phases where the station gives no total; power from currents (at 230 V where no voltage is
    given)."""
    _total(values, "active_power_w")
    if "active_power_w" not in values:
        for phase in ("_l1", "_l2", "_l3"):
            if f"current_a{phase}" in values:
                voltage_v = values.get(f"voltage_v{phase}", values.get("voltage_v", NOMINAL_V))
                values[f"active_power_w{phase}"] = values[f"current_a{phase}"] * voltage_v
        _total(values, "active_power_w")
    _total(values, "current_a")


def largest_phase_a(values: Mapping[str, float]) -> float | None:
    """Current of the phase that carries most; of a station that names no phases, what it gives."""
    phases = [values[name] for name in ("current_a_l1", "current_a_l2", "current_a_l3") if name in values]
    return max(phases) if phases else values.get("current_a")


def _total(values: dict[str, float], name: str) -> None:
    parts = [values[f"{name}{phase}"] for phase in ("_l1", "_l2", "_l3") if f"{name}{phase}" in values]
    if parts and name not in values:
        values[name] = sum(parts)


def phases_in_use(values: Mapping[str, float], least_a: float = 1.0) -> int | None:
    """How many phases carry current; None when that is not told or none does."""
    currents = [values[f"current_a{phase}"] for phase in ("_l1", "_l2", "_l3") if f"current_a{phase}" in values]
    return (sum(1 for current in currents if current >= least_a) or None) if currents else None


def register_wh(value: object) -> float | None:
    """A register that a transaction names; None for what no meter shows. The transaction counts all the same."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e11:
        return None
    return float(value)
