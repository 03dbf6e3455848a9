"""Addresses that a scenario may set: what the site cannot choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FIXED: Final = frozenset(
    {"grid/voltage_v", "grid/frequency_hz", "grid/present", "site/load_power_w", "site/load_tan_phi"}
)
BY_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "pv": ("available_power_w",),
    "load": ("power_w", "outside_degc"),
    "ess": ("ambient_degc", "dc_pv_available_w"),
}


def drivable_addresses(kinds: Mapping[str, str]) -> frozenset[str]:
    """``kinds``: by component."""
    own = {f"{name}/{end}" for name, kind in kinds.items() for end in BY_KIND.get(kind, ())}
    return FIXED | own
