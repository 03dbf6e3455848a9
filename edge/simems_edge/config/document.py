"""A parsed file: plain data, and the line of every key and item."""

from dataclasses import dataclass, field
from typing import Any

from simems_edge.config.problem import MISSING, Path, Problem, path_text, shown


@dataclass
class Document:
    """A parsed file. ``problems`` are those of the text itself; ``data`` is None when it could not be parsed."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Line of the key or item at ``path``, or of the nearest section around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def value(self, path: Path) -> object:
        """What stands at ``path``; None when nothing does."""
        found = self.data
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def problem(self, path: Path, message: str, remedy: str, *, value: str | None = None) -> Problem:
        """A problem of what stands at ``path``; ``value`` overrides how it is shown."""
        text = shown(path, self.value(path)) if value is None else value
        return Problem(self.file, self.line(path), path_text(path), text, message, remedy)

    def missing(self, path: Path, remedy: str) -> Problem:
        return self.problem(path, "is missing", remedy, value=MISSING)
