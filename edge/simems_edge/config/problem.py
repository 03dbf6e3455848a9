"""What is wrong with a file, where, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

Path = tuple[str | int, ...]
"""Keys and list positions from the top of a document."""

MISSING: Final = "(missing)"
HIDDEN: Final = "(hidden)"
_SECRET_WORDS: Final = ("key", "secret", "password", "passwd", "token", "pin", "credential")
_SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong. ``line`` counts from 1; ``path`` is e.g. ``components[2].guards.soc_pct``."""

    file: str
    line: int
    path: str
    value: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.value}: {self.message}; {self.remedy}"

    def as_dict(self) -> dict[str, str | int]:
        """For ``--json``."""
        return asdict(self)


class SiteError(ValueError):
    """A site file that must not be used. ``problems`` holds everything that was found, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda problem: (problem.file, problem.line, problem.path))
        super().__init__("\n".join(map(str, self.problems)))


def path_text(path: Path) -> str:
    """``("components", 2, "guards")`` -> ``components[2].guards``; the whole document is ``(file)``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_printable(part)}" for part in path)
    return text.removeprefix(".") or "(file)"


def _printable(key: str) -> str:
    shown = key if key.isprintable() else repr(key)[1:-1]
    return shown[:_SHOWN_CHARACTERS] or "''"


def shown(path: Path, value: object) -> str:
    """A value as messages may show it: short, on one line, never a secret, never a whole section."""
    if is_secret(path):
        return HIDDEN
    if isinstance(value, Mapping):
        return "(a section)"
    if isinstance(value, list | tuple):
        return f"(a list of {len(value)})"
    text = _scalar(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."


def _scalar(value: object) -> str:
    if value is None:
        return "(empty)"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def is_secret(path: Path) -> bool:
    """Whether a value at this path could be a secret, judged by its key."""
    return any(isinstance(part, str) and any(word in part.lower() for word in _SECRET_WORDS) for part in path)
