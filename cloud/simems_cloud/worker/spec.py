"""What every job of the worker declares about itself (the governance rules); a test refuses one with a gap, and
``docs/jobs.md`` is made from it: ``python -m simems_cloud.worker.spec > docs/jobs.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

LOOP = "simems_worker_failures_total{job}: turns that failed"
QUEUED = "simems_worker_jobs_total{task, outcome}: how they ended"
NOTHING = "None: no job sends anything to a site."


@dataclass(frozen=True)
class JobSpec:
    """The declaration of one job."""

    name: str
    """As in logs, metrics and the queue."""
    owner: str
    """The room of the repository that answers for it."""
    runs: str
    safety_impact: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metrics: tuple[str, ...]
    fallback: str
    """What happens when its input is missing or late, when it fails, and when its process dies."""
    acceptance: tuple[str, ...]
    test_plan: tuple[str, ...]
    """Test files, from the root of the repository."""

    def gaps(self) -> list[str]:
        """Names of the declarations that are empty."""
        return [field.name for field in fields(self) if getattr(self, field.name) in ("", ())]


SPECS: Final = (
    JobSpec(
        name="roll up",
        owner="simems_cloud.telemetry",
        runs="As long as there are frames that are not rolled up, the newest first; a site that keeps up, every 20 s.",
        safety_impact=NOTHING,
        inputs=("frames as they came", "kinds and units of channels"),
        outputs=("one-minute and 15-minute rollups: means, extremes, energies, gaps marked",),
        metrics=(LOOP,),
        fallback="Charts and reports show what is rolled up so far; nothing is lost, frames stay until packed. A turn "
        "is one transaction: a process that dies leaves none half done.",
        acceptance=(
            "every value is rolled up once, whatever is killed",
            "energies from registers are exact over resets; where there is no register they are marked as integrated",
        ),
        test_plan=(
            "cloud/tests/worker/test_killed.py",
            "cloud/tests/telemetry/test_oracle.py",
            "cloud/tests/telemetry/test_registers.py",
            "cloud/tests/worker/test_energy.py",
        ),
    ),
    JobSpec(
        name="pack",
        owner="simems_cloud.telemetry",
        runs="Every 30 s, as long as there are hours to pack.",
        safety_impact=NOTHING,
        inputs=("frames of hours that are over and rolled up",),
        outputs=("packed columns in the partition of their month",),
        metrics=(LOOP,),
        fallback="Frames stay as they came: they take more room and read the same.",
        acceptance=("what is packed reads as it did before, to the last bit",),
        test_plan=("cloud/tests/worker/test_killed.py", "cloud/tests/worker/test_keeping.py"),
    ),
    JobSpec(
        name="export",
        owner="simems_cloud.telemetry",
        runs="As soon as one is asked for; a look every 2 s.",
        safety_impact=NOTHING,
        inputs=("a person's request: sites, channels, span, CSV or Parquet",),
        outputs=("a file in the data folder, its progress meanwhile",),
        metrics=(LOOP,),
        fallback="It waits; one that fails says why and can be asked for again. No half file is ever offered.",
        acceptance=("a file holds what the history holds", "nobody reads the file of another tenant"),
        test_plan=("cloud/tests/worker/test_keeping.py",),
    ),
    JobSpec(
        name="retention",
        owner="simems_cloud.telemetry",
        runs="Every hour.",
        safety_impact=NOTHING,
        inputs=("how long each tenant keeps raw values and rollups",),
        outputs=("old values are gone",),
        metrics=(LOOP,),
        fallback="Values stay longer than asked for.",
        acceptance=("nothing younger than its time goes",),
        test_plan=("cloud/tests/worker/test_keeping.py",),
    ),
    JobSpec(
        name="partitions",
        owner="simems_cloud.telemetry",
        runs="Every hour.",
        safety_impact=NOTHING,
        inputs=("the clock",),
        outputs=("tables for this month and the next",),
        metrics=(LOOP,),
        fallback="Whoever writes into a month without a table makes it then.",
        acceptance=("a value of any month finds its place",),
        test_plan=("cloud/tests/worker/test_keeping.py",),
    ),
    JobSpec(
        name="watch_values",
        owner="simems_cloud.alarms",
        runs="Every 10 s.",
        safety_impact="None on sites; an alarm that nobody gets can cost. What protects a site is decided there.",
        inputs=("newest values", "alarm rules", "when each device was last heard"),
        outputs=("alarms raised and ended",),
        metrics=(QUEUED,),
        fallback="Alarms come later. A value that is missing or stale raises only the rules that are about that.",
        acceptance=("limits with hysteresis and delay as the rule says", "a silent device is told within its time"),
        test_plan=("cloud/tests/alarms/test_rules.py", "cloud/tests/worker/test_worker.py"),
    ),
    JobSpec(
        name="watch_minutes",
        owner="simems_cloud.alarms",
        runs="Every minute.",
        safety_impact="None on sites; it tells of measurements that contradict each other.",
        inputs=("one-minute rollups", "alarm rules"),
        outputs=("alarms raised and ended",),
        metrics=(QUEUED,),
        fallback="Alarms come later; minutes that are missing raise none but those about gaps.",
        acceptance=("power, energy and state of charge that contradict each other are told, healthy ones never",),
        test_plan=("cloud/tests/alarms/test_rules.py", "cloud/tests/worker/test_energy.py"),
    ),
    JobSpec(
        name="deliver_notifications",
        owner="simems_cloud.notifications",
        runs="Every 5 s, for tenants with something to tell.",
        safety_impact="None on sites; an alarm that nobody gets can cost.",
        inputs=("alarms", "who is told what, and how"),
        outputs=("e-mails, signed webhooks",),
        metrics=(QUEUED, "simems_notifications_total{method, outcome}"),
        fallback="While a receiver is down a message waits and is tried again, longer each time; after the last try it "
        "stands as failed with its reason. None is lost.",
        acceptance=("each message reaches its receiver once it is back", "a webhook's signature can be checked"),
        test_plan=("cloud/tests/notifications/test_delivery.py", "cloud/tests/notifications/test_pure.py"),
    ),
    JobSpec(
        name="schedule_reports",
        owner="simems_cloud.reporting",
        runs="Every five minutes.",
        safety_impact=NOTHING,
        inputs=("schedules of reports", "zones of the places they are about"),
        outputs=("reports that are due are asked for, once each",),
        metrics=(QUEUED,),
        fallback="Reports are made later; one that was missed is made when the worker is back.",
        acceptance=("each report once, at the end of its day, week or month in its zone",),
        test_plan=("cloud/tests/reporting/test_days.py", "cloud/tests/worker/test_worker.py"),
    ),
    JobSpec(
        name="tenant.make_report",
        owner="simems_cloud.reporting",
        runs="When asked for, by a person or a schedule; tried eight times over a day.",
        safety_impact=NOTHING,
        inputs=("15-minute rollups, alarms and the tree as they stand",),
        outputs=("HTML, PDF and CSV, kept with the hash of their inputs",),
        metrics=(QUEUED,),
        fallback="Gaps are shown as such and count in the quality. A report that fails says why and can be made again.",
        acceptance=("the same inputs give the same bytes", "hand-worked days, also of 23 and 25 hours, are exact"),
        test_plan=("cloud/tests/reporting/test_days.py",),
    ),
    JobSpec(
        name="tenant.deliver",
        owner="simems_cloud.notifications",
        runs="When a person asks for a trial message, or for a failed one to be sent again.",
        safety_impact=NOTHING,
        inputs=("what waits to be sent in one tenant",),
        outputs=("e-mails, signed webhooks",),
        metrics=(QUEUED, "simems_notifications_total{method, outcome}"),
        fallback="As with what is delivered by the clock.",
        acceptance=("the message arrives or its error is shown",),
        test_plan=("cloud/tests/notifications/test_delivery.py",),
    ),
    JobSpec(
        name="forget_old_jobs",
        owner="simems_cloud.worker",
        runs="Every hour.",
        safety_impact=NOTHING,
        inputs=("jobs that have ended",),
        outputs=("periodic ones are forgotten after an hour, others after a week",),
        metrics=("table jobs.procrastinate_jobs: its rows",),
        fallback="The table of jobs grows.",
        acceptance=("no job that waits or runs is forgotten",),
        test_plan=("cloud/tests/worker/test_worker.py",),
    ),
)
HEAD: Final = """# Jobs of the cloud's worker

Made from `cloud/simems_cloud/worker/spec.py`; change it there, then run
`python -m simems_cloud.worker.spec > docs/jobs.md`. Start as many workers as wanted: each turn of a job is done by one.
"""


def page() -> str:
    """The document as it is kept in docs."""
    return "\n".join([HEAD, *(line for spec in SPECS for line in _section(spec))])


def _section(spec: JobSpec) -> Iterator[str]:
    yield f"## {spec.name}"
    yield ""
    for field in fields(spec)[1:]:
        value = getattr(spec, field.name)
        title = field.name.replace("_", " ").capitalize()
        yield f"- {title}: {value if isinstance(value, str) else '; '.join(value)}"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
