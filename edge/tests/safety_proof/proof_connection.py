"""The grid connection as the judge sees it: what a blind one leaves, and whether a limit is missed that could be held.

In an ideal still plant the power of the next instant follows from the setpoints. Where it then misses a limit, no
single battery may be able to make the excess smaller without making another one larger.
"""

from __future__ import annotations

from math import isnan
from typing import Any

from proof_signals import Signals

VOLTS = 230.0
STEP_W = 1.0
TOLERANCE_W = 0.5
Limits = dict[str, tuple[float, float]]


class Connections:
    def __init__(self, site: dict[str, Any]) -> None:
        grid = site["site"]["grid"]
        self._import_w, self._export_w = grid["import_limit_w"], grid["export_limit_w"]
        self._phase_a = grid.get("phase_limit_a")
        self._members = {}
        for component in site["components"]:
            name, kind = component["id"], component["id"].rstrip("0123456789")
            commanded = kind == "ess" or (kind in ("pv", "evcs") and "control" in component)
            if commanded:
                self._members[name] = tuple(component.get("control", {}).get("phases", (1, 2, 3)))
        self._caps = [
            (entry["members"], entry.get("limit_w"))
            for entry in site.get("clusters", ())
            if entry["members"][0].startswith("ess") and entry.get("limit_w") is not None
        ]
        self._only_batteries = all(name.startswith("ess") for name in self._members)
        self._reactive = {c["id"] for c in site["components"] if "reactive_rating_var" in c.get("control", {})}

    def judge(self, signals: Signals, limits: Limits, setpoints: dict[str, float], calm: bool) -> list[str]:
        found = self._blind(signals, setpoints)
        if calm and self._only_batteries:
            found += self._missed(signals, limits, setpoints)
        return found

    # ---- what nobody sees

    def _blind(self, signals: Signals, setpoints: dict[str, float]) -> list[str]:
        found = []
        if self._unseen(signals, "grid0/active_power_w", self._members):
            found += self._closed(setpoints, self._members, "an unseen connection")
            limits_w = [setpoints[f"{name}/active_power_limit_w"] for name in self._members if name.startswith("pv")]
            if limits_w and sum(limits_w) > self._export_w + 1e-3:
                found.append(f"solar power of {sum(limits_w)} W behind an unseen connection")
        for phase in (1, 2, 3) if self._phase_a is not None else ():
            here = {name: on for name, on in self._members.items() if phase in on}
            names = (f"active_power_w_l{phase}", f"voltage_v_l{phase}", f"current_a_l{phase}")
            unknown = any(isnan(signals.get(f"grid0/{name}")) for name in names)
            if unknown or self._unseen(signals, f"grid0/active_power_w_l{phase}", here):
                found += self._closed(setpoints, here, f"unseen phase {phase}")
        return found

    def _unseen(self, signals: Signals, meter: str, members: dict[str, tuple[int, ...]]) -> bool:
        """A charger that nobody sees is a part of the house."""
        addresses = [meter, *(f"{name}/active_power_w" for name in members if not name.startswith("evcs"))]
        return any(isnan(signals.get(address)) for address in addresses)

    def _closed(self, setpoints: dict[str, float], members: dict[str, tuple[int, ...]], what: str) -> list[str]:
        addresses = [f"{name}/active_power_w" for name in members if name.startswith("ess")]
        addresses += [f"{name}/current_limit_a" for name in members if name.startswith("evcs")]
        return [
            f"{address} at {setpoints[address]} behind {what}" for address in addresses if setpoints[address] != 0.0
        ]

    # ---- what could be held

    def _excess(self, powers: dict[str, float], fixed: list[float]) -> list[float]:
        """W beyond each limit: import, export, of each phase both ways, and caps."""
        phases = list(fixed)
        for name, on in self._members.items():
            for phase in on:
                phases[phase - 1] -= powers[name] / len(on)
        total = sum(phases)
        found = [total - self._import_w, -total - self._export_w]
        if self._phase_a is not None:
            most_w = VOLTS * self._phase_a
            found += [sign * power_w - most_w for power_w in phases for sign in (1.0, -1.0)]
        found += [abs(sum(powers[name] for name in members)) - limit_w for members, limit_w in self._caps]
        return [max(excess, 0.0) for excess in found]

    def _missed(self, signals: Signals, limits: Limits, setpoints: dict[str, float]) -> list[str]:
        read = {name: signals.get(f"{name}/active_power_w") for name in self._members}
        fixed = [signals.get(f"grid0/active_power_w_l{phase}") for phase in (1, 2, 3)]
        for name, on in self._members.items():
            for phase in on:
                fixed[phase - 1] += read[name] / len(on)
        powers = {name: setpoints[f"{name}/active_power_w"] for name in self._members}
        before = self._excess(powers, fixed)
        if max(before) <= TOLERANCE_W:
            return []
        for name in self._members:
            for step_w in (STEP_W, -STEP_W):
                moved = powers | {name: powers[name] + step_w}
                low, high = limits[name]
                if not low <= moved[name] <= high or name in self._reactive:
                    continue
                after = self._excess(moved, fixed)
                better = sum(b * b for b in before) - sum(a * a for a in after)
                if better > STEP_W * TOLERANCE_W and all(a <= b + 1e-6 for a, b in zip(after, before, strict=True)):
                    return [f"{name} at {powers[name]} W could move by {step_w} W: excess {before} W, then {after} W"]
        return []
