"""Settings of the fast frequency reserve."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from simems_edge.config.quantities import (
    NonNegativeSeconds,
    Percent,
    PositiveFrequencyHz,
    PositivePowerW,
    PositiveSeconds,
    PositiveSharePctPerS,
)
from simems_edge.contracts import EssRef
from simems_edge.controllers.grid.frequency_input import FrequencySettings

_SHORT_SUPPORT_S = 30.0
_SHORT_DEACTIVATION_PCT_PER_S = 20.0
_SHORTEST_S = 5.0


class FfrSettings(FrequencySettings):
    """Defaults: the Nordic alternative of 49.7 Hz with long support."""

    controller_type: ClassVar[str] = "fast_frequency_reserve"
    ess: EssRef
    capacity_w: PositivePowerW
    """Power that was sold."""
    activation_hz: PositiveFrequencyHz = 49.7
    """At or below this frequency the reserve is activated."""
    full_activation_s: PositiveSeconds = 1.3
    """The whole power stands within this time: 1.3 s at 49.7 Hz, 1.0 s at 49.6 Hz, 0.7 s at 49.5 Hz."""
    activation_ramp_s: NonNegativeSeconds = 0.0
    """The setpoint rises over this time; 0: at once, the battery's own slowness is the ramp."""
    support_s: PositiveSeconds = 30.0
    """The whole power stands for this long after ``full_activation_s``: 30 s, or 5 s with a slow deactivation."""
    deactivation_pct_per_s: PositiveSharePctPerS = 20.0
    """The power ends no faster than this share of the capacity."""
    buffer_s: NonNegativeSeconds = 10.0
    """Nothing is taken back for this long after the end."""
    recovery_pct: Percent = 25.0
    """Energy is taken back at this share of the capacity at most; 0: others bring it back."""
    rearm_s: PositiveSeconds = 900.0
    """It is ready again this long after the activation at the latest."""
    minimum_soc_pct: Percent = 10.0
    """Below it the reserve is not armed: an activation could not be held."""
    age_max_s: Annotated[PositiveSeconds, Field(le=0.5)] = 0.1
    """It does not arm when samples come further apart than this (mean, a fifth of jitter allowed), with
    ``meter_delay_s``."""

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        if self.activation_hz >= self.nominal_hz:
            raise ValueError("activation_hz must be below nominal_hz; write 49.7, 49.6 or 49.5 Hz")
        if self.activation_ramp_s >= self.full_activation_s:
            raise ValueError("activation_ramp_s must be below full_activation_s; shorten it")
        if self.support_s < _SHORTEST_S:
            raise ValueError(f"support_s must be {_SHORTEST_S:g} s or more; write 5 s or 30 s")
        if self.support_s < _SHORT_SUPPORT_S and self.deactivation_pct_per_s > _SHORT_DEACTIVATION_PCT_PER_S:
            raise ValueError("a support below 30 s needs deactivation_pct_per_s of 20 %/s or less; lower it")
        return self
