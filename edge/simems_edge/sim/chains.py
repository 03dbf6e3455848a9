"""The SunSpec models that each kind of virtual device has, their fixed points, and where its readings go."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from simems_edge.devices.definition import Definition, load_definition
from simems_edge.devices.registers import from_bytes
from simems_edge.devices.sunspec import BASE_ADDRESSES, END_OF_CHAIN, MARKER, Value, encode_model, encode_point

COMMON, METER, MEASUREMENT, CAPACITY, CONTROLS, STORAGE, VIRTUAL_PLANT = 1, 213, 701, 702, 704, 713, 64901
CHARGER, SWITCH, MORE_STORAGE = 64910, 64911, 64912
DIRECT, BATTERY, STRINGS = 714, 802, 803
MODELS: Final[Mapping[str, tuple[int, ...]]] = {
    "meter": (COMMON, METER, VIRTUAL_PLANT),
    "pv": (COMMON, MEASUREMENT, CAPACITY, CONTROLS, VIRTUAL_PLANT),
    "ess": (COMMON, MEASUREMENT, CAPACITY, CONTROLS, STORAGE, VIRTUAL_PLANT),
    "evcs": (COMMON, CHARGER, VIRTUAL_PLANT),
    "load": (COMMON, METER, VIRTUAL_PLANT),
    "relay": (COMMON, SWITCH, VIRTUAL_PLANT),
    "breaker": (COMMON, SWITCH, VIRTUAL_PLANT),
    "sensor": (COMMON, VIRTUAL_PLANT),
}
CELLS: Final = (DIRECT, BATTERY, STRINGS)
"""Beside those of a battery whose cells are shown."""
_PHASES: Final = (("_l1", "A"), ("_l2", "B"), ("_l3", "C"))


def _meter_points() -> dict[str, str]:
    totals = {"active_power_w": "W", "reactive_power_var": "VAR", "apparent_power_va": "VA", "current_a": "A"}
    points = dict(totals)
    points |= {c + suffix: f"{p}ph{phase}" for c, p in totals.items() for suffix, phase in _PHASES}
    points |= {f"voltage_v{suffix}": f"PhVph{phase}" for suffix, phase in _PHASES}
    return points | {
        "voltage_v": "PhV",
        "power_factor_pct": "PF",
        "frequency_hz": "Hz",
        "import_energy_wh": "TotWhImp",
        "export_energy_wh": "TotWhExp",
    }


def _inverter_points() -> dict[str, str]:
    totals = {"active_power_w": "W", "reactive_power_var": "Var", "apparent_power_va": "VA", "current_a": "A"}
    points = {c + suffix: p + f"L{number}" for c, p in totals.items() for number, (suffix, _) in enumerate(_PHASES, 1)}
    points |= {f"voltage_v_l{number}": f"VL{number}" for number in (1, 2, 3)}
    return totals | points | {"voltage_v": "LNV", "frequency_hz": "Hz", "power_factor": "PF", "energy_wh": "TotWhInj"}


READINGS: Final[Mapping[int, Mapping[str, str]]] = {
    METER: _meter_points(),
    MEASUREMENT: _inverter_points()
    | {"operating_state": "InvSt", "discharge_energy_wh": "TotWhInj", "charge_energy_wh": "TotWhAbs"},
    CAPACITY: {"max_charge_power_w": "WChaRteMax", "max_discharge_power_w": "WDisChaRteMax"},
    STORAGE: {"soc_pct": "SoC", "soh_pct": "SoH", "capacity_wh": "WHRtg", "available_energy_wh": "WHAvail"},
    DIRECT: {"dc_current_a": "DCA"},
    BATTERY: {"dc_voltage_v": "V", "cell_voltage_min_v": "CellVMin", "cell_voltage_max_v": "CellVMax"},
    STRINGS: {"cell_temperature_min_degc": "ModTmpMin", "cell_temperature_max_degc": "ModTmpMax"},
    CHARGER: {
        "active_power_w": "W", "active_power_w_l1": "WphA", "active_power_w_l2": "WphB", "active_power_w_l3": "WphC",
        "current_a": "A", "phases": "Phs", "status": "St", "session_energy_wh": "SesWh", "energy_request_wh": "ReqWh",
        "departure_time": "Dep", "vehicle_soc_pct": "SoC",
    },
    SWITCH: {"state": "St", "closed": "St"},
    MORE_STORAGE: {
        "dc_power_w": "DcW", "dc_pv_power_w": "PvW", "temperature_degc": "Tmp", "grid_forming": "Form",
    },
    VIRTUAL_PLANT: {"counter": "counter", "speed": "speed"},
}  # fmt: skip
"""Model -> channel of the plant's reading -> point."""


@dataclass(frozen=True, slots=True)
class Written:
    """A point that carries a setpoint: obeyed while ``enable`` is 1 (None: as soon as it was written)."""

    channel: str
    point: str
    enable: str | None = None
    percent: bool = False
    """Of the device's rated power."""


