"""Which channels of a site carry grid, PV, battery and load power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

LOAD = "site/load_power_w"
STATE = "site/state"
CONTROL_MODE = "site/control_mode"


@dataclass(frozen=True)
class PowerChannels:
    """Addresses; the sums over a list are the site's figure."""

    grid: tuple[str, ...]
    pv: tuple[str, ...]
    ess: tuple[str, ...]
    soc: tuple[str, ...]
    load: tuple[str, ...] = (LOAD,)


def power_channels(components: Iterable[tuple[str, str]]) -> PowerChannels:
    """From (component id, kind) in the site file's order. The grid meter is the one named so, else the first meter."""
    return _power_channels(tuple(components))


@lru_cache(maxsize=1024)
def _power_channels(components: tuple[tuple[str, str], ...]) -> PowerChannels:
    """Many sites of a fleet are built alike."""
    rows = [(component, kind.lower()) for component, kind in components]
    meters = [component for component, kind in rows if kind in ("meter", "grid_meter")]
    named = [component for component in meters if component.startswith("grid")]
    ess = _of(rows, "ess")
    return PowerChannels(
        grid=tuple(f"{component}/active_power_w" for component in (named or meters)[:1]),
        pv=tuple(f"{component}/active_power_w" for component in _of(rows, "pv")),
        ess=tuple(f"{component}/active_power_w" for component in ess),
        soc=tuple(f"{component}/soc_pct" for component in ess),
    )


def total(values: Mapping[str, float | None], addresses: Iterable[str]) -> float | None:
    """Sum of what is known; None when nothing is."""
    known = [value for address in addresses if (value := values.get(address)) is not None]
    return sum(known) if known else None


def mean(values: Mapping[str, float | None], addresses: Iterable[str]) -> float | None:
    known = [value for address in addresses if (value := values.get(address)) is not None]
    return sum(known) / len(known) if known else None


def _of(rows: list[tuple[str, str]], kind: str) -> list[str]:
    return [component for component, its_kind in rows if its_kind == kind]
