"""The judge: knows the site file, the data, the actions and what came out; nothing of how it was decided.

It imports nothing of the product. Each row's decisions are held against every hard limit of the site file, evaluated
anew from the inputs; the standing faults against their lives, written down a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, inf, isnan
from typing import Any

from proof_connection import Connections
from proof_faults import Fault, faults_of
from proof_signals import Signals

ALWAYS_MODES = frozenset({"AUTO", "BACKUP", "ISLAND"})
MODES = frozenset({"AUTO", "PEAK_SHAVING", "SELF_CONSUMPTION", "SCHEDULE", "DROOP", "BACKUP", "ISLAND"})
MODE_OF = {
    "peak_shaving": "PEAK_SHAVING",
    "self_consumption": "SELF_CONSUMPTION",
    "adversary_manual": "DROOP",
    "adversary_grid": "DROOP",
    "adversary_safety": "BACKUP",
    "adversary_optimisation": "PEAK_SHAVING",
    "adversary_auxiliary": "SCHEDULE",
}
UNRATED_W = 1e9
CONTACTS = ("/state", "/closed", "/operating_mode")
"""Contacts and requests: 0 is not their safe state, and no fault moves them."""


@dataclass(frozen=True)
class Act:
    """One row of ACTIONS."""

    action: str
    target: str = ""
    value: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True)
class Row:
    """One row of OUTPUT."""

    setpoints: dict[str, float]
    reasons: dict[str, str]
    state: str
    faults: frozenset[str]


class Checker:
    """``judge`` gives every violation of one row, in words."""

    def __init__(self, site: dict[str, Any]) -> None:
        self._site = site
        self._signals = Signals(site)
        self._signals.take(0.0, {"site/estop": 0.0})
        self._components = {component["id"]: component for component in site["components"]}
        self._batteries = [name for name in self._components if name.startswith("ess")]
        self._faults: list[Fault] = faults_of(site)
        self._modelled = {fault.code for fault in self._faults}
        offered = {MODE_OF[entry["type"]] for entry in site["controllers"] if entry["type"] in MODE_OF}
        self._modes = MODES & (ALWAYS_MODES | offered)
        self._mode, self._mode_ends_s = "AUTO", inf
        self._estop_ends_s = inf
        self._stopped = self._ended = False
        self._state = "INIT"
        self._connections = Connections(site)
        self._before: dict[str, float] = {}
        self._before_s: float | None = None

    def judge(self, time_s: float, values: dict[str, float], acts: list[Act], row: Row, calm: bool) -> list[str]:
        """``calm``: the plant is ideal and still, and no reading has been spoilt up to now."""
        self._signals.take(time_s, values)
        cleared = self._act(acts)
        self._time(time_s)
        for fault in self._faults:
            fault.step(self._signals, fault in cleared)
        self._release(time_s)
        found = [*self._latches(row), *self._states(row)]
        limits = {name: self._limits(name, row) for name in self._batteries}
        found += [text for name in self._batteries for text in self._battery(name, limits[name], row)]
        found += [*self._others(row), *self._clusters(row), *self._ramps(time_s, limits, row)]
        acting = row.state not in ("FAULT", "SHUTDOWN") and not (row.state == "STANDBY" and self._stopped)
        found += self._connections.judge(self._signals, limits, row.setpoints, calm and acting)
        self._state, self._before, self._before_s = row.state, row.setpoints, time_s
        return found

    def takes(self, mode: str) -> bool:
        """Whether this site knows the mode at all (one that it does not know is an error of the file)."""
        return mode in self._modes or mode in ("STANDBY", "RUN", "SHUTDOWN")

    @property
    def clearable(self) -> list[str]:
        """What a person may try to clear here: codes, and codes of one component."""
        return [name for fault in self._faults for name in (fault.code, f"{fault.code}:{fault.component}")]

    # ---- what people did

    def _act(self, acts: list[Act]) -> list[Fault]:
        cleared: list[Fault] = []
        for act in acts:
            if act.action == "clear_fault":
                cleared += self._clear(act.target)
            elif act.action == "estop":
                pressed = act.value == "" or float(act.value) != 0.0
                self._signals.take(self._signals.now_s, {"site/estop": float(pressed)})
                timed = pressed and act.duration_s > 0.0
                self._estop_ends_s = self._signals.now_s + act.duration_s if timed else inf
            elif act.action == "set_mode":
                self._set_mode(act)
        return cleared

    def _clear(self, target: str) -> list[Fault]:
        names = ("{0.code}", "{0.code}:{0.component}")
        matching = [f for f in self._faults if f.raised and target in {name.format(f) for name in names}]
        return matching if all(fault.phase == "waiting" for fault in matching) else []

    def _set_mode(self, act: Act) -> None:
        name = act.value or act.target
        if name == "STANDBY" and self._state == "RUN":
            self._stopped = True
        elif name == "RUN" and self._state == "STANDBY":
            self._stopped = False
        elif name == "SHUTDOWN" and self._state != "SHUTDOWN":
            self._ended = True
        elif name in self._modes:
            self._mode = name
            self._mode_ends_s = self._signals.now_s + act.duration_s if act.duration_s > 0.0 else inf

    def _time(self, now_s: float) -> None:
        if now_s >= self._mode_ends_s - 1e-9:
            self._mode, self._mode_ends_s = "AUTO", inf

    def _release(self, now_s: float) -> None:
        """A button pressed for a time is released in the turn, and seen so from the next cycle on."""
        if now_s >= self._estop_ends_s - 1e-9:
            self._signals.take(now_s, {"site/estop": 0.0})
            self._estop_ends_s = inf

    # ---- what must be

    def _latches(self, row: Row) -> list[str]:
        wanted = {fault.code for fault in self._faults if fault.raised}
        shown = row.faults & self._modelled
        return [f"faults {sorted(shown)} instead of {sorted(wanted)}"] if shown != wanted else []

    def _states(self, row: Row) -> list[str]:
        found = []
        stop = any(fault.reacts and fault.reaction == "stop" for fault in self._faults)
        blind = all(self._blocks(name) == (True, True) for name in self._batteries)
        if self._ended and row.state != "SHUTDOWN":
            found.append(f"state {row.state} after a shutdown")
        if not self._ended and (stop or blind) != (row.state == "FAULT"):
            found.append(f"state {row.state}: stop {stop}, nothing left {blind}")
        if self._stopped and row.state == "RUN":
            found.append("RUN although a person stopped it")
        if row.state in ("FAULT", "SHUTDOWN") or (row.state == "STANDBY" and self._stopped):
            moving = {a: v for a, v in row.setpoints.items() if v != 0.0 and not a.endswith(CONTACTS)}
            found += [f"{address} is {value} in {row.state}" for address, value in moving.items()]
        return found

    def _blocks(self, battery: str) -> tuple[bool, bool]:
        charge = discharge = False
        for fault in self._faults:
            if not fault.reacts or not (fault.everybody or fault.component == battery):
                continue
            zero = fault.reaction == "stop" or (fault.reaction == "zero_power" and self._mode != "ISLAND")
            charge |= zero or fault.reaction == "block_charge"
            discharge |= zero or fault.reaction == "block_discharge"
        return charge, discharge

    def _limits(self, name: str, row: Row) -> tuple[float, float]:
        """Lowest and highest power of a battery, of everything that protects it alone."""
        get, guards = self._signals.get, self._components[name].get("guards", {})
        charge_w, discharge_w = get(f"{name}/max_charge_power_w"), get(f"{name}/max_discharge_power_w")
        low = -UNRATED_W if charge_w > UNRATED_W else -max(charge_w, 0.0) if not isnan(charge_w) else 0.0
        high = min(max(discharge_w, 0.0), UNRATED_W) if not isnan(discharge_w) else 0.0
        blocked = self._blocks(name)
        charge, discharge = not blocked[0], not blocked[1]
        if "soc_pct" in guards:
            soc_pct, (least, most) = get(f"{name}/soc_pct"), guards["soc_pct"]
            charge, discharge = charge and soc_pct < most, discharge and soc_pct > least
        charge, discharge = self._windows(name, guards, charge, discharge)
        return (low if charge else 0.0), (high if discharge else 0.0)

    def _windows(self, name: str, guards: dict[str, Any], charge: bool, discharge: bool) -> tuple[bool, bool]:
        def get(channel: str) -> float:
            return self._signals.get(f"{name}/{channel}")

        if "cell_voltage_v" in guards:
            low, high = guards["cell_voltage_v"]
            charge, discharge = (
                charge and get("cell_voltage_max_v") < high,
                discharge and get("cell_voltage_min_v") > low,
            )
        if "voltage_v" in guards:
            low, high = guards["voltage_v"]
            charge, discharge = charge and get("voltage_v") < high, discharge and get("voltage_v") > low
        for guard in ("charge_temperature_degc", "cell_temperature_degc"):
            if guard in guards:
                low, high = guards[guard]
                inside = get("cell_temperature_min_degc") > low and get("cell_temperature_max_degc") < high
                charge = charge and inside
                discharge = discharge and (inside or guard == "charge_temperature_degc")
        return charge, discharge

    def _battery(self, name: str, limits: tuple[float, float], row: Row) -> list[str]:
        power_w, (low, high) = row.setpoints[f"{name}/active_power_w"], limits
        found = []
        if not (low - 1e-6 <= power_w <= high + 1e-6):
            found.append(f"{name} at {power_w} W outside {low}..{high} ({row.reasons[f'{name}/active_power_w']})")
        reactive = row.setpoints.get(f"{name}/reactive_power_var")
        if reactive is not None:
            rating = self._components[name]["control"]["reactive_rating_var"]
            apparent = self._signals.get(f"{name}/max_apparent_power_va")
            apparent = 0.0 if isnan(apparent) else apparent
            if not abs(reactive) <= rating + 1e-6:
                found.append(f"{name} at {reactive} var beyond {rating}")
            if not hypot(power_w, reactive) <= apparent * (1 + 1e-9) + 1e-6:
                found.append(f"{name} at {power_w} W and {reactive} var beyond {apparent} VA")
        return found

    def _others(self, row: Row) -> list[str]:
        found = []
        for address, value in row.setpoints.items():
            name, _, channel = address.partition("/")
            control = self._components.get(name, {}).get("control", {})
            if channel == "active_power_limit_w" and not 0.0 <= value <= control["rating_w"]:
                found.append(f"{address} at {value} outside 0..{control['rating_w']}")
            if channel in ("state", "closed", "operating_mode") and value not in (0.0, 1.0):
                found.append(f"{address} at {value}")
            if channel == "current_limit_a" and name in self._components:
                most = control.get("maximum_current_a", 32.0)
                if not (value == 0.0 or 6.0 - 1e-9 <= value <= most + 1e-9):
                    found.append(f"{address} at {value} A is neither 0 nor 6..{most} ({row.reasons[address]})")
        return found

    def _clusters(self, row: Row) -> list[str]:
        """A cap stands beside the connection's limits: only they (a reason says so) may be what it is missed for."""
        found = []
        for entry in self._site.get("clusters", ()):
            channel = "current_limit_a" if entry["members"][0].startswith("evcs") else "active_power_w"
            total = sum(row.setpoints[f"{member}/{channel}"] for member in entry["members"])
            limit = entry.get("limit_w", entry.get("limit_a", inf))
            reasons = [row.reasons[f"{member}/{channel}"] for member in entry["members"]]
            pressed = any("bound: grid:" in reason or "bound: phase:" in reason for reason in reasons)
            if not abs(total) <= limit + 1e-3 and not pressed:
                found.append(f"{entry['id']} at {total} beyond {limit}")
        return found

    def _ramps(self, time_s: float, limits: dict[str, tuple[float, float]], row: Row) -> list[str]:
        """Faster than its ramp only to the fallback, or where some limit (its reason says so) asks for it."""
        found = []
        for name, (low, high) in limits.items():
            address, rate = f"{name}/active_power_w", self._components[name].get("guards", {}).get("ramp_w_per_s")
            if rate is None or self._before_s is None:
                continue
            before, now, reason = self._before[address], row.setpoints[address], row.reasons[address]
            bound = reason.partition("; bound: ")[2]
            free = bound in ("", "ramp", "(collapsed)") or bound.partition(" ")[0] in self._names()
            allowed = rate * (time_s - self._before_s) * (1 + 1e-9) + 1e-3
            inside = low <= before <= high
            if free and inside and not reason.startswith("fallback") and abs(now - before) > allowed:
                found.append(f"{name} moved from {before} to {now} W, {allowed} allowed ({reason})")
        return found

    def _names(self) -> set[str]:
        return {entry["id"] for entry in self._site["controllers"]}
