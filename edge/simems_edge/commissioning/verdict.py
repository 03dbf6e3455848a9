"""A check, what it found, and the list of all checks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from simems_edge.commissioning.evidence import Evidence

Result = Literal["ok", "fault", "not_tested"]
Run = Callable[["Evidence"], Iterator["Verdict"]]


@dataclass(frozen=True)
class Verdict:
    """Of one check on one component. ``evidence``: what was seen, for a person; ``figures``: the same as numbers."""

    component: str
    result: Result
    evidence: str
    confidence: float = 0.0
    """0 to 1, of a fault."""
    figures: Mapping[str, float] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """Other components that it concerns."""
    check: str = ""
    """Code; filled in by :func:`judge`."""


@dataclass(frozen=True)
class Check:
    """One fault that can be named."""

    code: str
    title: str
    remedy: str
    run: Run
    unsafe: bool = False
    """While it stands no power is asked of any battery: the guards could not trust what they see."""
    hides: frozenset[str] = frozenset()
    """Codes that cannot be judged while this one stands on the same component, or on the grid meter."""


def ok(component: str, evidence: str, **figures: float) -> Verdict:
    return Verdict(component, "ok", evidence, 0.0, figures)


def fault(component: str, evidence: str, sure: float, **figures: float) -> Verdict:
    return Verdict(component, "fault", evidence, sure, figures)


def not_tested(component: str, why: str) -> Verdict:
    return Verdict(component, "not_tested", why)
