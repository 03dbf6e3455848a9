"""Batteries with an estimator: in the cycle, beside the guard, over a restart, in the site file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from simems_core import Cell, Clock
from simems_core.wire import Event
from simems_edge.cli.site_file import check_site
from simems_edge.config import Site
from simems_edge.estimation import cell_text
from simems_edge.runtime import Runtime
from simems_edge.runtime.estimator_store import ESTIMATOR_FILE, EstimatorStore, EstimatorStoreError

S = 1_000_000_000
START_US = 1_780_000_000_000_000
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
CALM = {
    "grid0/active_power_w": 20_000.0,
    "grid0/frequency_hz": 50.0,
    "ess0/active_power_w": 0.0,
    "ess0/max_charge_power_w": 60_000.0,
    "ess0/max_discharge_power_w": 60_000.0,
    "ess0/cell_temperature_min_degc": 24.0,
    "ess0/cell_temperature_max_degc": 26.0,
}
CAPACITY_AH, R0, R1, R2, SERIES, PARALLEL = 2.0, 0.03, 0.015, 0.01, 100, 20


def ocv_v(soc: float) -> float:
    return 3.0 + 0.8 * soc


def cell() -> Cell:
    soc_pct = [5.0 * step for step in range(21)]
    rc = {"r0_ohm": [R0], "r1_ohm": [R1], "c1_f": [30 / R1], "r2_ohm": [R2], "c2_f": [600 / R2]}
    return Cell(
        capacity_ah=CAPACITY_AH,
        ocv={"soc_pct": soc_pct, "ocv_v": [ocv_v(soc / 100) for soc in soc_pct]},
        elements={"temperature_degc": [25.0], "soc_pct": [50.0], "r0_bend_a": [1e6], **rc},
        noise={
            "voltage_v": 0.005,
            "current_offset_a": 0.01,
            "current_scale": 0.03,
            "model_v": 0.002,
            "model_share": 0.05,
            "model_time_s": 600.0,
        },
        limits={
            "minimum_voltage_v": 2.0,
            "maximum_voltage_v": 5.0,
            "maximum_current_a": 40.0,
            "longest_step_s": 120.0,
        },
    )


@pytest.fixture
def cell_yaml(tmp_path: Path) -> Path:
    path = tmp_path / "cell.yaml"
    path.write_text(cell_text(cell(), "test"))
    return path


def battery_site(cell_yaml: Path, **estimator: Any) -> Site:
    settings = {"cell": str(cell_yaml), "series": SERIES, "parallel": PARALLEL} | estimator
    ess = {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION, "guards": {"soc_pct": [10, 95]}}
    return Site.model_validate(
        {
            "site": {
                "id": "estimated-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
            },
            "cycle": {"period": 1.0},
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
                ess | {"estimator": settings},
            ),
        }
    )


class Battery:
    """A battery of 100 x 20 cells that follows the filter's own circuit, in a runtime that is stepped."""

    def __init__(
        self,
        site: Site,
        *,
        soc: float = 0.6,
        bms_pct: float | None = None,
        data: Path | None = None,
        after_s: int = 0,
    ) -> None:
        """``after_s``: when it begins."""
        self.clock = Clock.simulated(START_US + after_s * 1_000_000)
        self.runtime = Runtime(site, clock=self.clock, data=data)
        self.events: list[Event] = []
        self.runtime.on_event = self.events.append
        self.soc, self.bms_pct, self.second = soc, bms_pct, 0
        self._u1 = self._u2 = 0.0

    def step(self, count: int, **changes: float) -> dict[str, float]:
        for _ in range(count):
            self._step(changes)
        return self.now()

    def _step(self, changes: dict[str, float]) -> None:
        amps = 2.0 * math.sin(self.second / 30) + (1.0 if self.second % 600 < 300 else -0.5)
        self.soc -= amps / 3600 / CAPACITY_AH
        self._u1 += (1 - math.exp(-1 / 30)) * (R1 * amps - self._u1)
        self._u2 += (1 - math.exp(-1 / 600)) * (R2 * amps - self._u2)
        volts = ocv_v(self.soc) - self._u1 - self._u2 - R0 * amps
        self.clock.advance_to(self.second * S)
        measured = {
            "ess0/dc_current_a": PARALLEL * amps,
            "ess0/dc_voltage_v": SERIES * volts,
            "ess0/soc_pct": 100 * self.soc if self.bms_pct is None else self.bms_pct,
        }
        for address, value in (CALM | measured | changes).items():
            self.runtime.image.publish(self.runtime.image.handle(address), value, self.second * S)
        self.runtime.step(self.second * S)
        self.second += 1

    def now(self) -> dict[str, float]:
        snapshot = self.runtime.image.snapshot()
        names = ("soc_est_pct", "soc_sigma_pct", "soc_valid")
        return {name: snapshot.value(self.runtime.image.handle(f"ess0/{name}")) for name in names}

    def discharge(self) -> tuple[float, str]:
        """What is left of a wish to discharge, and why."""
        self.runtime.overrides.set("ess0/active_power_w", 20_000.0, duration_s=60, reason="test", actor="test")
        self.step(2)
        decision = self.runtime.cycle.decisions()[0]
        return decision.setpoint, decision.reason

    def codes(self) -> set[str]:
        return {alarm.code for alarm in self.runtime.alarms.list(active=True)}


