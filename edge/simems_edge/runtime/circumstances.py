"""What persons and faults make of the real site, cycle by cycle, and how a shadow lives through the same.

It is a state, not a list of events: what stood before a shadow began stands there from its first cycle on, after a
restart as well, and what ends here ends there in the same cycle. A shadow has no faults of its own: nobody would be
there to clear one that it alone has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from simems_core import CONTROL_MODES, CoreError, Snapshot, States

from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.fault_plan import PlannedFault
from simems_edge.runtime.manual_source import ManualSource
from simems_edge.runtime.override_glide import Glide
from simems_edge.runtime.overrides import Overrides
from simems_edge.runtime.requests import SiteRequests
from simems_edge.runtime.states import bind_states

REACTING: Final = frozenset({"active", "waiting", "cleared", "holding"})
SITUATIONS: Final = frozenset({"AUTO", "BACKUP", "ISLAND"})
"""Modes that need no controller of their own."""


@dataclass(frozen=True)
class Circumstances:
    """Of one cycle."""

    mode: str
    """The control mode that was heard."""
    request: str
    """``start``, ``stop`` or ``shutdown``, the last one asked for; empty: none was."""
    overrides: Mapping[str, float]
    """Target -> value."""
    faults: frozenset[int]
    """Numbers, in the plan, of those whose reaction holds."""


class Observer:
    """The real end."""

    def __init__(self, states: States, requests: SiteRequests, overrides: Overrides, faults: int) -> None:
        """``faults``: how many there are."""
        self._states = states
        self._requests = requests
        self._overrides = overrides
        self._count = faults
        self._revision = -1
        self._reacting: frozenset[int] = frozenset()

    def look(self) -> Circumstances:
        """After the cycle has decided: that is when it hears them."""
        revision = self._states.revision
        if revision != self._revision:
            reacting = (number for number in range(self._count) if self._states.phase(number) in REACTING)
            self._revision, self._reacting = revision, frozenset(reacting)
        return Circumstances(
            self._states.requested_mode, self._requests.asked, self._overrides.proposed, self._reacting
        )


class Mirror:
    """A shadow's end: its own states and its own manual source, told what the real ones were."""

    def __init__(self, world: Assembly, plan: Sequence[PlannedFault], candidate: str) -> None:
        """``candidate``: id of the controller that the shadow is there for."""
        self._world = world
        self._states = bind_states(world, [planned.mirrored() for planned in plan])
        self._manual = ManualSource(world.actuators, Glide.of(world))
        modes = {controller.id: controller.spec.control_mode for controller in world.controllers}
        self._offered = frozenset(modes.values()) | SITUATIONS
        self._own = modes[candidate]
        self._request = ""
        self._faults: frozenset[int] = frozenset()

    def before(self, now: Circumstances) -> None:
        """Before its cycle begins."""
        self._follow_faults(now.faults)
        self._follow_request(now.request)
        mode = self._mode(now.mode)
        if mode != self._states.requested_mode:
            self._states.set_mode(mode)

    def propose(self, snapshot: Snapshot, now: Circumstances) -> None:
        """In its cycle, after its controllers."""
        self._manual.propose(self._world.cycle, snapshot, now.overrides)

    def _follow_faults(self, faults: frozenset[int]) -> None:
        for number in faults - self._faults:
            self._states.raise_(number)
        for number in self._faults - faults:
            self._states.clear(number)
        self._faults = faults

    def _follow_request(self, request: str) -> None:
        """Asked again each cycle until its state takes it: it may still wait for its inputs."""
        if request != self._request:
            with suppress(CoreError):
                self._states.request(request)
                self._request = request

    def _mode(self, mode: str) -> str:
        """A mode that nobody has there was that of the controller whose place the candidate has: it has the candidate's
        own one for it, where that is a mode that can be asked for."""
        if mode in self._offered:
            return mode
        return self._own if self._own in CONTROL_MODES else self._states.requested_mode
