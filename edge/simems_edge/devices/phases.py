"""What a meter's profile gives for each phase, and whether a limit of phase currents can be kept with it."""

from __future__ import annotations

from dataclasses import dataclass

from simems_edge.contracts.interfaces import PHASES
from simems_edge.devices.profile import Profile

Three = tuple[str, str, str]


@dataclass(frozen=True)
class PhaseChannels:
    """Addresses, by phase. One of ``reactive`` and ``current`` is there."""

    power: Three
    voltage: Three
    reactive: Three | None
    current: Three | None


def phase_channels(component: str, profile: Profile) -> PhaseChannels | None:
    """None when the profile lacks what a phase's current is held by (:func:`missing_for_phases`)."""
    if missing_for_phases(profile):
        return None
    reactive = _three(component, "reactive_power_var") if _reads(profile, "reactive_power_var") else None
    current = _three(component, "current_a") if reactive is None else None
    return PhaseChannels(_three(component, "active_power_w"), _three(component, "voltage_v"), reactive, current)


def missing_for_phases(profile: Profile) -> list[str]:
    """Channels that a meter must read on each phase and does not; empty when it reads them."""
    lacking = [name for name in ("active_power_w", "voltage_v") if not _reads(profile, name)]
    if not (_reads(profile, "reactive_power_var") or _reads(profile, "current_a")):
        lacking.append("current_a")
    return [f"{name}_l1..l3" for name in lacking]


def _reads(profile: Profile, name: str) -> bool:
    readable = {row.name for row in profile.channels if row.readable}
    return all(name + phase in readable for phase in PHASES)


def _three(component: str, name: str) -> Three:
    first, second, third = (f"{component}/{name}{phase}" for phase in PHASES)
    return first, second, third