def test_the_estimate_stands_in_the_snapshot_that_it_was_made_from(cell_yaml: Path) -> None:
    battery = Battery(battery_site(cell_yaml))
    found = battery.step(1800)
    assert abs(found["soc_est_pct"] - 100 * battery.soc) < 1.0
    assert found["soc_sigma_pct"] < 2.0
    assert found["soc_valid"] == 1.0
    shown = battery.runtime.latest()["values"]
    assert isinstance(shown, dict)
    assert shown["ess0/soc_est_pct"]["quality"] == "good"


def test_the_capacity_of_the_site_file_counts(cell_yaml: Path) -> None:
    half = Battery(battery_site(cell_yaml, capacity_ah=CAPACITY_AH / 2))
    whole = Battery(battery_site(cell_yaml))
    half.step(1)
    whole.step(1)
    begin = half.now()["soc_est_pct"], whole.now()["soc_est_pct"]
    for battery in (half, whole):
        battery.step(200, **{"ess0/dc_current_a": PARALLEL * 2.0, "ess0/dc_voltage_v": math.nan})
    moved = begin[0] - half.now()["soc_est_pct"], begin[1] - whole.now()["soc_est_pct"]
    assert moved[0] == pytest.approx(2 * moved[1], rel=0.1)


def test_missing_readings_are_bridged_then_said(cell_yaml: Path) -> None:
    battery = Battery(battery_site(cell_yaml))
    before = battery.step(1800)
    during = battery.step(300, **{"ess0/dc_voltage_v": math.nan})
    assert during["soc_valid"] == 1.0
    assert abs(during["soc_est_pct"] - 100 * battery.soc) < 2.0
    late = battery.step(400, **{"ess0/dc_voltage_v": math.nan})
    assert late["soc_valid"] == 0.0
    assert late["soc_sigma_pct"] > before["soc_sigma_pct"]
    blind = battery.step(40, **{"ess0/dc_current_a": math.nan})
    assert blind["soc_valid"] == 0.0
    back = battery.step(600)
    assert back["soc_valid"] == 1.0
    assert abs(back["soc_est_pct"] - 100 * battery.soc) < 2.0


def test_the_stricter_of_both_counts(cell_yaml: Path) -> None:
    honest = Battery(battery_site(cell_yaml), soc=0.3)
    honest.step(1800)
    assert honest.discharge()[0] == 20_000.0
    believed_full = Battery(battery_site(cell_yaml), soc=0.12, bms_pct=60.0)
    believed_full.step(1800)
    assert believed_full.now()["soc_est_pct"] < 10.0
    assert believed_full.discharge() == (0.0, "manual; bound: soc:ess0")
    believed_empty = Battery(battery_site(cell_yaml), soc=0.5, bms_pct=9.0)
    believed_empty.step(1800)
    assert believed_empty.discharge()[0] == 0.0


