"""The two commands: files in, one whole file out, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from simems_edge.cli.main import run

SITE = """
site: {id: cmd-1, time_zone: Europe/Stockholm, currency: SEK, grid: {import_limit_w: 100 kW, export_limit_w: 50 kW}}
components:
  - {id: grid0, profile: sunspec_meter, connection: {modbus_tcp: {host: 127.0.0.1, port: 1502, unit: 1}}}
  - {id: ess0, profile: sunspec_storage, connection: {modbus_tcp: {host: 127.0.0.1, port: 1503, unit: 1}}}
controllers:
  - {id: peak0, type: peak_shaving, grid: grid0, ess: ess0, threshold_w: 60 kW}
"""
SCENARIO = """
start: 2026-06-01T00:00:00+02:00
duration: 30 s
plant: {load: {constant_w: 80 kW}, no_pv: true}
"""


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


def test_simulate_writes_table_and_picture(site_file: Path, tmp_path: Path) -> None:
    scenario, output, plot = tmp_path / "s.yaml", tmp_path / "out.csv", tmp_path / "out.png"
    scenario.write_text(SCENARIO)
    assert run(["simulate", str(site_file), str(scenario), "-o", str(output), "--plot", str(plot)]) == 0
    header, *rows = output.read_text().splitlines()
    assert len(rows) == 30
    assert {"time_s", "true/site/grid_power_w", "ess0/active_power_w_setpoint"} <= set(header.split(","))
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_bad_scenario_is_bad_input_and_leaves_nothing(
    site_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, output = tmp_path / "s.yaml", tmp_path / "out.csv"
    scenario.write_text(SCENARIO + "events: [{at: 1 s}]\n")
    assert run(["simulate", str(site_file), str(scenario), "-o", str(output)]) == 2
    assert f"{scenario}:5" in capsys.readouterr().err
    assert not output.exists()


def test_a_replay_that_breaks_off_leaves_the_old_output(site_file: Path, tmp_path: Path) -> None:
    recording, output = tmp_path / "in.csv", tmp_path / "out.csv"
    output.write_text("old")
    recording.write_text("time_s,grid0/active_power_w\n0,1\n1,x\n")
    assert run(["replay", str(site_file), str(recording), "-o", str(output)]) == 2
    assert output.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv", "site.yaml"]
    recording.write_text("time_s,grid0/active_power_w\n0,1\n1,2\n")
    assert run(["replay", str(site_file), str(recording), "-o", str(output)]) == 0
    assert output.read_text().startswith("time_s,ess0/active_power_w_setpoint")
