"""An input that cannot be used."""

from __future__ import annotations

from pathlib import Path

from simems_edge.config import Problem, SiteError


class ReplayError(SiteError):
    """Of a scenario, a recording or a list of actions. ``problems`` say file, line, path, value, what and remedy."""


def refusal(path: Path, line: int, where: str, value: str, message: str, remedy: str) -> ReplayError:
    """One problem as an error."""
    return ReplayError([Problem(str(path), line, where, value, message, remedy)])
