"""The why-line: one sentence on what the battery does and why, from the decision's reason, never guessed.

Edge and cloud both call :func:`explain`; screens translate by ``code`` and ``params``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SEPARATOR = "; bound: "
NEAR_ZERO_W = 50.0


@dataclass(frozen=True)
class Reason:
    """Who set the base (a source's id, ``fallback``) and what moved it (or None)."""

    source: str
    bound: str | None


@dataclass(frozen=True)
class Why:
    code: str
    text: str
    params: Mapping[str, float | str] = field(default_factory=dict)
    source: str = ""
    bound: str | None = None


def parse_reason(reason: str) -> Reason:
    """Split a reason label (``peak0; bound: soc``) into its parts."""
    source, _, bound = reason.partition(SEPARATOR)
    return Reason(source=source, bound=bound or None)
