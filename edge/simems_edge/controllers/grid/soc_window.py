"""The share of a battery's charge that answers to the grid may use, and keep for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pydantic import model_validator

from simems_edge.config.quantities import Percent
from simems_edge.controllers.grid.frequency_input import FrequencySettings

_HYSTERESIS_PCT = 1.0


class SocWindowSettings(FrequencySettings):
    """Outside ``minimum`` and ``maximum`` nothing is asked of the battery; between them and the reserves nobody below
    uses what is kept."""

    minimum_soc_pct: Percent = 5.0
    """At or below it an answer only ends charging, it never discharges."""
    maximum_soc_pct: Percent = 95.0
    """At or above it an answer only ends discharging, it never charges."""
    reserve_low_soc_pct: Percent | None = None
    """Below it others may not discharge: the energy down to the minimum is kept for this controller. None: nothing."""
    reserve_high_soc_pct: Percent | None = None
    """Above it others may not charge. None: no room is kept."""

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.minimum_soc_pct >= self.maximum_soc_pct:
            raise ValueError("minimum_soc_pct must be below maximum_soc_pct; lower it")
        low, high = self.reserve_low_soc_pct, self.reserve_high_soc_pct
        if low is not None and low < self.minimum_soc_pct:
            raise ValueError("reserve_low_soc_pct must be minimum_soc_pct or more; raise it or leave it out")
        if high is not None and high > self.maximum_soc_pct:
            raise ValueError("reserve_high_soc_pct must be maximum_soc_pct or less; lower it or leave it out")
        return self


@dataclass(frozen=True, slots=True)
class SocWindow:
    """Which directions are left to the controller (``may``) and to those below it (``others``)."""

    may_discharge: bool = True
    may_charge: bool = True
    others_discharge: bool = True
    others_charge: bool = True


def next_window(window: SocWindow, soc_pct: float, settings: SocWindowSettings) -> SocWindow:
    """Each direction closes at its limit and opens again one point inside."""
    low, high = settings.reserve_low_soc_pct, settings.reserve_high_soc_pct
    return SocWindow(
        may_discharge=_above(soc_pct, settings.minimum_soc_pct, was=window.may_discharge),
        may_charge=_above(-soc_pct, -settings.maximum_soc_pct, was=window.may_charge),
        others_discharge=low is None or _above(soc_pct, low, was=window.others_discharge),
        others_charge=high is None or _above(-soc_pct, -high, was=window.others_charge),
    )


def _above(soc_pct: float, limit_pct: float, *, was: bool) -> bool:
    return soc_pct > limit_pct + (0.0 if was else _HYSTERESIS_PCT)