_REACTIVE: Final = Written("reactive_power_var", "VarSet", "VarSetEna")
SETPOINTS: Final[Mapping[tuple[str, int], tuple[Written, ...]]] = {
    ("ess", CONTROLS): (Written("active_power_w", "WSet", "WSetEna"), _REACTIVE),
    ("pv", CONTROLS): (Written("active_power_limit_w", "WMaxLimPct", "WMaxLimPctEna", percent=True), _REACTIVE),
    ("ess", MORE_STORAGE): (Written("operating_mode", "Mode"), Written("heartbeat", "Beat")),
    ("evcs", CHARGER): (Written("current_limit_a", "ASet"), Written("phases", "PhsSet")),
    ("relay", SWITCH): (Written("state", "Set"),),
    ("breaker", SWITCH): (Written("closed", "Set"),),
}
"""Kind and model -> its setpoints."""


def fixed_points(kind: str, component: str, rated_w: float, capacity_wh: float) -> dict[int, dict[str, Value]]:
    """Points that never change: identity, ratings, scale factors (the smallest that carry 120 % of the rating)."""
    power, energy = exponent(1.2 * rated_w, 0x7FFE), exponent(1.2 * capacity_wh, 0xFFFE)
    common: dict[str, Value] = {"Mn": "Sim EMS", "Md": f"Virtual {kind}", "Vr": "1", "SN": component, "DA": 1}
    measurement: dict[str, Value] = {
        "ACType": 3, "St": 1, "ConnSt": 1, "Alrm": 0, "DERMode": 1, "A_SF": -1, "V_SF": -1, "Hz_SF": -3,
        "W_SF": power, "PF_SF": -3, "VA_SF": power, "Var_SF": power, "TotWh_SF": 0,
    }  # fmt: skip
    capacity: dict[str, Value] = {
        "WMaxRtg": rated_w, "VAMaxRtg": rated_w, "WMax": rated_w, "VAMax": rated_w, "W_SF": power, "VA_SF": power,
    }  # fmt: skip
    if kind == "ess":
        capacity |= {"WChaRteMaxRtg": rated_w, "WDisChaRteMaxRtg": rated_w}
    controls: dict[str, Value] = {
        "WMaxLimPctEna": 0, "WMaxLimPct": 100.0, "WSetEna": 0, "WSetMod": 1, "WSet": 0, "WSetRvrt": 0,
        "WSetEnaRvrt": 0, "WSetRvrtTms": 10, "WMaxLimPct_SF": -1, "WSet_SF": 0,
        "VarSetEna": 0, "VarSetMod": 4, "VarSet": 0, "VarSet_SF": 0,
    }  # fmt: skip
    return {
        COMMON: common,
        METER: {"Evt": 0},
        MEASUREMENT: measurement,
        CAPACITY: capacity,
        CONTROLS: controls,
        STORAGE: {"Sta": 0, "WH_SF": energy, "Pct_SF": -1},
        DIRECT: {"NPrt": 0, "DCA_SF": -1},
        BATTERY: {"V_SF": -1, "CellV_SF": -3},
        STRINGS: {"NStr": 0, "NStrCon": 0, "ModTmp_SF": -1},
        CHARGER: {},
        SWITCH: {},
        MORE_STORAGE: {},
        VIRTUAL_PLANT: {"counter": 0, "speed": 1.0},
    }


def exponent(value: float, largest: int) -> int:
    """Smallest exponent >= 0 with value <= largest * 10**exponent."""
    return max(0, math.ceil(math.log10(value / largest))) if value > 0.0 else 0


@dataclass(frozen=True, slots=True)
class PlacedModel:
    """One model at its place in the device's registers (``offset`` from the base address)."""

    definition: Definition
    offset: int
    fixed: Mapping[str, Value]
    readings: Mapping[str, str]

    def encode(self, values: Mapping[str, float], registers: list[int]) -> None:
        """Put the readings into the registers; a value that does not fit shows not implemented."""
        for channel, name in self.readings.items():
            value = values.get(channel)
            if value is None:
                continue
            point = self.definition.point(name)
            start = self.offset + point.offset
            registers[start : start + point.size] = encode_point(self.definition, name, value, self.fixed)


@dataclass(frozen=True, slots=True)
class Chain:
    """A device's whole register map from the base address on."""

    models: tuple[PlacedModel, ...]
    registers: tuple[int, ...]
    base_address: int = BASE_ADDRESSES[0]

    def model(self, number: int) -> PlacedModel | None:
        return next((placed for placed in self.models if placed.definition.id == number), None)


def build_chain(kind: str, component: str, rated_w: float, capacity_wh: float, *, more: tuple[int, ...] = ()) -> Chain:
    """The chain of one device of this kind, every reading not implemented until the first one arrives. ``more``:
    models beside those of its kind (:data:`CELLS`, :data:`MORE_STORAGE`)."""
    points = fixed_points(kind, component, rated_w, capacity_wh)
    registers = list(MARKER)
    models = []
    for number in (*MODELS[kind][:-1], *more, MODELS[kind][-1]):
        definition, fixed = load_definition(number), points[number]
        models.append(PlacedModel(definition, len(registers), fixed, READINGS.get(number, {})))
        registers += encode_model(definition, fixed)
    return Chain(tuple(models), tuple(registers + from_bytes(END_OF_CHAIN.to_bytes(2, "big") + b"\0\0")))
