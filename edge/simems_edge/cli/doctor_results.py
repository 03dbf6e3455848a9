"""What the doctor leaves: the table, the suggested tuning, the signed report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from simems_edge.cli.doctor_table import actuator_data, as_data, print_actuators, print_verdicts
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import print_json
from simems_edge.commissioning.conductor import loops_on_meter
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.handover import Handover, handover
from simems_edge.commissioning.judge import faults
from simems_edge.commissioning.live import LiveOutcome
from simems_edge.commissioning.report import ReportError, render
from simems_edge.commissioning.signature import SigningKey, sign_file
from simems_edge.commissioning.site_edit import SiteEditError, difference, snippet, with_settings
from simems_edge.commissioning.tuning import Actuator, actuators, suggested
from simems_edge.config import Site


@dataclass(frozen=True)
class Job:
    site: Site
    site_file: Path
    text: str
    outcome: LiveOutcome
    report: Path | None
    tuning: Path | None
    key: SigningKey | None


def finish(job: Job, *, as_json: bool) -> None:
    """Prints, and writes what was asked for; what was found is told even when a file cannot be written."""
    evidence = Evidence(job.outcome.record, job.outcome.equipment)
    settings, measured = dict(suggested(evidence)), actuators(evidence)
    edited, diff = _tuned(job, settings)
    if as_json:
        print_json(_data(job, settings, measured))
    else:
        print_verdicts(job.outcome.verdicts)
        print_actuators(measured)
    if job.tuning is not None and edited:
        _write(job.tuning, edited.encode())
    _report(job, handover(job.site_file.name, job.text, job.outcome, evidence, diff))
    if not as_json:
        _print_rest(job, diff, wrote=bool(edited))


def _data(job: Job, settings: dict[str, float], measured: Sequence[Actuator]) -> dict[str, object]:
    outcome = job.outcome
    return {
        "site": job.site.site.id,
        "faults": len(faults(outcome.verdicts)),
        "interrupted": outcome.interrupted,
        "seconds": outcome.record.duration_s,
        "verdicts": as_data(outcome.verdicts),
        "skipped": outcome.skipped,
        "stopped": _stopped(outcome),
        "actuators": actuator_data(measured),
        "tuning": settings,
        "report": None if job.report is None else str(job.report),
        "public_key": job.key.public if job.key is not None else None,
    }


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _stopped(outcome: LiveOutcome) -> list[dict[str, str]]:
    return [{"stage": s.name, "battery": s.battery, "why": s.stopped} for s in outcome.record.stages if s.stopped]


def _tuned(job: Job, settings: dict[str, float]) -> tuple[str, str]:
    """The edited site file and how it differs; empty where nothing could be measured or no loop stands on the meter."""
    loops = loops_on_meter(job.site)
    if not settings or not loops:
        return "", ""
    try:
        edited = with_settings(job.text, str(job.site_file), loops, settings)
    except SiteEditError:
        return "", snippet(loops, settings)
    return edited, difference(job.text, edited, str(job.site_file))


def _report(job: Job, document: Handover) -> None:
    if job.report is None or job.key is None:
        return
    try:
        _write(job.report, render(document, job.key.public))
        sign_file(job.report, job.key, site=job.site.site.id, made_at=document.made_at)
    except (ReportError, OSError) as error:
        raise BadInputError(f"{job.report}: {error}") from error


def _print_rest(job: Job, diff: str, *, wrote: bool) -> None:
    outcome = job.outcome
    for stage in outcome.record.stages:
        if stage.stopped:
            click.echo(f"stopped     {stage.battery} {stage.name}: {stage.stopped}")
    for line in outcome.skipped:
        click.echo(f"left out    {line}")
    if diff:
        click.echo(f"\nSuggested tuning (nothing was changed):\n{diff}")
    if job.tuning is not None:
        click.echo(f"{job.tuning} written" if wrote else "no tuning could be suggested; --tuning wrote nothing")
    if job.report is not None and job.key is not None:
        click.echo(f"{job.report} and {job.report}.sig written, signed by {job.key.public}")
    found = len(faults(outcome.verdicts))
    untested = sum(one.result == "not_tested" for one in outcome.verdicts)
    click.echo(f"{found} fault{'s' if found != 1 else ''} found; {untested} checks could not be made")
