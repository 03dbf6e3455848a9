"""What the handover report says: plain data, ready to be set. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Protocol

from simems_edge.commissioning.drawing import pulse_plot, step_plot
from simems_edge.commissioning.equipment import Equipment
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.judge import BY_CODE
from simems_edge.commissioning.record import Record, Stage
from simems_edge.commissioning.tuning import actuators, suggested
from simems_edge.commissioning.verdict import Verdict

TITLES = {"fault": "Fault", "not_tested": "Not tested", "ok": "OK"}


class Outcome(Protocol):
    """What a commissioning left: live or simulated."""

    @property
    def equipment(self) -> Equipment: ...

    @property
    def record(self) -> Record: ...

    @property
    def verdicts(self) -> Sequence[Verdict]: ...

    @property
    def skipped(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Handover:
    """All texts; figures are formatted."""

    site: str
    name: str
    site_file: str
    site_sha256: str
    made_at: str
    """ISO 8601, UTC."""
    software: str
    summary: str
    devices: list[list[str]]
    """Rows: id, kind, profile, connection."""
    faults: list[list[str]]
    """Component, title, what was seen, what to do."""
    checks: list[list[str]]
    """Title, component, result, evidence."""
    stages: list[list[str]]
    """Stage, battery, begin, duration, power, how it ended."""
    actuators: list[list[str]]
    tuning: list[list[str]]
    diff: str
    plots: list[list[str]]
    """Caption, SVG."""


def handover(
    site_file: str, text: str, outcome: Outcome, evidence: Evidence, diff: str, now: datetime | None = None
) -> Handover:
    """``text``: the site file that was examined; ``diff``: how the suggested tuning changes it."""
    plant, verdicts = outcome.equipment, outcome.verdicts
    return Handover(
        site=plant.site_id,
        name=plant.name,
        site_file=site_file,
        site_sha256=hashlib.sha256(text.encode()).hexdigest(),
        made_at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
        software=f"simems-edge {version('simems-edge')}",
        summary=_summary(verdicts, outcome.skipped),
        devices=[[d.id, d.kind, d.profile, f"{d.line} {d.place}".strip()] for d in plant.devices.values()],
        faults=[_fault(v) for v in verdicts if v.result == "fault"],
        checks=[[BY_CODE[v.check].title, v.component, TITLES[v.result], v.evidence] for v in verdicts],
        stages=[_stage(one) for one in outcome.record.stages],
        actuators=_actuators(evidence),
        tuning=[[name, f"{value:g}"] for name, value in suggested(evidence).items()],
        diff=diff,
        plots=_plots(evidence),
    )


def _summary(verdicts: Sequence[Verdict], skipped: Sequence[str]) -> str:
    count = {result: sum(v.result == result for v in verdicts) for result in TITLES}
    found = "No fault was found." if not count["fault"] else f"{count['fault']} faults were found."
    if count["fault"] == 1:
        found = "One fault was found."
    rest = f"{count['ok']} checks are in order, {count['not_tested']} could not be made."
    return " ".join([found, rest, *(f"{line[0].upper()}{line[1:]}." for line in skipped)])


def _fault(verdict: Verdict) -> list[str]:
    check = BY_CODE[verdict.check]
    return [
        verdict.component, check.title, f"{verdict.evidence} ({100 * verdict.confidence:.0f} % sure)", check.remedy
    ]  # fmt: skip


def _stage(one: Stage) -> list[str]:
    return [
        one.name,
        one.battery or "all",
        f"{one.begin_s:.0f} s",
        f"{one.end_s - one.begin_s:.0f} s",
        f"{one.power_w:.0f} W" if one.power_w else "-",
        one.stopped or "complete",
    ]


def _actuators(evidence: Evidence) -> list[list[str]]:
    return [
        [
            one.battery,
            f"{one.dynamics.gain:+.3f}",
            f"{one.dynamics.dead_time_s:.2f} s",
            f"{one.dynamics.time_constant_s:.2f} s",
            f"{one.dynamics.settle_s:.2f} s",
            ", ".join(f"L{n}" for n in one.phases) or "-",
        ]
        for one in actuators(evidence)
    ]


def _plots(evidence: Evidence) -> list[list[str]]:
    found = []
    for battery in evidence.tested():
        found.append([f"{battery.id}: what was asked, what it did, and the grid meter", pulse_plot(evidence, battery)])
        drawn = step_plot(evidence, battery)
        if drawn:
            found.append([f"{battery.id}: its mean answer to a step of size 1", drawn])
    return found
