"""SCHEDULE.json: what is refused and how that is said, slots at their edges, the store, the channels in the image."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.cli.main import cli
from simems_edge.cli.schedule import command
from simems_edge.cli.site_file import checked_site
from simems_edge.config import Site, SiteError
from simems_edge.contracts.schedule_channels import STATES
from simems_edge.schedule import Schedule, ScheduleStore, StoredScheduleError, read_schedule

TEN = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
SITE = """
site: {id: rig-1, time_zone: Europe/Stockholm, currency: SEK, grid: {import_limit_w: 100 kW, export_limit_w: 50 kW}}
components:
  - {id: grid0, profile: sunspec_meter, connection: {modbus_tcp: {host: 127.0.0.1, port: 1502}}}
  - {id: ess0, profile: sunspec_storage, connection: {modbus_tcp: {host: 127.0.0.1, port: 1503}}}
controllers: [{id: plan0, type: follow_schedule, grid: grid0, ess: ess0}]
"""


def slot(minutes: int, mode: str = "IDLE", **more: Any) -> dict[str, Any]:
    """A quarter of an hour that begins so long after ten."""
    begin, end = TEN + timedelta(minutes=minutes), TEN + timedelta(minutes=minutes + 15)
    return {"begin": begin.isoformat(), "end": end.isoformat(), "mode": mode} | more


def document(*slots: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": 1, "id": "plan-7", "site": "rig-1", "issued_at": TEN.isoformat(), "slots": list(slots)} | more


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE, "utf-8")
    return path


@pytest.fixture
def site(site_file: Path) -> Site:
    return checked_site(site_file)


def written(folder: Path, data: object) -> Path:
    path = folder / "schedule.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data, indent=1), "utf-8")
    return path


def test_slots_are_half_open() -> None:
    schedule = Schedule.model_validate(document(slot(0, "CHARGE"), slot(15), slot(45)))
    ten = TEN.timestamp()
    modes = [
        None if found is None else found.mode
        for found in (
            schedule.slot_at(ten + at) for at in (-0.001, 0.0, 899.999, 900.0, 1799.9, 1800.0, 2700.0, 3600.0)
        )
    ]
    assert modes == [None, "CHARGE", "CHARGE", "IDLE", "IDLE", None, "IDLE", None]


def test_validity_ends_before_the_slots() -> None:
    until = (TEN + timedelta(minutes=10)).isoformat()
    schedule = Schedule.model_validate(document(slot(0), valid_until=until))
    assert schedule.slot_at(TEN.timestamp() + 599.0) is not None
    assert schedule.slot_at(TEN.timestamp() + 600.0) is None


@given(st.integers(-7200, 7200), st.integers(-840, 840))
def test_offsets_of_the_text_do_not_matter(second: int, offset_min: int) -> None:
    zone = timezone(timedelta(minutes=offset_min))
    shifted = document(slot(0))
    shifted["slots"][0]["begin"] = TEN.astimezone(zone).isoformat()
    plain, other = Schedule.model_validate(document(slot(0))), Schedule.model_validate(shifted)
    at = TEN.timestamp() + second
    assert (plain.slot_at(at) is None) == (other.slot_at(at) is None)


@pytest.mark.parametrize(
    ("wrong", "where", "what"),
    [
        (document(), "", "has no slots"),
        (document(slot(0), version=2), "version", "1"),
        (document(slot(0), site="other-1"), "site", "is not this site"),
        (document(slot(15), slot(0)), "", "slot 1 begins before slot 0 ends"),
        (document(slot(0), slot(10)), "", "overlap"),
        (document(slot(0, "RUN")), "slots[0].mode", "PEAK_SHAVING"),
        (document(slot(0, grid_limit_w=-1.0)), "slots[0].grid_limit_w", "at least"),
        (document(slot(0, begin="2026-06-01T10:00:00")), "slots[0].begin", "timezone"),
        (document(slot(0, end=TEN.isoformat())), "slots[0]", "must end after it begins"),
        (document(slot(0, batteries={"ess9": {}})), "slots[0].batteries.ess9", "is no battery"),
        (document(slot(0, batteries={"ess0": {"soc_min_pct": 80, "soc_max_pct": 20}})), "slots[0]", "above"),
        (document(slot(0, batteries={"ess0": {"power": 5}})), "slots[0].batteries.ess0.power", "not a known key"),
        ("[1, 2]", "", "must be an object"),
        ('{"version": 1, "slots": [', "(file)", "not valid"),
        ('{"version": 1, "id": "x", "slots": NaN}', "slots", "list"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    wrong: object, where: str, what: str, tmp_path: Path, site: Site
) -> None:
    with pytest.raises(SiteError) as error:
        read_schedule(written(tmp_path, wrong), site)
    problems = [str(problem) for problem in error.value.problems]
    assert any(where in text and what in text for text in problems), problems
    assert all(text.split(":")[1].isdigit() for text in problems)


def test_a_file_that_is_wrong_leaves_the_old_one(tmp_path: Path, site_file: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    run = CliRunner()
    good, bad = written(tmp_path, document(slot(0))), tmp_path / "bad.json"
    bad.write_text(json.dumps(document(slot(0, "RUN"), id="plan-8")), "utf-8")
    load = ["load", str(site_file)]
    assert run.invoke(command, [*load, str(good), "--data", str(data), "--json"]).exit_code == 0
    with pytest.raises(SiteError):
        run.invoke(command, [*load, str(bad), "--data", str(data)], catch_exceptions=False)
    held = ScheduleStore(data).load()
    assert held is not None
    assert held.id == "plan-7"
    assert held == Schedule.model_validate(document(slot(0)))
    assert json.loads(run.invoke(command, ["show", "--data", str(data), "--json"]).output)["id"] == "plan-7"
    assert run.invoke(command, ["remove", "--data", str(data)]).exit_code == 0
    assert ScheduleStore(data).load() is None
    assert "schedule" in cli.list_commands(None)  # type: ignore[arg-type]


def test_a_stamp_changes_with_each_load(tmp_path: Path) -> None:
    store = ScheduleStore(tmp_path)
    assert store.stamp() is None
    store.save(Schedule.model_validate(document(slot(0))))
    first = store.stamp()
    store.save(Schedule.model_validate(document(slot(0))))
    assert store.stamp() != first


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"version": 1}', b"[" * 100_000])
def test_a_damaged_store_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "schedule.json").write_bytes(content)
    with pytest.raises(StoredScheduleError):
        ScheduleStore(tmp_path).load()


def test_states_are_told_apart_by_name() -> None:
    assert len(set(STATES)) == len(STATES)
