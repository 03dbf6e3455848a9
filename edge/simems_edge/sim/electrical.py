"""From a sampled power to everything a three-phase device shows: phases, voltages, currents, reactive power."""

from __future__ import annotations

import math
from dataclasses import dataclass

EssSample = tuple[float, float, float, float, float, float, float]
"""power_w, soc_pct, max_charge_w, max_discharge_w, capacity_wh, charged_wh, discharged_wh."""
_SLEEPING, _RUNNING, _STANDBY = 1.0, 3.0, 7.0
"""SunSpec model 701, InvSt."""
_PHASES = ("_l1", "_l2", "_l3")
_SHARES = (0.36, 0.33, 0.31)
"""How the load spreads over the phases."""


@dataclass(frozen=True, slots=True)
class Electrical:
    """The grid at the connection point."""

    voltage_v: float = 231.0
    """Phase to neutral."""
    frequency_hz: float = 50.0
    load_tan_phi: float = 0.2
    """Reactive over active power of the load, inductive."""


def meter_values(
    power_w: float, load_w: float, import_wh: float, export_wh: float, grid: Electrical
) -> dict[str, float]:
    """Grid meter: active power import > 0, reactive power > 0 when inductive power is taken."""
    reactive_var = load_w * grid.load_tan_phi
    values = _totals(power_w, reactive_var, grid) | {
        "frequency_hz": grid.frequency_hz,
        "import_energy_wh": import_wh,
        "export_energy_wh": export_wh,
    }
    values["power_factor_pct"] = 100.0 * values["power_factor"]
    for phase, share in zip(_PHASES, _SHARES, strict=True):
        own_w = power_w / 3.0 + load_w * (share - 1.0 / 3.0)
        values |= {name + phase: value for name, value in _phase(own_w, reactive_var * share, grid).items()}
        values[f"import_energy_wh{phase}"] = import_wh / 3.0
        values[f"export_energy_wh{phase}"] = export_wh / 3.0
    return values


def pv_values(power_w: float, available_w: float, energy_wh: float, grid: Electrical) -> dict[str, float]:
    """PV inverter at unity power factor."""
    values = _totals(power_w, 0.0, grid) | {"frequency_hz": grid.frequency_hz}
    values |= {"available_power_w": available_w, "energy_wh": energy_wh}
    values["operating_state"] = _RUNNING if power_w else _SLEEPING
    return values | _symmetric(power_w, grid)


def ess_values(sample: EssSample, grid: Electrical) -> dict[str, float]:
    """Battery system at unity power factor; cell temperature stays at the room's."""
    power_w, soc_pct, max_charge_w, max_discharge_w, capacity_wh, charged_wh, discharged_wh = sample
    values = _totals(power_w, 0.0, grid) | {"frequency_hz": grid.frequency_hz}
    values |= {
        "soc_pct": soc_pct,
        "soh_pct": 100.0,
        "temperature_degc": 25.0,
        "max_charge_power_w": max_charge_w,
        "max_discharge_power_w": max_discharge_w,
        "max_apparent_power_va": max(max_charge_w, max_discharge_w),
        "capacity_wh": capacity_wh,
        "charge_energy_wh": charged_wh,
        "discharge_energy_wh": discharged_wh,
        "operating_state": _RUNNING if power_w else _STANDBY,
    }
    return values | _symmetric(power_w, grid)


def _totals(power_w: float, reactive_var: float, grid: Electrical) -> dict[str, float]:
    apparent_va = math.hypot(power_w, reactive_var)
    return {
        "active_power_w": power_w,
        "reactive_power_var": reactive_var,
        "apparent_power_va": apparent_va,
        "voltage_v": grid.voltage_v,
        "current_a": apparent_va / grid.voltage_v,
        "power_factor": power_w / apparent_va if apparent_va > 0.0 else 1.0,
    }


def _symmetric(power_w: float, grid: Electrical) -> dict[str, float]:
    phase = _phase(power_w / 3.0, 0.0, grid)
    return {name + suffix: value for suffix in _PHASES for name, value in phase.items()}


def _phase(power_w: float, reactive_var: float, grid: Electrical) -> dict[str, float]:
    return _totals(power_w, reactive_var, grid)
