"""Every job of the worker declares what it is, and the page about them is made from that."""

from __future__ import annotations

from pathlib import Path

import pytest
from simems_cloud.worker.loops import loops
from simems_cloud.worker.queue import make_app
from simems_cloud.worker.spec import SPECS, JobSpec, page

ROOT = Path(__file__).parents[3]
OF_THE_LIBRARY = "procrastinate.builtin_tasks."
"""In its tasks' names; the library puts more before it for each application of a process."""


def test_every_job_is_declared_and_no_other() -> None:
    tasks = make_app("postgresql://nobody@localhost/none").tasks.values()
    queued = {task.name for task in tasks if OF_THE_LIBRARY not in task.name}
    there = {*loops(None, 20.0), *queued}  # type: ignore[arg-type] # nothing is asked of the pool before a turn
    assert [spec.name for spec in SPECS] == list(dict.fromkeys(spec.name for spec in SPECS))
    assert {spec.name for spec in SPECS} == there


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_nothing_is_left_open_and_the_tests_are_there(spec: JobSpec) -> None:
    assert spec.gaps() == []
    assert all((ROOT / path).is_file() for path in spec.test_plan)
    assert (ROOT / "cloud" / Path(*spec.owner.split("."))).is_dir()


def test_the_page_is_up_to_date() -> None:
    kept = (ROOT / "docs" / "jobs.md").read_text("utf-8")
    assert kept == page(), "write it again: python -m simems_cloud.worker.spec > docs/jobs.md"
