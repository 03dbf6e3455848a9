"""The life of each fault, written down a second time from docs/faults.md: when it must stand, and what it blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from proof_signals import Signals

HOLDS, GONE, UNKNOWN = "holds", "gone", "unknown"
Look = Callable[[Signals], str]
EPSILON_S = 1e-9


def _compare(address: str, test: Callable[[float], bool]) -> Look:
    def look(signals: Signals) -> str:
        value = signals.get(address)
        return UNKNOWN if isnan(value) else HOLDS if test(value) else GONE

    return look


def _implausible(address: str) -> Look:
    def look(signals: Signals) -> str:
        if signals.bad(address):
            return HOLDS
        return UNKNOWN if isnan(signals.get(address)) else GONE

    return look


def _lost(address: str) -> Look:
    def look(signals: Signals) -> str:
        if not signals.given(address):
            return UNKNOWN
        return GONE if signals.get(address) == 1.0 else HOLDS

    return look


def _tripped(address: str) -> Look:
    return lambda signals: GONE if signals.get(address) == 0.0 else HOLDS


@dataclass
class Fault:
    """One fault of one component."""

    code: str
    component: str
    look: Look
    delay_s: float
    gone_s: float
    latch: bool
    reaction: str
    """block_charge, block_discharge, zero_power or stop."""
    everybody: bool = False
    hold_s: float = 0.0
    phase: str = field(default="idle", init=False)
    since_s: float | None = field(default=None, init=False)

    @property
    def raised(self) -> bool:
        return self.phase in ("active", "waiting")

    @property
    def reacts(self) -> bool:
        return self.phase in ("active", "waiting", "holding")

    def step(self, signals: Signals, cleared: bool) -> None:
        verdict, now_s = self.look(signals), signals.now_s
        if self.phase in ("idle", "pending"):
            self._watch(verdict, now_s)
        elif self.phase == "active":
            self._stand(verdict, now_s)
        elif self.phase == "waiting":
            if verdict != GONE:
                self.phase, self.since_s = "active", None
            elif cleared:
                self._over(now_s)
        elif verdict == HOLDS:
            self.phase, self.since_s = "active", None
        elif self._for_s(now_s) >= self.hold_s - EPSILON_S:
            self.phase, self.since_s = "idle", None

    def _for_s(self, now_s: float) -> float:
        return -1.0 if self.since_s is None else now_s - self.since_s

    def _watch(self, verdict: str, now_s: float) -> None:
        if verdict == GONE or (verdict == UNKNOWN and self.phase == "idle"):
            self.phase, self.since_s = "idle", None
            return
        if self.phase == "idle":
            self.phase, self.since_s = "pending", now_s
        if verdict == HOLDS and self._for_s(now_s) >= self.delay_s - EPSILON_S:
            self.phase, self.since_s = "active", None

    def _stand(self, verdict: str, now_s: float) -> None:
        if verdict != GONE:
            self.since_s = None
            return
        if self.since_s is None:
            self.since_s = now_s
        if self._for_s(now_s) < self.gone_s - EPSILON_S:
            return
        if self.latch:
            self.phase = "waiting"
        else:
            self._over(now_s)

    def _over(self, now_s: float) -> None:
        self.phase, self.since_s = ("holding", now_s) if self.hold_s > 0.0 else ("idle", None)


def faults_of(site: dict[str, Any]) -> list[Fault]:
    """Of batteries, the grid connection and the emergency stop."""
    found = [Fault("emergency_stop", "site", _tripped("site/estop"), 0.0, 0.0, True, "stop", everybody=True)]
    declared = site["site"].get("estop")
    if declared is not None:
        component = declared.partition("/")[0]
        found.append(Fault("emergency_stop", component, _tripped(declared), 0.0, 0.0, True, "stop", everybody=True))
    for component in site["components"]:
        if component["id"].startswith("ess"):
            found += _battery(component["id"], component.get("guards", {}))
    grid = site["site"]["grid"]
    most_w, least_w = 1.01 * grid["import_limit_w"], -1.01 * grid["export_limit_w"]
    meter = "grid0/active_power_w"
    over, under = _compare(meter, lambda w: w > most_w), _compare(meter, lambda w: w < least_w)
    return [
        *found,
        Fault("grid_import_exceeded", "grid0", over, 60.0, 30.0, False, "block_charge", everybody=True),
        Fault("grid_export_exceeded", "grid0", under, 60.0, 30.0, False, "block_discharge", everybody=True),
    ]


def _battery(name: str, guards: dict[str, Any]) -> list[Fault]:
    low_v, high_v = guards.get("cell_voltage_v", (2.5, 4.25))
    cold, hot = guards.get("charge_temperature_degc", (0.0, 50.0))
    coldest, hottest = guards.get("cell_temperature_degc", (-20.0, 55.0))

    def of(channel: str, test: Callable[[float], bool]) -> Look:
        return _compare(f"{name}/{channel}", test)

    minimum, maximum = "cell_temperature_min_degc", "cell_temperature_max_degc"
    found = [
        Fault("cell_undervoltage", name, of("cell_voltage_min_v", lambda v: v < low_v), 1, 5, True, "block_discharge"),
        Fault("cell_overvoltage", name, of("cell_voltage_max_v", lambda v: v > high_v), 1, 5, True, "block_charge"),
        Fault("cell_too_cold_to_charge", name, of(minimum, lambda t: t <= cold), 0, 30, False, "block_charge"),
        Fault("cell_too_hot_to_charge", name, of(maximum, lambda t: t >= hot), 2, 30, False, "block_charge"),
        Fault("cell_undertemperature", name, of(minimum, lambda t: t <= coldest), 2, 60, False, "zero_power"),
        Fault("cell_overtemperature", name, of(maximum, lambda t: t >= hottest), 2, 60, True, "zero_power"),
        Fault("soc_implausible", name, _implausible(f"{name}/soc_pct"), 2, 10, False, "zero_power"),
        Fault("ess_unreachable", name, _lost(f"{name}/communication"), 60, 5, False, "zero_power", hold_s=5.0),
    ]
    if "voltage_v" in guards:
        least_v, most_v = guards["voltage_v"]
        low, high = of("voltage_v", lambda v: v < least_v), of("voltage_v", lambda v: v > most_v)
        found.append(Fault("pack_undervoltage", name, low, 1, 5, True, "block_discharge"))
        found.append(Fault("pack_overvoltage", name, high, 1, 5, True, "block_charge"))
    return found
