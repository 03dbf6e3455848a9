"""Runs the checks, from causes to what they would be mistaken for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from simems_edge.commissioning.checks import CHECKS
from simems_edge.commissioning.equipment import Equipment
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.verdict import Check, Verdict, not_tested

BY_CODE = {check.code: check for check in CHECKS}


def judge(evidence: Evidence, checks: Sequence[Check] = CHECKS) -> list[Verdict]:
    """One verdict or more for each check; what a found fault hides is not tested, and says by what."""
    found: list[Verdict] = []
    for check in checks:
        for verdict in check.run(evidence):
            found.append(_unless_hidden(replace(verdict, check=check.code), found, evidence.equipment))
    return found


def faults(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.result == "fault"]


def unsafe(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Faults while which no power may be asked."""
    return [verdict for verdict in faults(verdicts) if BY_CODE[verdict.check].unsafe]


def _unless_hidden(verdict: Verdict, before: Sequence[Verdict], equipment: Equipment) -> Verdict:
    for other in faults(before):
        if verdict.check in BY_CODE[other.check].hides and _reaches(other, verdict.component, equipment):
            why = f"not while {other.component} has the fault: {BY_CODE[other.check].title}"
            return replace(not_tested(verdict.component, why), check=verdict.check)
    return verdict


def _reaches(cause: Verdict, component: str, equipment: Equipment) -> bool:
    """What pulses tell is between a battery and the grid meter: a fault of one stands in the way of the other."""
    concerned = {cause.component, *cause.also}
    return component in concerned or equipment.grid in {*concerned, component}
