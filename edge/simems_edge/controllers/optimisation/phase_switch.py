"""One or three phases for one charger: changed only while nothing flows, for certain, and not often. Pure.

Contactors of charging stations and of cars are not made to break current; some cars take harm from a phase that comes
while they charge. So: first no current, then a reading that shows none, then the change, then a rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Literal

Phases = Literal[1, 3]
REST_S: Final = 15.0
"""After a change, before current is given again."""


class _Step(Enum):
    STEADY = auto()
    STOPPING = auto()
    RESTING = auto()


@dataclass
class PhaseSwitch:
    """``every_s``: least time between two changes; ``wait_s``: how long another number must be wished for."""

    every_s: float
    wait_s: float
    phases: Phases = 3
    """What the charger is asked to offer."""
    _step: _Step = _Step.STEADY
    _wished_s: float = 0.0
    _since_s: float = float("inf")
    _rested_s: float = 0.0

    @property
    def idle(self) -> bool:
        """No current may be given now."""
        return self._step is not _Step.STEADY

    def step(self, wish: Phases, *, flows_nothing: bool, dt_s: float) -> None:
        """``flows_nothing``: a reading from after the last change of the limit shows it."""
        self._since_s += dt_s
        self._wished_s = self._wished_s + dt_s if wish != self.phases else 0.0
        if self._step is _Step.STEADY and self._wished_s >= self.wait_s and self._since_s >= self.every_s:
            self._step = _Step.STOPPING
        elif self._step is _Step.STOPPING and wish == self.phases:
            self._step = _Step.STEADY
        elif self._step is _Step.STOPPING and flows_nothing:
            self._change(wish)
        elif self._step is _Step.RESTING:
            self._rested_s += dt_s
            self._step = _Step.STEADY if self._rested_s >= REST_S else self._step

    def _change(self, wish: Phases) -> None:
        self.phases, self._step = wish, _Step.RESTING
        self._since_s = self._rested_s = self._wished_s = 0.0
