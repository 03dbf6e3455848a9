"""The two cells whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chemistry:
    """``parameter_set``: of PyBaMM. ``hysteresis_v``: half the gap between branches that is added to its voltage."""

    name: str
    parameter_set: str
    empty_v: float
    full_v: float
    hysteresis_v: float


NMC = Chemistry("NMC", "Chen2020", 2.5, 4.2, 0.0)
LFP = Chemistry("LFP", "Prada2013", 2.0, 3.6, 0.012)
CHEMISTRIES = (NMC, LFP)
TEMPERATURES_DEGC = (0.0, 10.0, 25.0, 40.0)
HELD_OUT_DEGC = (15.0, 33.0)
"""Between the temperatures of the pulse tests."""