def test_what_the_estimate_closed_its_loss_does_not_open(cell_yaml: Path) -> None:
    battery = Battery(battery_site(cell_yaml), soc=0.12, bms_pct=60.0)
    battery.step(1800)
    battery.step(700, **{"ess0/dc_voltage_v": math.nan, "ess0/dc_current_a": math.nan})
    assert battery.now()["soc_valid"] == 0.0
    battery.runtime.overrides.set("ess0/active_power_w", 20_000.0, duration_s=60, reason="test", actor="test")
    battery.step(2, **{"ess0/dc_voltage_v": math.nan, "ess0/dc_current_a": math.nan})
    assert battery.runtime.cycle.decisions()[0].setpoint == 0.0


def test_an_estimate_that_knows_little_says_nothing(cell_yaml: Path) -> None:
    battery = Battery(battery_site(cell_yaml), soc=0.12, bms_pct=60.0)
    battery.step(2)
    assert battery.now()["soc_sigma_pct"] > 2.5
    assert battery.discharge()[0] == 20_000.0


def test_a_lasting_disagreement_raises_an_alarm(cell_yaml: Path) -> None:
    battery = Battery(battery_site(cell_yaml), soc=0.5)
    battery.step(1200)
    assert "soc_disagrees" not in battery.codes()
    battery.bms_pct = 100 * battery.soc + 8.0
    battery.step(50)
    assert "soc_disagrees" not in battery.codes()
    battery.step(20)
    assert "soc_disagrees" in battery.codes()
    battery.bms_pct = None
    battery.step(2)
    assert "soc_disagrees" not in battery.codes()


def test_a_jump_of_the_batterys_own_soc_is_noticed(cell_yaml: Path) -> None:
    battery = Battery(battery_site(cell_yaml), soc=0.5)
    battery.step(1200)
    assert "soc_jumped" not in battery.codes()
    battery.bms_pct = 100 * battery.soc + 4.0
    battery.step(3)
    assert "soc_jumped" in battery.codes()
    battery.bms_pct = None
    battery.step(700)
    assert "soc_jumped" not in battery.codes()
    assert [event.kind for event in battery.events if event.code == "soc_jumped"] == ["raised", "cleared"]


def test_a_restart_goes_on_where_it_ended_less_surely(cell_yaml: Path, tmp_path: Path) -> None:
    site = battery_site(cell_yaml)
    first = Battery(site, data=tmp_path)
    before = first.step(1900)
    first.runtime.stop()
    again = Battery(site, soc=first.soc, data=tmp_path, after_s=first.second + 60)
    after = again.step(1)
    assert abs(after["soc_est_pct"] - before["soc_est_pct"]) < 2.0
    assert before["soc_sigma_pct"] < after["soc_sigma_pct"] < 5.0
    later = Battery(site, soc=first.soc, data=tmp_path, after_s=first.second + 3600)
    assert later.step(1)["soc_sigma_pct"] > after["soc_sigma_pct"]
    anew = Battery(battery_site(cell_yaml, series=SERIES - 1), soc=first.soc, data=tmp_path, after_s=2000)
    assert anew.step(1)["soc_sigma_pct"] > 5.0, "another battery's memory is none"


def test_a_clock_that_went_backwards_makes_the_memory_worthless(cell_yaml: Path, tmp_path: Path) -> None:
    site = battery_site(cell_yaml)
    first = Battery(site, data=tmp_path)
    first.step(1900)
    first.runtime.stop()
    store = EstimatorStore(tmp_path)
    known = store.load()["ess0"]
    future = {name: getattr(known, name) for name in known.__struct_fields__} | {"utc_us": START_US + 10**15}
    store.save({"ess0": type(known)(**future)})
    near = Battery(site, soc=first.soc, data=tmp_path, after_s=first.second + 1)
    store.save({"ess0": known})
    trusted = Battery(site, soc=first.soc, data=tmp_path, after_s=first.second + 1).step(1)
    assert near.step(1)["soc_sigma_pct"] > trusted["soc_sigma_pct"] + 0.5


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 9}', b"\xff" * 50, b"[" * 100_000])
def test_a_damaged_memory_is_left_out(cell_yaml: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / ESTIMATOR_FILE).write_bytes(content)
    with pytest.raises(EstimatorStoreError):
        EstimatorStore(tmp_path).load()
    assert Battery(battery_site(cell_yaml), data=tmp_path).step(1)["soc_est_pct"] == pytest.approx(60, abs=5)


