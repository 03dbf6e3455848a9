"""What an input says at an instant: from the data and the profiles' files alone."""

from __future__ import annotations

from functools import lru_cache
from math import inf, isfinite, nan
from pathlib import Path
from typing import Any

import yaml

PROFILES = Path(__file__).parents[2] / "simems_edge" / "devices" / "profiles"
CHARGER_STALE_S = 5.0
COMMUNICATION_STALE_S = 10.0


@lru_cache(maxsize=8)
def _rows(profile: str) -> dict[str, dict[str, Any]]:
    if profile == "charger":
        return {}
    return {row["name"]: row for row in yaml.safe_load((PROFILES / f"{profile}.yaml").read_text())["channels"]}


class Signals:
    """Newest value of each channel with its time; ``get`` gives it while it is valid, else NaN."""

    def __init__(self, site: dict[str, Any]) -> None:
        self._profiles = {component["id"]: component["profile"] for component in site["components"]}
        self._newest: dict[str, tuple[float, float]] = {}
        self._facts: dict[str, tuple[float, float, float, str]] = {}
        self.now_s = 0.0

    def take(self, now_s: float, values: dict[str, float]) -> None:
        self.now_s = now_s
        for address, value in values.items():
            self._newest[address] = (value if self._can_be(address, value) else nan, now_s)

    def _of(self, address: str) -> tuple[float, float, float, str]:
        if address not in self._facts:
            self._facts[address] = self._find(address)
        return self._facts[address]

    def _find(self, address: str) -> tuple[float, float, float, str]:
        component, _, name = address.partition("/")
        if name == "communication":
            return -inf, inf, COMMUNICATION_STALE_S, "bool"
        if component == "site":
            return -inf, inf, inf, "bool"
        row = _rows(self._profiles[component]).get(name, {})
        low, high = row.get("minimum", -inf), row.get("maximum", inf)
        return low, high, row.get("stale_after_s", CHARGER_STALE_S), row.get("kind", "float")

    def _can_be(self, address: str, value: float) -> bool:
        low, high, _, kind = self._of(address)
        return isfinite(value) and low <= value <= high and (kind != "bool" or value in (0.0, 1.0))

    def get(self, address: str) -> float:
        value, time_s = self._newest.get(address, (nan, 0.0))
        return value if self.now_s - time_s <= self._of(address)[2] + 1e-9 else nan

    def bad(self, address: str) -> bool:
        """The device said something that cannot be, and nothing since."""
        found = self._newest.get(address)
        return found is not None and not isfinite(found[0])

    def given(self, address: str) -> bool:
        return address in self._newest
