"""Replay: one row is one cycle; same input, same bytes; bad input is said with file and line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from simems_edge.config import Site
from simems_edge.replay import ReplayError, replay

CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
HEADER = (
    "time_s,grid0/active_power_w,ess0/active_power_w,ess0/soc_pct,"
    "ess0/max_charge_power_w,ess0/max_discharge_power_w,grid0/frequency_hz"
)


def replay_site() -> Site:
    ends = {"grid": "grid0", "ess": "ess0"}
    return Site.model_validate(
        {
            "site": {
                "id": "replay-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
            },
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
                {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION, "guards": {"soc_pct": [10, 95]}},
            ),
            "controllers": ({"id": "peak0", "type": "peak_shaving", "threshold_w": 60_000.0} | ends,),
        }
    )


def played(tmp_path: Path, lines: list[str], actions: list[str] | None = None) -> str:
    recording, actions_path = tmp_path / "input.csv", None
    recording.write_text("\n".join([HEADER, *lines]) + "\n")
    if actions is not None:
        actions_path = tmp_path / "actions.csv"
        actions_path.write_text("\n".join(["time_s,action,target,value,duration_s", *actions]) + "\n")
    stream = io.StringIO()
    replay(replay_site(), recording, stream, actions_path=actions_path)
    return stream.getvalue()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_peak_shaving_by_hand(tmp_path: Path) -> None:
    """Load 90 kW: 30 kW over the threshold, at the controller's own 20 kW/s ramp: 20, then 30 kW."""
    rows = table(
        played(
            tmp_path,
            [
                "0,50000,0,50,60000,60000,50",
                "1,90000,0,50,60000,60000,50",
                "2,90001,0,50,60000,60000,50",  # the battery has not moved yet; the second target agrees with the first
                "3,70000,20000,50,60000,60000,50",
                "4,60000,30000,50,60000,60000,50",
            ],
        )
    )
    assert [float(row["ess0/active_power_w_setpoint"]) for row in rows] == [0.0, 20_000.0, 30_001.0, 30_001.0, 30_001.0]
    assert [row["ess0/active_power_w_reason"] for row in rows] == ["fallback", *["peak0"] * 4]
    assert [row["state"] for row in rows] == ["RUN"] * 5
    assert rows[-1]["control_mode"] == "PEAK_SHAVING"


def test_nan_withdraws_at_once(tmp_path: Path) -> None:
    good = [f"{t},90000,0,50,60000,60000,50" for t in range(3)]
    rows = table(played(tmp_path, [*good, "3,nan,,,,,", "4,90000,0,,,,50"]))
    assert float(rows[2]["ess0/active_power_w_setpoint"]) > 0.0
    assert (rows[3]["ess0/active_power_w_setpoint"], rows[3]["ess0/active_power_w_reason"]) == ("0", "fallback")
    assert rows[3]["control_mode"] == "FALLBACK"
    assert rows[4]["ess0/active_power_w_reason"] == "peak0"


def test_an_empty_cell_keeps_the_value_until_it_is_stale(tmp_path: Path) -> None:
    rows = table(played(tmp_path, ["0,90000,0,50,60000,60000,50", *(f"{t},,0,50,60000,60000,50" for t in range(1, 6))]))
    sources = [row["ess0/active_power_w_reason"] for row in rows]
    assert sources[:3] == ["peak0"] * 3
    assert sources[3:] == ["fallback"] * 3  # the meter's values hold 2 s


def test_before_all_mandatory_inputs_came_the_state_is_init(tmp_path: Path) -> None:
    rows = table(played(tmp_path, ["0,90000,,,,,", "1,90000,0,50,60000,60000,50"]))
    assert [row["state"] for row in rows] == ["INIT", "RUN"]


def test_actions_override_for_their_time(tmp_path: Path) -> None:
    lines = [f"{t},50000,0,50,60000,60000,50" for t in range(6)]
    rows = table(played(tmp_path, lines, ["1,override,ess0/active_power_w,-5000,3"]))
    assert [row["ess0/active_power_w_setpoint"] for row in rows] == ["0", "-5000", "-5000", "-5000", "0", "0"]
    assert rows[2]["control_mode"] == "MANUAL"


def test_same_input_same_bytes(tmp_path: Path) -> None:
    lines = [f"{t},{60000 + 997.3 * (t % 37)},{(t % 11) * 1000.1},50,60000,60000,50" for t in range(300)]
    first = played(tmp_path, lines)
    assert played(tmp_path, lines) == first
    setpoints = [row["ess0/active_power_w_setpoint"] for row in table(first)]
    assert all(str(float(text)).removesuffix(".0") == text for text in setpoints), "the shortest form"


@pytest.mark.parametrize(
    ("lines", "line", "part"),
    [
        (["0,1,0,50,1,1,50", "0,1,0,50,1,1,50"], 3, "rise"),
        (["0,abc,0,50,1,1,50"], 2, "is no number"),
        (["0,inf,0,50,1,1,50"], 2, "infinite"),
        (["0,1"], 2, "2 cells instead of 7"),
        (["nan,1,0,50,1,1,50"], 2, "rise"),
    ],
)
def test_bad_rows_are_said_with_their_line(tmp_path: Path, lines: list[str], line: int, part: str) -> None:
    with pytest.raises(ReplayError) as caught:
        played(tmp_path, lines)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert part in problem.message + problem.remedy


@pytest.mark.parametrize(
    ("action", "part"),
    [
        ("0,dance,ess0/active_power_w,1,1", "is not known"),
        ("0,override,nowhere,1,1", "cannot be overridden"),
        ("0,override,ess0/active_power_w,x,1", "no finite number"),
        ("0,override,ess0/active_power_w,1,-5", "duration"),
    ],
)
def test_bad_actions_are_said_with_their_line(tmp_path: Path, action: str, part: str) -> None:
    with pytest.raises(ReplayError) as caught:
        played(tmp_path, ["0,1,0,50,1,1,50"], [action])
    assert caught.value.problems[0].line == 2
    assert part in str(caught.value)


def test_an_unknown_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_text("time_s,grid9/active_power_w\n0,1\n")
    with pytest.raises(ReplayError, match="is no channel of this site"):
        replay(replay_site(), path, io.StringIO())