def test_a_changed_number_is_noticed(cell_yaml: Path, tmp_path: Path) -> None:
    battery = Battery(battery_site(cell_yaml), data=tmp_path)
    battery.step(100)
    battery.runtime.stop()
    path = tmp_path / ESTIMATOR_FILE
    content = path.read_bytes()
    place = content.index(b'"soc_pct":') + 10
    path.write_bytes(content[:place] + b"9" + content[place + 1 :])
    with pytest.raises(EstimatorStoreError):
        EstimatorStore(tmp_path).load()


SITE = """\
site: {{id: s-1, time_zone: Europe/Stockholm, currency: SEK, grid: {{import_limit_w: 100 kW, export_limit_w: 50 kW}}}}
components:
  - {{id: grid0, profile: sunspec_meter, connection: {{modbus_tcp: {{host: 127.0.0.1, port: 1502}}}}{grid}}}
  - id: ess0
    profile: sunspec_storage
    connection: {{modbus_tcp: {{host: 127.0.0.1, port: 1503}}}}
    estimator: {estimator}
"""


@pytest.mark.parametrize(
    ("estimator", "grid", "expected"),
    [
        ("{cell: cell.yaml, series: 100}", "", None),
        ("{cell: none.yaml}", "", "7: components[1].estimator.cell: 'none.yaml': is no usable cell file"),
        ("{cell: site.yaml}", "", "7: components[1].estimator.cell: 'site.yaml': is no usable cell file"),
        ("{cell: cell.yaml, series: 0}", "", "7: components[1].estimator.series: 0:"),
        ("{cell: cell.yaml, capacity_ah: -1}", "", "7: components[1].estimator.capacity_ah: -1:"),
        ("{cell: cell.yaml, current: nothing_a}", "", "7: components[1].estimator.current: 'nothing_a': is no channel"),
        ("{series: 3}", "", "7: components[1].estimator.cell: (missing):"),
        ("{cell: cell.yaml}", ", estimator: {cell: cell.yaml}", "3: components[0].estimator: (section): estimates a"),
    ],
)
def test_the_check_says_what_is_wrong(cell_yaml: Path, estimator: str, grid: str, expected: str | None) -> None:
    path = cell_yaml.parent / "site.yaml"
    path.write_text(SITE.format(estimator=estimator, grid=grid))
    site, problems = check_site(path)
    lines = [str(problem).removeprefix(f"{path}:") for problem in problems]
    if expected is None:
        assert lines == []
        assert site is not None
        assert site.component("ess0").estimator is not None
        assert Runtime(site, clock=Clock.simulated(START_US)).image.handle("ess0/soc_est_pct") >= 0
    else:
        assert any(line.startswith(expected) for line in lines), lines


def test_a_battery_that_shows_its_alternating_side_only_is_refused(cell_yaml: Path) -> None:
    from simems_edge.devices import load_profile
    from simems_edge.devices.estimator_inputs import estimator_inputs

    settings = battery_site(cell_yaml).component("ess0").estimator
    assert settings is not None
    profile = load_profile("sunspec_storage")
    bare = profile.model_copy(
        update={"channels": tuple(row for row in profile.channels if not row.name.startswith("dc_"))}
    )
    with pytest.raises(ValueError, match="current: is not measured at the cells"):
        estimator_inputs(settings, bare)
    cold = profile.model_copy(update={"channels": tuple(row for row in profile.channels if "temp" not in row.name)})
    with pytest.raises(ValueError, match="assumed_temperature_degc"):
        estimator_inputs(settings, cold)
    warm = settings.model_copy(update={"assumed_temperature_degc": 20.0})
    assert estimator_inputs(warm, cold).temperatures == ()
