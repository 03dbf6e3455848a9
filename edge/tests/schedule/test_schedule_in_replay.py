"""A schedule in the open-loop oracle: what is followed comes from the file and the recorded time of day alone."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simems_edge.cli.main import run

TEN = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
SITE = """
site: {id: rig-1, time_zone: Europe/Stockholm, currency: SEK, grid: {import_limit_w: 100 kW, export_limit_w: 50 kW}}
cycle: {period: 1 s}
components:
  - {id: grid0, profile: sunspec_meter, connection: {modbus_tcp: {host: 127.0.0.1, port: 1502}}}
  - {id: ess0, profile: sunspec_storage, connection: {modbus_tcp: {host: 127.0.0.1, port: 1503}}}
controllers: [{id: plan0, type: follow_schedule, grid: grid0, ess: ess0}]
"""
COLUMNS = [
    "time_s", "site/utc_offset_s", "grid0/active_power_w", "grid0/frequency_hz", "ess0/active_power_w", "ess0/soc_pct",
    "ess0/max_charge_power_w", "ess0/max_discharge_power_w",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE, "utf-8")
    with (tmp_path / "input.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for second in range(40):
            writer.writerow([second, TEN.timestamp(), 30_000.0, 50.0, 0.0, 50.0, 60_000.0, 60_000.0])
    slot = {
        "begin": (TEN + timedelta(seconds=10)).isoformat(),
        "end": (TEN + timedelta(seconds=20)).isoformat(),
        "mode": "DISCHARGE",
        "batteries": {"ess0": {"power_w": 5_000.0}},
    }
    plan = {"version": 1, "id": "p", "site": "rig-1", "issued_at": TEN.isoformat(), "slots": [slot]}
    (tmp_path / "schedule.json").write_text(json.dumps(plan), "utf-8")
    return tmp_path


def replayed(folder: Path, output: str, *more: str) -> bytes:
    names = [str(folder / name) for name in ("site.yaml", "input.csv")]
    assert run(["replay", *names, "-o", str(folder / output), *more]) == 0
    return (folder / output).read_bytes()


def test_a_slot_is_followed_from_its_begin_to_its_end(folder: Path) -> None:
    schedule = ("--schedule", str(folder / "schedule.json"))
    first = replayed(folder, "out.csv", *schedule)
    assert first == replayed(folder, "again.csv", *schedule), "same input, same bytes"
    rows = list(csv.DictReader(first.decode().splitlines()))
    setpoints = {float(row["time_s"]): float(row["ess0/active_power_w_setpoint"]) for row in rows}
    followed = [time_s for time_s, setpoint_w in setpoints.items() if setpoint_w == 5_000.0]
    assert min(followed) == 11.0, "one cycle after its begin"
    assert max(followed) == 20.0, "and after its end"


def test_without_one_the_fallback_holds(folder: Path) -> None:
    rows = list(csv.DictReader(replayed(folder, "out.csv").decode().splitlines()))
    assert {float(row["ess0/active_power_w_setpoint"]) for row in rows} == {0.0}


def test_a_wrong_schedule_is_refused_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "schedule.json").write_text('{"version": 1}', "utf-8")
    names = [str(folder / name) for name in ("site.yaml", "input.csv")]
    given = ["replay", *names, "-o", str(folder / "out.csv"), "--schedule", str(folder / "schedule.json")]
    assert run(given) == 2
    assert "schedule.json:1: slots" in capsys.readouterr().err
    assert not (folder / "out.csv").exists()


def test_a_recording_cannot_claim_a_schedule(folder: Path) -> None:
    text = (folder / "input.csv").read_text("utf-8").replace("grid0/frequency_hz", "ess0/schedule_power_w")
    (folder / "input.csv").write_text(text, "utf-8")
    names = [str(folder / name) for name in ("site.yaml", "input.csv")]
    assert run(["replay", *names, "-o", str(folder / "out.csv")]) == 2
