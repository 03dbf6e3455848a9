"""Random inputs: an ideal plant that follows the setpoints, rubbish, and devices that fall silent, lie or go mad."""

from __future__ import annotations

from math import nan
from random import Random
from typing import Any

VOLTS = 230.0
Values = dict[str, float]


def controlled(component: dict[str, Any]) -> bool:
    return component["id"].startswith("ess") or "control" in component


def phases_of(component: dict[str, Any]) -> tuple[int, ...]:
    phases: tuple[int, ...] = component.get("control", {}).get("phases", (1, 2, 3))
    return phases


class Plant:
    """What is true. Batteries do what they are told at once, inverters and chargers at most what they may."""

    def __init__(self, random: Random, site: dict[str, Any]) -> None:
        self._random = random
        self.components = [c for c in site["components"] if c["id"].startswith(("ess", "pv", "evcs"))]
        scale_w = site["site"]["grid"]["import_limit_w"]
        self.steady = random.random() < 0.6
        self.load_w = [random.uniform(0.0, scale_w) * random.uniform(0.0, 0.5) for _ in range(3)]
        self.wants = {c["id"]: random.uniform(0.0, 40_000.0) for c in self.components}
        self.power_w = {c["id"]: 0.0 for c in self.components}
        self.soc_pct = {c["id"]: random.uniform(0.0, 100.0) for c in self.components}
        self.limits_w = {
            c["id"]: (random.uniform(0.0, 60_000.0), random.uniform(0.0, 60_000.0)) for c in self.components
        }
        self.moved = False
        self.follow({})

    def step(self) -> None:
        """What people and the weather do."""
        random = self._random
        if not self.steady and random.random() < 0.05:
            self.moved = True
            self.load_w[random.randrange(3)] = random.uniform(0.0, 80_000.0)
            self.wants[random.choice(sorted(self.wants))] = random.uniform(0.0, 40_000.0)
        for name in self.soc_pct:
            self.soc_pct[name] = min(max(self.soc_pct[name] + random.uniform(-0.4, 0.4), 0.0), 100.0)
        if random.random() < 0.01:
            name = random.choice(sorted(self.limits_w))
            self.limits_w[name] = (random.uniform(0.0, 60_000.0), random.uniform(0.0, 60_000.0))

    def follow(self, setpoints: Values) -> None:
        for component in self.components:
            name = component["id"]
            if name.startswith("ess"):
                self.power_w[name] = setpoints.get(f"{name}/active_power_w", 0.0)
            elif name.startswith("pv"):
                self.power_w[name] = min(self.wants[name], setpoints.get(f"{name}/active_power_limit_w", 1e9))
            else:
                most_w = setpoints.get(f"{name}/current_limit_a", 0.0) * VOLTS * len(phases_of(component))
                self.power_w[name] = min(self.wants[name], most_w)

    def grid_w(self) -> list[float]:
        """Of each phase, import positive."""
        found = list(self.load_w)
        for component in self.components:
            name, on = component["id"], phases_of(component)
            sign = 1.0 if name.startswith("evcs") else -1.0
            for phase in on:
                found[phase - 1] += sign * self.power_w[name] / len(on)
        return found

    def readings(self) -> Values:
        phases = self.grid_w()
        values: Values = {"grid0/active_power_w": sum(phases), "grid0/frequency_hz": 50.0, "grid0/communication": 1.0}
        for number, power_w in enumerate(phases, start=1):
            values |= {
                f"grid0/active_power_w_l{number}": power_w,
                f"grid0/voltage_v_l{number}": VOLTS,
                f"grid0/current_a_l{number}": abs(power_w) / VOLTS,
            }
        for component in self.components:
            name = component["id"]
            values[f"{name}/active_power_w"] = self.power_w[name]
            if name.startswith("ess"):
                values |= self._battery(name)
        return values

    def _battery(self, name: str) -> Values:
        charge_w, discharge_w = self.limits_w[name]
        return {
            f"{name}/soc_pct": self.soc_pct[name],
            f"{name}/max_charge_power_w": charge_w,
            f"{name}/max_discharge_power_w": discharge_w,
            f"{name}/max_apparent_power_va": max(charge_w, discharge_w),
            f"{name}/cell_voltage_min_v": 3.2,
            f"{name}/cell_voltage_max_v": 3.3,
            f"{name}/cell_temperature_min_degc": 18.0,
            f"{name}/cell_temperature_max_degc": 24.0,
            f"{name}/voltage_v": VOLTS,
            f"{name}/communication": 1.0,
            f"{name}/grid_forming": 0.0,
        }


ODD: dict[str, tuple[float, ...]] = {
    "cell_voltage_min_v": (2.5, 2.4999, 2.0, 3.0),
    "cell_voltage_max_v": (3.65, 3.6501, 4.0, 4.3),
    "cell_temperature_min_degc": (0.0, -0.1, 0.1, -20.0, -25.0),
    "cell_temperature_max_degc": (45.0, 50.0, 55.0, 60.0, 44.9),
    "soc_pct": (0.0, 5.0, 10.0, 90.0, 95.0, 100.0, -1.0, 101.0),
    "voltage_v": (200.0, 199.0, 260.0, 270.0, 0.0),
    "communication": (0.0, 1.0),
    "grid_forming": (0.0, 1.0, 2.0),
}


class Troubles:
    """Makes rows out of readings: whole cells missing, NaN, absurd numbers, stuck values, for random stretches."""

    def __init__(self, random: Random, columns: list[str]) -> None:
        self._random = random
        self._columns = columns
        self._standing: dict[str, tuple[str, int, float]] = {}
        self.calm = True
        """No reading has been spoilt up to now."""
        self._rate = random.choice([0.0, 0.0, 0.01, 0.05, 0.3])

    def spoil(self, values: Values) -> Values:
        """NaN stands for what the device said; a channel that is left out has no new value."""
        random = self._random
        if random.random() < self._rate:
            self.calm = False
            column = random.choice(self._columns)
            kind = random.choice(["silent", "silent", "nan", "absurd", "odd", "odd", "stuck", "wild"])
            self._standing[column] = (kind, random.choice([1, 2, 5, 20, 100]), values.get(column, 0.0))
        found = dict(values)
        for column, (kind, left, stuck) in list(self._standing.items()):
            self._apply(found, column, kind, stuck)
            if left <= 1:
                del self._standing[column]
            else:
                self._standing[column] = (kind, left - 1, stuck)
        return found

    def _apply(self, found: Values, column: str, kind: str, stuck: float) -> None:
        random = self._random
        if kind == "silent":
            found.pop(column, None)
        elif kind == "nan":
            found[column] = nan
        elif kind == "absurd":
            found[column] = random.choice([-1e12, 1e12, 1e300, -1e300, 65_535.0, -32_768.0])
        elif kind == "odd":
            found[column] = random.choice(ODD.get(column.partition("/")[2], (0.0, -1.0, 1.0)))
        elif kind == "stuck":
            found[column] = stuck
        else:
            found[column] = random.uniform(-1e5, 1e5)
