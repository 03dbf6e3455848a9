"""A shadow lives through what persons and faults make of the real site: the same, and in the same cycle."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from shadow_bench import CANDIDATE, ENDS, ESS_W, PEAK, PRICES, START_US, S, Stepped, site
from simems_core import Clock, CoreError
from simems_edge.cli.shadow import command
from simems_edge.runtime import FaultRefusedError, Runtime
from simems_edge.schedule import Schedule

LOAD_W = 80_000.0
INPUTS = {
    "grid0/active_power_w": LOAD_W,
    "grid0/frequency_hz": 50.0,
    ESS_W: 0.0,
    "ess0/soc_pct": 60.0,
    "ess0/max_charge_power_w": 60_000.0,
    "ess0/max_discharge_power_w": 60_000.0,
}
"""Of a battery that stands still."""
SELF = {"id": "self0", "type": "self_consumption", "ramp_w_per_s": 1e6} | ENDS
PER_KWH = {"in_place_of": "peak0", "import_price_per_kwh": 0.3, "capacity_wh": 100_000.0}
OTHER_TYPE = {"id": "new0", "type": "self_consumption", "ramp_w_per_s": 1e6,
              "shadow": {"in_place_of": "peak0", **PRICES}} | ENDS  # fmt: skip


def settled(*controllers: dict[str, Any], **more: Any) -> Stepped:
    """peak0 gives 20 kW, the candidate of 40 kW gives 40 kW."""
    stepped = Stepped(*(controllers or (PEAK, CANDIDATE)), **more)
    stepped.step(LOAD_W, 60)
    return stepped


def course(stepped: Stepped, seconds: int, load_w: float = LOAD_W) -> list[tuple[float, float]]:
    """(real, virtual) of each cycle."""
    found = []
    for _ in range(seconds):
        stepped.step(load_w)
        found.append((stepped.power_w, stepped.virtual_w))
    return found


# ---- overrides


def test_an_override_begins_and_ends_there_in_the_same_cycle() -> None:
    stepped = settled()
    stepped.override(-5_000.0, 10)
    during = course(stepped, 10)
    assert during == [(-5_000.0, -5_000.0)] * 10
    (real, virtual), *_, last = course(stepped, 60)
    assert real > -5_000.0, "the real one has ended"
    assert virtual > -5_000.0, "and so has the shadow's"
    assert last == pytest.approx((20_000.0, 40_000.0), abs=400.0)


def test_it_glides_away_from_an_override_as_the_real_one_does() -> None:
    stepped = settled()
    stepped.override(-15_000.0, 10)
    course(stepped, 10)
    first, second = course(stepped, 2)
    assert first == (5_000.0, 5_000.0), "20 kW a second"
    assert second == pytest.approx((20_000.0, 25_000.0), abs=1.0)


def test_an_override_that_is_given_back_ends_there_as_well() -> None:
    stepped = settled()
    stepped.override(0.0, 3_600)
    assert course(stepped, 5)[-1] == (0.0, 0.0)
    stepped.runtime.overrides.clear(ESS_W, "anna")
    assert all(real != 0.0 and virtual != 0.0 for real, virtual in course(stepped, 3))


def test_the_time_of_an_override_changes_nothing_between_the_books() -> None:
    """Both batteries give the same then: what the candidate would save is no more and no less."""
    stepped = settled(PEAK, CANDIDATE | {"shadow": PER_KWH})
    stepped.override(10_000.0, 600)
    stepped.step(LOAD_W)
    before = stepped.report
    course(stepped, 599)
    after = stepped.report
    assert after["real"]["import_wh"] - before["real"]["import_wh"] == pytest.approx(70_000.0 * 599 / 3_600)
    assert after["saving"] == pytest.approx(before["saving"], abs=1e-9)


def test_its_own_battery_has_its_own_limits_for_an_override() -> None:
    """The virtual battery is empty before the real one: what cannot be given there is not."""
    stepped = settled()
    stepped.runtime.shadows.worlds[0]._batteries["ess0"].soc_pct = 10.0
    stepped.override(30_000.0, 60)
    assert course(stepped, 3)[-1] == (30_000.0, 0.0)


def test_a_restart_in_the_middle_of_an_override(tmp_path: Path) -> None:
    """One that outlasts it stands in both worlds from the first cycle, another one in neither."""
    stepped = settled(folder=tmp_path)
    stepped.override(-7_000.0, 120, outlasts_restart=True)
    course(stepped, 10)
    stepped.runtime.stop()
    again = Stepped(PEAK, CANDIDATE, folder=tmp_path, later_s=stepped.second + 5.0)
    assert course(again, 3) == [(-7_000.0, -7_000.0)] * 3
    left_s = 120 - 10 - 5 - 3
    assert course(again, left_s)[-1] == (-7_000.0, -7_000.0)
    assert all(value > -7_000.0 for value in course(again, 1)[0])
    again.override(-7_000.0, 120)
    course(again, 5)
    again.runtime.stop()
    last = Stepped(PEAK, CANDIDATE, folder=tmp_path, later_s=stepped.second + again.second + 10.0)
    assert course(last, 60)[-1] == pytest.approx((20_000.0, 40_000.0), abs=400.0)


# ---- modes and requests


def test_a_mode_is_followed_and_ends_in_the_same_cycle() -> None:
    """BACKUP hears neither of them; it ends by itself."""
    stepped = settled()
    stepped.runtime.requests.set_mode("BACKUP", actor="anna", duration_s=10.0)
    held = course(stepped, 30)
    quiet = [number for number, (real, _) in enumerate(held) if real == 0.0]
    assert quiet, "nobody is heard"
    assert quiet == [number for number, (_, virtual) in enumerate(held) if virtual == 0.0]
    assert held[-1][0] > 0.0


def test_the_mode_of_the_one_that_is_absent_is_the_candidates() -> None:
    """PEAK_SHAVING hears peak0 alone; in its place the candidate, which has another mode, is heard alone."""
    stepped = settled(PEAK, SELF, OTHER_TYPE)
    stepped.runtime.requests.set_mode("PEAK_SHAVING", actor="anna")
    assert course(stepped, 30)[-1] == pytest.approx((20_000.0, 60_000.0), abs=200.0)
    stepped.runtime.requests.set_mode("SELF_CONSUMPTION", actor="anna")
    assert course(stepped, 30)[-1] == pytest.approx((60_000.0, 60_000.0), abs=200.0)


def test_standby_and_run_are_followed_in_the_same_cycle() -> None:
    stepped = settled()
    stepped.runtime.requests.set_mode("STANDBY", actor="anna")
    assert course(stepped, 5) == [(0.0, 0.0)] * 5
    stepped.runtime.requests.set_mode("RUN", actor="anna")
    assert all(real != 0.0 and virtual != 0.0 for real, virtual in course(stepped, 1))
    with pytest.raises(CoreError, match="takes"):
        stepped.runtime.states.request("start")
    stepped.runtime.requests.set_mode("SHUTDOWN", actor="anna")
    assert course(stepped, 3) == [(0.0, 0.0)] * 3


def test_what_was_asked_before_its_inputs_are_there_is_asked_again() -> None:
    stepped = Stepped(PEAK, CANDIDATE)
    stepped.step(LOAD_W)
    assert stepped.runtime.state == "RUN"
    stepped.runtime.requests.set_mode("STANDBY", actor="anna")
    assert course(stepped, 5)[-1] == (0.0, 0.0)


# ---- faults


def test_an_emergency_stop_and_its_clear_are_lived_through_in_the_same_cycle() -> None:
    stepped = settled()
    stepped.runtime.requests.set_estop(pressed=True, actor="anna")
    assert course(stepped, 5) == [(0.0, 0.0)] * 5
    with pytest.raises(FaultRefusedError):
        stepped.runtime.faults.clear("emergency_stop", "anna")
    assert course(stepped, 2) == [(0.0, 0.0)] * 2, "a refused clear opens neither"
    stepped.runtime.requests.set_estop(pressed=False, actor="anna")
    assert course(stepped, 30)[-1] == (0.0, 0.0), "it waits for a person"
    stepped.runtime.faults.clear("emergency_stop", "anna")
    opened = course(stepped, 90)
    first = next(number for number, (real, _) in enumerate(opened) if real != 0.0)
    assert first == next(number for number, (_, virtual) in enumerate(opened) if virtual != 0.0)
    assert opened[-1] == pytest.approx((20_000.0, 40_000.0), abs=400.0)


def test_a_fault_of_its_own_does_not_stand_there() -> None:
    """Its battery runs out of charge: a guard holds it, no fault latches that nobody could clear."""
    stepped = settled()
    stepped.runtime.shadows.worlds[0]._batteries["ess0"].soc_pct = 2.0
    assert course(stepped, 30)[-1][1] == 0.0
    assert stepped.runtime.faults.codes() == []
    stepped.runtime.shadows.worlds[0]._batteries["ess0"].soc_pct = 60.0
    assert course(stepped, 60)[-1][1] == pytest.approx(40_000.0, abs=400.0)


def test_a_fault_that_latched_before_a_restart_holds_there_from_the_first_cycle(tmp_path: Path) -> None:
    stepped = settled(folder=tmp_path)
    stepped.runtime.requests.set_estop(pressed=True, actor="anna")
    course(stepped, 3)
    stepped.runtime.stop()
    again = Stepped(PEAK, CANDIDATE, folder=tmp_path, later_s=stepped.second + 5.0)
    assert course(again, 30) == [(0.0, 0.0)] * 30


# ---- what is given from outside


def test_limits_from_outside_hold_there() -> None:
    """Import of 25 kW at most: both batteries give 55 kW; taken back, each does as before."""
    stepped = settled()
    image, name = stepped.runtime.image, "site/external_import_limit_w"
    image.publish(image.handle(name), 25_000.0, (stepped.second - 1) * S)
    assert course(stepped, 30)[-1] == pytest.approx((55_000.0, 55_000.0), abs=100.0)
    image.publish(image.handle(name), 100_000.0, (stepped.second - 1) * S)
    assert course(stepped, 90)[-1] == pytest.approx((20_000.0, 40_000.0), abs=400.0)


def test_the_slot_in_force_is_followed_there() -> None:
    """Beside a candidate for peak0 the schedule goes on: its battery charges where the real one does."""
    begin = datetime.fromtimestamp(START_US / 1e6, UTC)
    slots = [{"begin": begin.isoformat(), "end": (begin + timedelta(hours=1)).isoformat(), "mode": "CHARGE"}]
    whole = {"version": 1, "id": "plan-1", "site": "shadow-1", "issued_at": begin.isoformat(), "slots": slots}
    plan = {"id": "plan0", "type": "follow_schedule", "ramp_w_per_s": 1e6} | ENDS
    stepped = Stepped(PEAK, plan, CANDIDATE, schedule=Schedule.model_validate(whole))
    stepped.step(10_000.0, 60)
    assert course(stepped, 10, 10_000.0)[-1] == pytest.approx((-50_000.0, -30_000.0), abs=200.0)


# ---- live


def test_a_live_shadow_lives_through_it_at_its_next_look() -> None:
    runtime = Runtime(site(PEAK, CANDIDATE), clock=Clock.monotonic())
    runtime.start()
    try:
        runtime.overrides.set(ESS_W, -5_000.0, duration_s=60.0, reason="test", actor="anna")
        world = runtime.shadows.worlds[0]
        assert shown(runtime, lambda: world._batteries["ess0"].power_w == -5_000.0)
        runtime.overrides.clear(ESS_W, "anna")
        assert shown(runtime, lambda: world._batteries["ess0"].power_w > 0.0)
    finally:
        runtime.stop()


def shown(runtime: Runtime, true: Callable[[], bool]) -> bool:
    """Within 30 s of good inputs, a set of them in each cycle."""
    ends = monotonic() + 30.0
    while not true() and monotonic() < ends:
        now_ns = runtime.clock.now_ns()
        for name, value in INPUTS.items():
            runtime.image.publish(runtime.image.handle(name), value, now_ns)
        runtime.cycle.wait(runtime.cycle.number, 1.0)
    return true()


# ---- recordings


def recorded(folder: Path, *actions: tuple[object, ...]) -> list[str]:
    """Half an hour at 80 kW behind a battery that stands still, and what persons did; arguments of the command."""
    files = [folder / name for name in ("site.yaml", "input.csv", "actions.csv")]
    whole = site(PEAK, CANDIDATE).model_dump(mode="json", exclude_unset=True, by_alias=True)
    files[0].write_text(yaml.safe_dump(whole), encoding="utf-8")
    with files[1].open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(("time_s", *INPUTS))
        rows.writerows((second, *INPUTS.values()) for second in range(1_800))
    with files[2].open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(("time_s", "action", "target", "value", "duration_s"))
        rows.writerows(actions)
    return [str(files[0]), str(files[1]), "--json", "--actions", str(files[2])]


def told(arguments: list[str]) -> dict[str, Any]:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.output)["shadows"]
    return dict(found)


def test_a_recording_is_played_with_its_actions(tmp_path: Path) -> None:
    """The candidate gives 40 kW; for 900 s of 1,800 a person had it give 10 kW."""
    without = told(recorded(tmp_path))
    with_them = told(recorded(tmp_path, (600, "override", ESS_W, 10_000, 900)))
    assert without["shadow"]["discharge_wh"] == pytest.approx(40_000.0 * 1_800 / 3_600, rel=0.02)
    lost_wh = without["shadow"]["discharge_wh"] - with_them["shadow"]["discharge_wh"]
    assert lost_wh == pytest.approx(30_000.0 * 900 / 3_600, rel=0.02)
    assert told(recorded(tmp_path, (600, "override", ESS_W, 10_000, 900))) == with_them, "the same again"


def test_a_scenario_takes_no_actions_beside_it(tmp_path: Path) -> None:
    arguments = recorded(tmp_path)
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text("{}", encoding="utf-8")
    result = CliRunner().invoke(command, [arguments[0], str(scenario), *arguments[2:]])
    assert result.exit_code != 0
    assert "among its events" in str(result.exception)
