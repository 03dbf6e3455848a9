"""Whether cars charge from surplus now: it must last before they begin, and be gone for a while before they stop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class SurplusGate:
    """``start_after_s``, ``stop_after_s``: how long surplus must be enough, or too little, without a break."""

    start_after_s: float
    stop_after_s: float
    open: bool = False
    _since_s: float = 0.0

    def step(self, surplus_w: float, least_w: float, dt_s: float) -> float:
        """What cars may take of it, W. While it is open a car keeps its least, so that a cloud does not stop it."""
        against = (surplus_w >= least_w) != self.open
        self._since_s = self._since_s + dt_s if against else 0.0
        if against and self._since_s >= (self.stop_after_s if self.open else self.start_after_s):
            self.open, self._since_s = not self.open, 0.0
        return max(surplus_w, least_w) if self.open else 0.0
