"""Site state and control mode, from what the cycle saw and decided. Pure but for remembering the first good data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simems_core import Decision

from simems_edge.contracts import Controller
from simems_edge.runtime.assembly import MANUAL_SOURCE
from simems_edge.runtime.facts import FALLBACK_SOURCE


class SiteState:
    """INIT until every mandatory input was good once; STANDBY when there is nothing to control; else RUN."""

    def __init__(self, controllers: Sequence[Controller]) -> None:
        self._modes = {controller.id: controller.spec.control_mode for controller in controllers}
        self._missing_first: bool = True

    @property
    def initialised(self) -> bool:
        return not self._missing_first

    def state(self, stale: Iterable[str]) -> str:
        """``stale``: components without valid mandatory inputs in this cycle."""
        if self._missing_first and any(True for _ in stale):
            return "INIT"
        self._missing_first = False
        return "RUN" if self._modes else "STANDBY"

    def control_mode(self, decisions: Sequence[Decision], *, inputs_missing: bool) -> str:
        """From who set the first actuator."""
        if not decisions:
            return "IDLE"
        source = decisions[0].source
        if source == MANUAL_SOURCE:
            return "MANUAL"
        if source == FALLBACK_SOURCE:
            return "FALLBACK" if inputs_missing else "IDLE"
        return self._modes.get(source, "IDLE")
