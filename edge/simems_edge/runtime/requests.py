"""What a person asks of the whole site: a mode, standby, an emergency stop; some of it for a limited time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from simems_core import CONTROL_MODES, Clock, CoreError, ProcessImage, States
from simems_core.wire import Event

from simems_edge.runtime.action_log import ActionLog

AUTO = "AUTO"
EVENTS = {"RUN": "start", "STANDBY": "stop", "SHUTDOWN": "shutdown"}
"""States that may be asked for, beside the control modes."""
NANOSECONDS = 1_000_000_000


class RequestRefusedError(ValueError):
    """What the site could do, but not in the state that it is in; the message says which."""


class SiteRequests:
    """Thread-safe. Times run on the cycle's clock; what ends by itself ends in :meth:`expire`."""

    def __init__(self, states: States, image: ProcessImage, clock: Clock, *, on_event: Callable[[Event], None]) -> None:
        self._states = states
        self._image = image
        self._clock = clock
        self._log = ActionLog(clock, on_event)
        self._estop = image.handle("site/estop")
        self._lock = Lock()
        self._ends_ns: dict[str, int] = {}
        self.asked = ""
        """The last of ``EVENTS`` that was taken; empty: none was."""
        image.publish(self._estop, 0.0, clock.now_ns())

    def set_mode(self, name: str, *, actor: str, duration_s: float = 0.0) -> None:
        """A control mode, or RUN, STANDBY, SHUTDOWN. ``duration_s``: then AUTO again; 0: until changed.

        ValueError when there is no such mode on this site, RequestRefusedError when the state does not take it.
        """
        try:
            if name in EVENTS:
                self._states.request(EVENTS[name])
                self.asked = EVENTS[name]
            else:
                self._states.set_mode(name)
        except CoreError as error:
            self._log.tell("mode.refused", "site", f"{name} refused: {error}", actor)
            refusal = RequestRefusedError if name in EVENTS else ValueError
            raise refusal(str(error)) from error
        if name in CONTROL_MODES:
            self._until("mode", duration_s)
        self._log.tell("mode.set", "site", f"{name} asked for", actor)

    def set_estop(self, *, pressed: bool, actor: str, duration_s: float = 0.0) -> None:
        """The button on a screen or in a replay. Released, the fault still waits for its clear."""
        self._image.publish(self._estop, float(pressed), self._clock.now_ns())
        self._until("estop", duration_s if pressed else 0.0)
        self._log.tell("estop.pressed" if pressed else "estop.released", "site", "Emergency stop", actor)

    def expire(self, now_ns: int) -> None:
        """Once per cycle."""
        for what in self._ended(now_ns):
            if what == "mode":
                self.set_mode(AUTO, actor="system")
            else:
                self.set_estop(pressed=False, actor="system")

    def _until(self, what: str, duration_s: float) -> None:
        with self._lock:
            self._ends_ns.pop(what, None)
            if duration_s > 0.0:
                self._ends_ns[what] = self._clock.now_ns() + round(duration_s * NANOSECONDS)

    def _ended(self, now_ns: int) -> list[str]:
        with self._lock:
            return [what for what, end_ns in self._ends_ns.items() if end_ns <= now_ns]
