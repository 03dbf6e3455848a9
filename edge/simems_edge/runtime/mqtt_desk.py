"""Where requests that come over the broker arrive in the runtime."""

from __future__ import annotations

from simems_core.wire import Event

from simems_edge.runtime.action_log import ActionLog
from simems_edge.runtime.runtime import Runtime


class MqttDesk:
    """Overrides are those of a person with the role operator; limits are held by the guards."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._log = ActionLog(runtime.clock, self._emit)

    def override(self, target: str, value: float, *, duration_s: float, reason: str, actor: str) -> None:
        """Raises KeyError, ValueError or OSError, as :meth:`Overrides.set`."""
        self._runtime.overrides.set(target, value, duration_s=duration_s, reason=reason, actor=actor)

    def tell(self, code: str, text: str, actor: str) -> None:
        self._log.tell(code, "site", text, actor)

    def _emit(self, event: Event) -> None:
        """To whoever listens then."""
        self._runtime.on_event(event)

    def time_known(self) -> bool:
        return self._runtime.wall_clock.known
