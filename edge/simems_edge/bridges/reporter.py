"""Problems of one device, told once when they begin and once when they end."""

from __future__ import annotations

from collections.abc import Callable

OnProblem = Callable[[str, str, str], None]
"""(component, code, text)."""
OnClear = Callable[[str, str], None]
"""(component, code)."""


class Reporter:
    def __init__(self, component: str, on_problem: OnProblem, on_clear: OnClear) -> None:
        self._component = component
        self._on_problem = on_problem
        self._on_clear = on_clear
        self._standing: dict[str, str] = {}

    def problem(self, code: str, text: str) -> None:
        """A problem begins; the same one again is not told again."""
        if self._standing.get(code) != text:
            self._standing[code] = text
            self._on_problem(self._component, code, text)

    def clear(self, *codes: str) -> None:
        """These problems are over (those that stand)."""
        for code in codes:
            if self._standing.pop(code, None) is not None:
                self._on_clear(self._component, code)

    def clear_all(self) -> None:
        self.clear(*list(self._standing))
