"""What the doctor found, for a terminal and as data."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from simems_edge.commissioning.judge import BY_CODE, faults
from simems_edge.commissioning.tuning import Actuator
from simems_edge.commissioning.verdict import Verdict

SIGNS: Final = {"fault": "FAULT", "not_tested": "not tested", "ok": "ok"}
WIDTH: Final = 100


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Faults with their remedies first, then what was not tested, then what is right."""
    for verdict in faults(verdicts):
        check = BY_CODE[verdict.check]
        sure = f"{100 * verdict.confidence:.0f} % sure"
        click.echo(f"FAULT       {verdict.component}: {check.title} [{check.code}, {sure}]")
        _indented("seen", verdict.evidence)
        _indented("do", check.remedy)
    for result in ("not_tested", "ok"):
        for code, same in _by_check(verdicts, result).items():
            names = ", ".join(verdict.component for verdict in same)
            click.echo(f"{SIGNS[result]:10}  {BY_CODE[code].title}: {names}")
            if result == "not_tested":
                _indented("why", "; ".join(dict.fromkeys(verdict.evidence for verdict in same)))
            elif len(same) == 1:
                _indented("seen", same[0].evidence)


def _indented(word: str, text: str) -> None:
    wrapped = textwrap.wrap(f"{word}: {text}", WIDTH - 12, subsequent_indent="  ", break_long_words=False)
    for line in wrapped:
        click.echo(" " * 12 + line)


def _by_check(verdicts: Sequence[Verdict], result: str) -> Mapping[str, list[Verdict]]:
    """In the order of the checks; a component stands in one line only where all its verdicts agree."""
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.result == result:
            found.setdefault(verdict.check, []).append(verdict)
    return found


def print_actuators(actuators: Sequence[Actuator]) -> None:
    for one in actuators:
        d = one.dynamics
        phases = " on " + ", ".join(f"L{n}" for n in one.phases) if one.phases else ""
        click.echo(
            f"{one.battery}: gain {d.gain:+.2f}, dead time {d.dead_time_s:.1f} s, "
            f"time constant {d.time_constant_s:.1f} s, 95 % after {d.settle_s:.1f} s{phases}"
        )


def as_data(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    return [
        {
            "check": v.check,
            "title": BY_CODE[v.check].title,
            "component": v.component,
            "also": list(v.also),
            "result": v.result,
            "evidence": v.evidence,
            "confidence": round(v.confidence, 3),
            "figures": dict(v.figures),
            "remedy": BY_CODE[v.check].remedy if v.result == "fault" else "",
        }
        for v in verdicts
    ]


def actuator_data(actuators: Sequence[Actuator]) -> dict[str, dict[str, Any]]:
    return {
        one.battery: {
            "gain": one.dynamics.gain,
            "dead_time_s": one.dynamics.dead_time_s,
            "time_constant_s": one.dynamics.time_constant_s,
            "settle_s": one.dynamics.settle_s,
            "steps": one.dynamics.steps,
            "phases": list(one.phases),
        }
        for one in actuators
    }
