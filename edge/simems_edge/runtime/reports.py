"""What bridges report of their devices: connected or not, following or not."""

from __future__ import annotations

from threading import Lock

COMMUNICATION_LOST = "communication_lost"


class BridgeReports:
    """Thread-safe. A report stands from ``problem`` until ``clear`` of the same component and code."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._standing: dict[tuple[str, str], str] = {}

    def problem(self, component: str, code: str, text: str) -> None:
        with self._lock:
            self._standing[component, code] = text

    def clear(self, component: str, code: str) -> None:
        with self._lock:
            self._standing.pop((component, code), None)

    def lost(self) -> dict[str, str]:
        """Component -> why nothing answers."""
        return {component: text for (component, code), text in self._all() if code == COMMUNICATION_LOST}

    def problems(self) -> dict[tuple[str, str], str]:
        """(component, code) -> what else is wrong with a device."""
        return {key: text for key, text in self._all() if key[1] != COMMUNICATION_LOST}

    def _all(self) -> list[tuple[tuple[str, str], str]]:
        with self._lock:
            return list(self._standing.items())
