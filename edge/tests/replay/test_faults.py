"""Faults, states and modes as the open-loop oracle tells them: tables over cycles."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from simems_edge.config import Site
from simems_edge.replay import ReplayError, replay

CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
GOOD: dict[str, Any] = {
    "grid0/active_power_w": 90_000,
    "grid0/frequency_hz": 50,
    "ess0/active_power_w": 0,
    "ess0/soc_pct": 50,
    "ess0/max_charge_power_w": 60_000,
    "ess0/max_discharge_power_w": 60_000,
}
Rows = list[dict[str, str]]


def faulty_site(guards: dict[str, Any] | None = None) -> Site:
    ends = {"grid": "grid0", "ess": "ess0"}
    return Site.model_validate(
        {
            "site": {
                "id": "faults-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
            },
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
                {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION, "guards": guards or {}},
            ),
            "controllers": (
                {"id": "peak0", "type": "peak_shaving", "threshold_w": 60_000.0} | ends,
                {"id": "self0", "type": "self_consumption"} | ends,
            ),
        }
    )


def played(tmp_path: Path, rows: list[dict[str, Any]], actions: list[str] | None = None, **guards: Any) -> Rows:
    """One row a second; ``rows`` say what differs from good inputs."""
    columns = list(dict.fromkeys([*GOOD, *(name for row in rows for name in row)]))
    lines = [",".join(["time_s", *columns])]
    lines += [",".join([str(t), *(str((GOOD | row).get(name, "")) for name in columns)]) for t, row in enumerate(rows)]
    recording, actions_path = tmp_path / "input.csv", tmp_path / "actions.csv"
    recording.write_text("\n".join(lines) + "\n")
    actions_path.write_text("\n".join(["time_s,action,target,value,duration_s", *(actions or [])]) + "\n")
    stream = io.StringIO()
    replay(faulty_site(guards), recording, stream, actions_path=actions_path)
    return list(csv.DictReader(io.StringIO(stream.getvalue())))


def setpoints(rows: Rows) -> list[float]:
    return [float(row["ess0/active_power_w_setpoint"]) for row in rows]


def column(rows: Rows, name: str) -> list[str]:
    return [row[name] for row in rows]


def cells(voltage_v: float, count: int, **others: Any) -> list[dict[str, Any]]:
    return [{"ess0/cell_voltage_min_v": voltage_v, "ess0/cell_voltage_max_v": voltage_v} | others] * count


SURPLUS = {"grid0/active_power_w": -30_000}


def test_under_voltage_blocks_discharge_and_not_charge(tmp_path: Path) -> None:
    rows = played(tmp_path, [*cells(3.2, 4), *cells(2.4, 6), *cells(2.4, 12, **SURPLUS)])
    assert setpoints(rows)[3] > 0.0
    assert column(rows, "faults")[4:6] == ["", "cell_undervoltage"], "its delay is 1 s"
    assert setpoints(rows)[5:10] == [0.0] * 5
    assert rows[6]["ess0/active_power_w_reason"] == "peak0; bound: fault"
    assert min(setpoints(rows)[10:]) < -1000.0, "charging is what it needs"
    assert set(column(rows, "state")) == {"RUN"}


def test_over_voltage_blocks_charge_and_not_discharge(tmp_path: Path) -> None:
    rows = played(tmp_path, [*cells(3.2, 2), *cells(3.7, 10, **SURPLUS), *cells(3.7, 10)], cell_voltage_v=[2.5, 3.65])
    assert rows[4]["faults"] == "cell_overvoltage", "the site file's limit for LFP"
    assert setpoints(rows)[4:12] == [0.0] * 8
    assert max(setpoints(rows)[12:]) > 1000.0


def test_a_latched_fault_is_cleared_only_when_its_cause_is_gone(tmp_path: Path) -> None:
    seconds = [*cells(3.2, 3), *cells(2.4, 4), *cells(3.2, 20)]
    actions = ["5,clear_fault,cell_undervoltage,,", "10,clear_fault,cell_undervoltage,,"]
    rows = played(tmp_path, seconds, actions)
    assert column(rows, "faults")[4:] == ["cell_undervoltage"] * 23, "refused: it stands; then not gone for 5 s"
    actions = [*actions, "20,clear_fault,cell_undervoltage:ess0,,"]
    rows = played(tmp_path, seconds, actions)
    assert column(rows, "faults")[19:22] == ["cell_undervoltage", "", ""]
    assert setpoints(rows)[19] == 0.0
    assert setpoints(rows)[22] > 0.0


@pytest.mark.parametrize(("temperature_degc", "charges"), [(0.0, False), (-5.0, False), (0.1, True)])
def test_no_charge_at_or_below_freezing(tmp_path: Path, temperature_degc: float, charges: bool) -> None:
    cold = {"ess0/cell_temperature_min_degc": temperature_degc}
    rows = played(tmp_path, [*[cold | SURPLUS] * 10, *[cold] * 10])
    assert (min(setpoints(rows)) < 0.0) == charges
    assert max(setpoints(rows)) > 0.0
    assert rows[0]["faults"] == ("" if charges else "cell_too_cold_to_charge"), "in the same cycle"


def test_a_cold_battery_is_charged_again_by_itself(tmp_path: Path) -> None:
    cold, warm = {"ess0/cell_temperature_min_degc": -1.0} | SURPLUS, {"ess0/cell_temperature_min_degc": 5.0} | SURPLUS
    rows = played(tmp_path, [*[cold] * 5, *[warm] * 40])
    faults = column(rows, "faults")
    assert faults[34:36] == ["cell_too_cold_to_charge", ""]
    assert max(setpoints(rows)[:35]) == min(setpoints(rows)[:35]) == 0.0
    assert setpoints(rows)[-1] < 0.0


def test_a_hot_battery_stands_still_and_the_site_is_in_fault(tmp_path: Path) -> None:
    rows = played(tmp_path, [*[{"ess0/cell_temperature_max_degc": 55.0}] * 6])
    assert column(rows, "faults")[2] == "cell_too_hot_to_charge;cell_overtemperature"
    assert column(rows, "state") == ["RUN", "RUN", "FAULT", "FAULT", "FAULT", "FAULT"]
    assert setpoints(rows)[2:] == [0.0] * 4


@pytest.mark.parametrize("soc", ["nan", 140, -3])
def test_an_implausible_soc_is_a_fault(tmp_path: Path, soc: object) -> None:
    rows = played(tmp_path, [{}, {}, *[{"ess0/soc_pct": soc}] * 5, *[{}] * 15])
    assert column(rows, "faults")[3:5] == ["", "soc_implausible"]
    assert setpoints(rows)[4:10] == [0.0] * 6
    assert rows[-1]["faults"] == "", "it clears by itself"


def test_the_device_says_fault(tmp_path: Path) -> None:
    rows = played(tmp_path, [*[{"ess0/operating_state": 3}] * 3, *[{"ess0/operating_state": 6}] * 4])
    assert rows[-1]["faults"] == "ess_device_fault"
    assert (rows[-1]["state"], setpoints(rows)[-1]) == ("FAULT", 0.0)


def test_a_lost_battery_stays_at_zero_for_a_while_after_it_answers(tmp_path: Path) -> None:
    up, down = {"ess0/communication": 1}, {"ess0/communication": 0}
    rows = played(tmp_path, [*[up] * 3, *[down] * 65, *[up] * 20])
    faults = column(rows, "faults")
    assert "ess_unreachable" not in faults[62]
    assert "ess_unreachable" in faults[63]
    assert "ess_unreachable" not in faults[73], "5 s gone"
    assert setpoints(rows)[77] == 0.0, "held 5 s longer"
    assert setpoints(rows)[79] > 0.0


def test_a_setpoint_not_followed_is_told(tmp_path: Path) -> None:
    rows = played(tmp_path, [{}] * 75)
    assert rows[-1]["faults"] == "setpoint_not_followed"
    assert setpoints(rows)[-1] > 0.0, "telling is all it does"


def test_too_much_import_for_a_minute_stops_charging(tmp_path: Path) -> None:
    over = {"grid0/active_power_w": 110_000, "ess0/active_power_w": 60_000}
    rows = played(tmp_path, [over] * 65)
    assert "grid_import_exceeded" not in rows[59]["faults"]
    assert "grid_import_exceeded" in rows[60]["faults"]


def test_an_emergency_stop_by_a_person(tmp_path: Path) -> None:
    actions = ["3,estop,site,1,", "5,clear_fault,emergency_stop,,", "7,estop,site,0,", "9,clear_fault,emergency_stop,,"]
    rows = played(tmp_path, [{}] * 14, actions)
    assert column(rows, "state") == [*["RUN"] * 3, *["FAULT"] * 6, *["RUN"] * 5]
    assert column(rows, "faults")[2:10] == ["", *["emergency_stop"] * 6, ""]
    assert setpoints(rows)[3:9] == [0.0] * 6
    assert setpoints(rows)[-1] > 0.0


def test_an_emergency_stop_by_wire_counts_a_broken_one(tmp_path: Path) -> None:
    rows = played(tmp_path, [{"site/estop": 0}, {"site/estop": 0}, {"site/estop": "nan"}, {"site/estop": 0}])
    assert column(rows, "state") == ["RUN", "RUN", "FAULT", "FAULT"]


def test_manual_operation_does_not_pass_a_fault(tmp_path: Path) -> None:
    rows = played(tmp_path, cells(2.4, 8), ["2,override,ess0/active_power_w,30000,60"])
    assert setpoints(rows)[2:] == [0.0] * 6
    assert rows[4]["ess0/active_power_w_reason"] == "manual; bound: fault"


def test_modes_choose_who_is_heard_and_standby_stops(tmp_path: Path) -> None:
    actions = ["4,set_mode,SELF_CONSUMPTION,,3", "10,set_mode,site,STANDBY,", "13,set_mode,RUN,,"]
    rows = played(tmp_path, [{}] * 18, actions)
    sources = [reason.partition(";")[0] for reason in column(rows, "ess0/active_power_w_reason")]
    assert sources[3:9] == ["peak0", "self0", "self0", "self0", "peak0", "peak0"]
    assert column(rows, "state")[9:14] == ["RUN", "STANDBY", "STANDBY", "STANDBY", "RUN"]
    assert setpoints(rows)[10:13] == [0.0] * 3
    assert column(rows, "control_mode")[4:6] == ["SELF_CONSUMPTION"] * 2


def test_what_the_state_does_not_take_changes_nothing(tmp_path: Path) -> None:
    actions = ["2,estop,site,1,", "4,set_mode,STANDBY,,", "5,set_mode,RUN,,", "6,estop,site,0,"]
    rows = played(tmp_path, [{}] * 12, [*actions, "8,clear_fault,emergency_stop,,", "10,set_mode,SHUTDOWN,,"])
    assert column(rows, "state")[4:8] == ["FAULT"] * 4
    assert column(rows, "state")[8:] == ["RUN", "RUN", "SHUTDOWN", "SHUTDOWN"]


def test_on_an_island_zero_power_becomes_a_call_for_shedding(tmp_path: Path) -> None:
    hot = {"ess0/cell_temperature_max_degc": 60.0}
    actions = ["1,set_mode,ISLAND,,", "2,override,ess0/active_power_w,5000,60"]
    rows = played(tmp_path, [{}, {}, {}, *[hot] * 6], actions)
    assert "cell_overtemperature" in rows[-1]["faults"]
    assert (rows[-1]["state"], setpoints(rows)[-1]) == ("RUN", 5000.0)
    assert rows[1]["control_mode"] == "ISLAND"


@pytest.mark.parametrize(
    ("action", "part"),
    [
        ("0,clear_fault,no_such_code,,", "is no fault that this site can have"),
        ("0,set_mode,DROOP,,", "no controller of this site has the mode"),
        ("0,set_mode,PARTY,,", "is no control mode"),
        ("0,estop,ess0,,", "has no emergency stop"),
        ("0,estop,site,maybe,", "no finite number"),
        ("0,set_mode,AUTO,,-1", "negative duration"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_line(tmp_path: Path, action: str, part: str) -> None:
    with pytest.raises(ReplayError) as caught:
        played(tmp_path, [{}], [action])
    assert caught.value.problems[0].line == 2
    assert part in str(caught.value)


def test_same_input_same_bytes_with_faults(tmp_path: Path) -> None:
    rows = [*cells(3.2, 5), *cells(2.4, 8), *cells(3.2, 20)]
    actions = ["6,estop,,,2", "20,clear_fault,cell_undervoltage,,", "21,clear_fault,emergency_stop,,"]
    assert played(tmp_path, rows, actions) == played(tmp_path, rows, actions)
