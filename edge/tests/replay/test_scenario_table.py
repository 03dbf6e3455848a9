"""A table that is wrong is said to be wrong: where, what was expected, what came."""

from __future__ import annotations

from pathlib import Path

import pytest
from simems_edge.cli.main import run
from simems_edge.replay import ReplayError
from simems_edge.replay.scenario_table import load_table

SITE = Path(__file__).parents[1] / "scenarios" / "site_peak.yaml"
INPUTS = """
site: {site}
inputs:
  grid0/active_power_w: 90 kW
  grid0/frequency_hz: 50
  pv0/active_power_w: 0
  ess0/active_power_w: 0
  ess0/soc_pct: 60
  ess0/max_charge_power_w: 60 kW
  ess0/max_discharge_power_w: 60 kW
cycles:
"""


def table(tmp_path: Path, cycles: str) -> Path:
    path = tmp_path / "one.table.yaml"
    path.write_text(INPUTS.format(site=SITE) + cycles)
    return path


RIGHT = "  - {repeat: 2, then: {ess0/active_power_w: 30 kW}}\n"


@pytest.mark.parametrize(
    ("cycle", "parts"),
    [
        ("{expect: {ess0/active_power_w: {value: 29 kW, within: 999}}}", ["13", "3", "29 kW +- 999", "30000"]),
        ("{expect: {ess0/active_power_w_reason: self0}}", ["self0", "peak0"]),
        ("{expect: {state: FAULT}}", ["FAULT", "RUN"]),
        ("{expect: {faults: [cell_undervoltage]}}", ["cell_undervoltage", "(none)"]),
        ("{expect: {grid0/active_power_w: null}}", ["(not valid)", "90000"]),
        ("{expect: {grid0/active_power_w: {maximum: 89 kW}}}", ["<= 89 kW", "90000"]),
        ("{expect: {grid0/voltage_v: 230}}", ["230", "(not valid)"]),
        ("{repeat: 5, then: {ess0/active_power_w: 1}}", ["7", "30000"]),
    ],
)
def test_a_wrong_table_ends_with_1_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cycle: str, parts: list[str]
) -> None:
    path = table(tmp_path, RIGHT + f"  - {cycle}\n")
    assert run(["scenario", str(path)]) == 1
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 3
    assert all(part in rows[2] for part in parts), rows


def test_a_right_table_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenario", str(table(tmp_path, RIGHT))]) == 0
    assert "as expected" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cycle", "line", "part"),
    [
        ("{expect: {state: 1}}", 13, "must be text"),
        ("{in: {grid0/power: 1}}", 13, "is no channel of this site"),
        ("{in: {grid0/active_power_w: 60 s}}", 13, "no unit of W"),
        ("{expect: {ess9/active_power_w: 1}}", 13, "is no actuator or channel"),
        ("{do: [{action: dance}]}", 13, "is not known"),
        ("{do: [{action: set_mode, target: PARTY}]}", 13, "PARTY"),
        ("{expect: {faults: 3}}", 13, "list of codes"),
        ("{repeat: 0}", 13, "at least 1"),
    ],
)
def test_a_table_that_cannot_be_used_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cycle: str, line: int, part: str
) -> None:
    path = table(tmp_path, RIGHT + f"  - {cycle}\n")
    assert run(["scenario", str(path)]) == 2
    error = capsys.readouterr().err
    assert f"{path}:{line}: cycles[1]" in error or f"{path}:{line}: target" in error
    assert part in error


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.table.yaml"
    path.write_text("site: site.yaml\ncycles: []\n")
    with pytest.raises(ReplayError, match="too few items"):
        load_table(path)
