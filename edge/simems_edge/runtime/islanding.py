"""What the site as a whole owes an island sequence: the control mode that fits, and whether a new one may begin.

The mode ISLAND is asked for when the switch has opened and given back when the site is on the grid again; what a person
asks for in between stands. Without an island controller nothing is done.
"""

from __future__ import annotations

from typing import Final

from simems_core import Snapshot, States

from simems_edge.controllers.island.sequence import Step
from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.fault_book import FaultBook
from simems_edge.runtime.fault_plan import islands
from simems_edge.runtime.requests import SiteRequests

CODE: Final = "island_sequence_failed"
MODE: Final = "ISLAND"
APART: Final = frozenset(Step) - {Step.ON_GRID, Step.OPENING, Step.RETURNING, Step.RAMPING}


class Islanding:
    def __init__(self, assembly: Assembly, states: States, requests: SiteRequests, faults: FaultBook) -> None:
        self._image = assembly.image
        self._states = states
        self._requests = requests
        self._faults = faults
        self._steps = [assembly.image.handle(f"{controller}/step") for controller in islands(assembly)]
        self._blocked = assembly.image.handle("site/island_blocked")
        self._apart = False
        self._before = ""
        """The mode that stood when the site went apart."""

    def update(self, snapshot: Snapshot) -> None:
        """Once per cycle."""
        if not self._steps:
            return
        self._image.publish(self._blocked, float(CODE in self._faults.codes()), snapshot.time_ns)
        apart = any(snapshot.value(handle) in APART for handle in self._steps)
        if apart and not self._apart:
            self._before = self._states.requested_mode
            self._requests.set_mode(MODE, actor="system")
        elif self._apart and not apart and self._states.requested_mode == MODE:
            self._requests.set_mode("AUTO" if self._before == MODE else self._before, actor="system")
        self._apart = apart
