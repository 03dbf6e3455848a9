"""The catalogue is whole, its page is up to date, and a site has what it can look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from simems_core import Clock, CoreError, next_state
from simems_edge.config import Site
from simems_edge.contracts.fault_page import page
from simems_edge.contracts.faults import FaultDefinition, load_faults
from simems_edge.runtime.assembly import assemble
from simems_edge.runtime.fault_plan import PlannedFault, plan_faults

ROOT = Path(__file__).parents[3]
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}


def test_the_page_is_up_to_date() -> None:
    remedy = "run `python -m simems_edge.contracts.fault_page > docs/faults.md`"
    assert (ROOT / "docs" / "faults.md").read_text("utf-8") == page(), remedy


def test_only_cold_and_voltage_faults_act_in_one_direction() -> None:
    """Under-voltage must never keep a battery from the charge that it needs."""
    directions = {fault.code: fault.direction for fault in load_faults()}
    assert directions["cell_undervoltage"] == directions["pack_undervoltage"] == "discharge"
    assert directions["cell_overvoltage"] == directions["pack_overvoltage"] == "charge"
    assert directions["cell_too_cold_to_charge"] == "charge"


def planned(clock: Clock | None = None, **changes: Any) -> dict[str, PlannedFault]:
    data: dict[str, Any] = {
        "site": {
            "id": "plan-1",
            "time_zone": "Europe/Stockholm",
            "currency": "SEK",
            "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
        },
        "components": (
            {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
            {"id": "pv0", "profile": "sunspec_pv", "connection": CONNECTION},
            {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION},
            {"id": "ess1", "profile": "sunspec_storage", "connection": CONNECTION},
        ),
    }
    site = Site.model_validate(data | changes)
    return {fault.id: fault for fault in plan_faults(assemble(site, clock or Clock.simulated(0)))}


def test_each_component_has_its_own_and_the_site_its_common_ones() -> None:
    faults = planned()
    assert {"cell_undervoltage:ess0", "cell_undervoltage:ess1", "pv_device_fault:pv0"} <= set(faults)
    assert {"emergency_stop:site", "fault_store_damaged:edge", "grid_import_exceeded:grid0"} <= set(faults)
    assert faults["cell_undervoltage:ess1"].actuators == (1,)
    assert faults["grid_import_exceeded:grid0"].actuators == (0, 1)
    assert faults["ess_device_fault:ess0"].limit == 6.0, "the code of the label"
    assert faults["grid_export_exceeded:grid0"].limit == pytest.approx(-50_500.0)


def test_without_channel_or_limit_there_is_no_such_fault() -> None:
    faults = planned()
    assert "pack_undervoltage:ess0" not in faults, "the site file gives no limit"
    assert not any(code.startswith("clock_speed_mismatch") for code in faults), "no device tells a speed"
    meter = {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION}
    assert not any(code.endswith(":ess0") for code in planned(components=(meter,)))


def test_limits_come_from_the_site_file() -> None:
    guards = {"cell_voltage_v": [2.8, 3.65], "voltage_v": ["600 V", "850 V"], "cell_temperature_degc": [-10, "45 °C"]}
    ess = {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION, "guards": guards}
    limits = {code: fault.limit for code, fault in planned(components=(ess,)).items()}
    assert (limits["cell_undervoltage:ess0"], limits["cell_overvoltage:ess0"]) == (2.8, 3.65)
    assert (limits["pack_undervoltage:ess0"], limits["pack_overvoltage:ess0"]) == (600.0, 850.0)
    assert (limits["cell_undertemperature:ess0"], limits["cell_overtemperature:ess0"]) == (-10.0, 45.0)
    assert limits["cell_too_cold_to_charge:ess0"] == 0.0


def test_an_emergency_stop_may_be_wired_to_a_device() -> None:
    site = {
        "id": "plan-2",
        "time_zone": "Europe/Stockholm",
        "currency": "SEK",
        "grid": {"import_limit_w": 1.0, "export_limit_w": 1.0},
        "estop": "ess1/grid_forming",
    }
    faults = planned(site=site)
    assert faults["emergency_stop:ess1"].channel == "ess1/grid_forming"
    assert faults["emergency_stop:ess1"].actuators == (0, 1)
    assert "emergency_stop:site" in faults


def test_a_plant_tells_its_speed() -> None:
    plant = {"id": "plant0", "profile": "virtual_plant", "connection": CONNECTION}
    fault = planned(Clock.scaled(0, 0, 60.0), components=(plant,))["clock_speed_mismatch:plant0"]
    assert fault.limit == 60.0


ENTRY = next(fault for fault in load_faults() if fault.code == "cell_undervoltage")


@pytest.mark.parametrize(
    "change",
    [
        {"direction": "charge"},
        {"limit": None},
        {"channel": ()},
        {"check": "told"},
        {"check": "deviation"},
        {"limit": {"guard": "cell_voltage_v"}},
        {"limit": {"guard": "cell_voltage_v", "end": "low", "site": "import_limit_w"}},
        {"delay_s": float("nan")},
        {"reaction": "explode"},
        {"effect": ""},
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FaultDefinition.model_validate(ENTRY.model_dump() | change)


def test_the_file_has_no_duplicate_codes() -> None:
    text = (ROOT / "edge" / "simems_edge" / "contracts" / "faults.yaml").read_text("utf-8")
    codes = [entry["code"] for entry in yaml.safe_load(text)["faults"]]
    assert len(codes) == len(set(codes))


def test_the_table_of_states_speaks_python() -> None:
    assert next_state("RUN", "trip") == "FAULT"
    with pytest.raises(CoreError, match="it takes recover, shutdown"):
        next_state("FAULT", "start")
