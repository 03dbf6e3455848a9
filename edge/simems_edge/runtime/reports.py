"""What bridges report of their devices: connected or not, following or not."""

from __future__ import annotations

from threading import Lock

from simems_core import Clock, ProcessImage


class BridgeReports:
    """Thread-safe. A component is lost from its first reported problem until the bridge clears it.

    The bridge publishes ``<component>/communication`` itself; what it reports while that is true is a problem of the
    device, not of the line.
    """

    def __init__(self, image: ProcessImage, components: list[str], clock: Clock) -> None:
        self._image = image
        self._clock = clock
        self._channels = {component: image.handle(f"{component}/communication") for component in components}
        self._lock = Lock()
        self._reported: dict[str, str] = {}

    def problem(self, component: str, reason: str) -> None:
        with self._lock:
            self._reported[component] = reason

    def clear(self, component: str) -> None:
        with self._lock:
            self._reported.pop(component, None)

    def lost(self) -> dict[str, str]:
        """Component -> reason, where nothing answers."""
        return {component: reason for component, reason in self._all() if not self._talks(component)}

    def problems(self) -> dict[str, str]:
        """Component -> reason, where the device answers but something else is wrong."""
        return {component: reason for component, reason in self._all() if self._talks(component)}

    def _all(self) -> list[tuple[str, str]]:
        with self._lock:
            return list(self._reported.items())

    def _talks(self, component: str) -> bool:
        channel = self._channels.get(component)
        return channel is not None and self._image.snapshot().value(channel) == 1.0
