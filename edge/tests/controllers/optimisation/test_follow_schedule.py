"""Following a schedule: each mode by hand, limits before corridor before advice, slots that end, the fallback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import RATED_W, Rig
from simems_edge.controllers.optimisation.slot_following import (
    Corridor,
    Means,
    SlotOrder,
    grid_bounds,
    next_corridor,
    order_power_w,
)
from simems_edge.schedule import Schedule, ScheduleStore

OPEN = Corridor(may_discharge=True, may_charge=True)
MEANS = Means(charge_w=50_000.0, discharge_w=60_000.0)
MODES = ["PEAK_SHAVING", "SELF_CONSUMPTION", "CHARGE", "DISCHARGE", "IDLE"]
TEN = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
PLAN = {"id": "plan0", "type": "follow_schedule", "grid": "grid0", "ess": "ess0"}


@pytest.mark.parametrize(
    ("order", "corridor", "site_w", "expected"),
    [
        (SlotOrder("IDLE"), OPEN, 80_000.0, 0.0),
        (SlotOrder("IDLE", grid_limit_w=60_000.0), OPEN, 80_000.0, 20_000.0),  # the limit holds in every mode
        (SlotOrder("PEAK_SHAVING", power_w=-12_000.0), OPEN, 30_000.0, -12_000.0),
        (SlotOrder("PEAK_SHAVING", 40_000.0, power_w=-12_000.0), OPEN, 30_000.0, -10_000.0),  # advice cut by the limit
        (SlotOrder("PEAK_SHAVING", 40_000.0, power_w=-12_000.0), OPEN, 45_000.0, 5_000.0),
        (SlotOrder("SELF_CONSUMPTION"), OPEN, 20_000.0, 20_000.0),
        (SlotOrder("SELF_CONSUMPTION", power_w=5_000.0), OPEN, 20_000.0, 20_000.0),
        (SlotOrder("CHARGE"), OPEN, 10_000.0, -50_000.0),
        (SlotOrder("CHARGE", 40_000.0), OPEN, 10_000.0, -30_000.0),
        (SlotOrder("CHARGE", power_w=-7_000.0), OPEN, 10_000.0, -7_000.0),
        (SlotOrder("CHARGE", power_w=7_000.0), OPEN, 10_000.0, 0.0),  # advice of the wrong sign
        (SlotOrder("DISCHARGE"), OPEN, 10_000.0, 60_000.0),
        (SlotOrder("DISCHARGE", export_limit_w=0.0), OPEN, 10_000.0, 10_000.0),
        (SlotOrder("DISCHARGE", power_w=7_000.0), OPEN, 10_000.0, 7_000.0),
        (SlotOrder("DISCHARGE"), Corridor(may_charge=True), 10_000.0, 0.0),  # at the corridor's floor
        (SlotOrder("CHARGE"), Corridor(may_discharge=True), 10_000.0, 0.0),  # at its ceiling
        (SlotOrder("IDLE", 60_000.0), Corridor(may_charge=True), 80_000.0, 20_000.0),  # the limit before the corridor
        (SlotOrder("IDLE", 60_000.0), Corridor(may_charge=True, refilling=True), 40_000.0, -20_000.0),
        (SlotOrder("IDLE"), Corridor(may_charge=True, refilling=True), 40_000.0, 0.0),  # no limit known: no refill
    ],
)
def test_one_slot(order: SlotOrder, corridor: Corridor, site_w: float, expected: float) -> None:
    direction = 1 if site_w > 0.0 else -1
    assert order_power_w(order, corridor, site_w, direction, MEANS) == expected


@given(
    mode=st.sampled_from(MODES),
    grid_limit_w=st.one_of(st.just(inf), st.floats(0, 1e5)),
    export_limit_w=st.one_of(st.just(inf), st.floats(0, 1e5)),
    power_w=st.one_of(st.none(), st.floats(-1e5, 1e5)),
    site_w=st.floats(-2e5, 2e5),
    flags=st.tuples(*[st.booleans()] * 3),
)
def test_the_grid_stays_inside_the_limits(
    mode: Any, grid_limit_w: float, export_limit_w: float, power_w: float | None, site_w: float, flags: Any
) -> None:
    """Whatever mode, advice and corridor say; and inside the limits the corridor's closed directions stay closed."""
    order = SlotOrder(mode, grid_limit_w, export_limit_w, power_w=power_w)
    corridor = Corridor(*flags)
    battery_w = order_power_w(order, corridor, site_w, 1 if site_w > 0 else -1, MEANS)
    lowest_w, highest_w = grid_bounds(order, site_w)
    assert lowest_w <= battery_w <= max(highest_w, lowest_w)
    if not corridor.may_discharge:
        assert battery_w <= max(lowest_w, 0.0)
    if not corridor.may_charge and battery_w < 0.0:
        assert battery_w == highest_w


def test_the_corridor_opens_inside_and_closes_at_its_edge() -> None:
    order = SlotOrder("IDLE", soc_min_pct=20.0, soc_max_pct=80.0)
    assert next_corridor(Corridor(), order, 20.9, 1.0) == Corridor(may_charge=True)
    assert next_corridor(Corridor(), order, 21.1, 1.0) == OPEN
    assert next_corridor(OPEN, order, 20.1, 1.0) == OPEN
    assert next_corridor(OPEN, order, 20.0, 1.0) == Corridor(may_charge=True)
    assert next_corridor(OPEN, order, 18.9, 1.0).refilling
    assert next_corridor(Corridor(refilling=True), order, 19.9, 1.0).refilling
    assert not next_corridor(OPEN, order, 80.0, 1.0).may_charge
    assert next_corridor(OPEN, order, None, 1.0) == Corridor()


def schedule_of(*slots: tuple[int, int, dict[str, Any]]) -> Schedule:
    """(begin, end) in s after ten, and what the slot says."""
    rows = [
        {
            "begin": (TEN + timedelta(seconds=a)).isoformat(),
            "end": (TEN + timedelta(seconds=b)).isoformat(),
            "mode": "IDLE",
        }
        | more
        for a, b, more in slots
    ]
    return Schedule.model_validate(
        {"version": 1, "id": "p", "site": "rig-1", "issued_at": TEN.isoformat(), "slots": rows}
    )


def discharge(power_w: float) -> dict[str, Any]:
    return {"mode": "DISCHARGE", "batteries": {"ess0": {"power_w": power_w}}}


@pytest.mark.parametrize("period_s", [0.1, 1.0])
def test_a_slot_begins_and_ends_on_time_at_every_cycle(period_s: float) -> None:
    """60 to 120 s after ten: 10 kW. Ramp 20 kW/s. The cycle after the edge sees it, two later it stands."""
    rig = Rig(PLAN, period_s=period_s, schedule=schedule_of((60, 120, discharge(10_000.0))))
    assert rig.step(30_000.0, 59.0) == 0.0
    assert rig.step(30_000.0, 4.0) == 10_000.0
    assert rig.step(30_000.0, 56.0) == 10_000.0
    assert rig.step(30_000.0, 4.0) == 0.0
    assert rig.value("site/schedule_state") == 4.0
    assert any("plan0" in text for text in rig.not_armed())


def test_from_mode_to_mode_by_no_more_than_the_ramp() -> None:
    plan = PLAN | {"ramp_w_per_s": 2_000.0}
    charge = {"mode": "CHARGE", "grid_limit_w": 80_000.0}
    rig = Rig(plan, schedule=schedule_of((0, 30, discharge(20_000.0)), (30, 60, charge)))
    powers = [rig.step(20_000.0) for _ in range(60)]
    assert max(powers) == 20_000.0
    assert min(powers) < -20_000.0
    assert max(abs(b - a) for a, b in pairwise(powers)) <= 2_000.0 + 1e-6


def test_the_fallback_holds_without_a_schedule_and_says_why() -> None:
    rig = Rig(PLAN | {"fallback_mode": "SELF_CONSUMPTION", "fallback_soc_min_pct": 30.0})
    assert rig.step(15_000.0, 10.0) == pytest.approx(15_000.0)
    assert any("missing" in text for text in rig.not_armed())
    assert rig.step(15_000.0, 10.0, soc_pct=29.0) == 0.0


def test_an_unknown_clock_follows_nothing() -> None:
    rig = Rig(PLAN, schedule=schedule_of((0, 3600, discharge(10_000.0))))
    rig.runtime.wall_clock.recorded = True
    assert rig.step(30_000.0, 30.0) == 0.0
    assert rig.value("site/schedule_state") == 5.0


def test_stale_and_missing_inputs() -> None:
    rig = Rig(PLAN, schedule=schedule_of((0, 3600, discharge(10_000.0) | {"grid_limit_w": 60_000.0})))
    assert rig.step(30_000.0, 10.0) == 10_000.0
    rig.silent = {"grid0/active_power_w"}
    assert rig.step(75_000.0, 15.0) == 0.0
    rig.silent = set()
    assert rig.step(75_000.0, 15.0) == pytest.approx(15_000.0)
    assert rig.step(30_000.0, 10.0, soc_pct=nan) == 0.0


def test_a_schedule_loaded_while_running_is_taken_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    rig, store = Rig(PLAN, data=tmp_path), ScheduleStore(tmp_path)
    assert rig.step(30_000.0, 5.0) == 0.0
    store.save(schedule_of((0, 3600, discharge(5_000.0))))
    assert rig.step(30_000.0, 5.0) == 5_000.0
    store.save(schedule_of((0, 3600, discharge(8_000.0))))
    assert rig.step(30_000.0, 5.0) == 8_000.0
    (tmp_path / "schedule.json").write_text(json.dumps({"version": 1}), "utf-8")
    assert rig.step(30_000.0, 5.0) == 8_000.0
    store.remove()
    assert rig.step(30_000.0, 5.0) == 0.0


def test_a_restart_in_the_middle_of_a_slot_goes_on(tmp_path: Path) -> None:
    ScheduleStore(tmp_path).save(schedule_of((0, 3600, discharge(5_000.0))))
    assert Rig(PLAN, data=tmp_path).step(30_000.0, 10.0) == 5_000.0
    again = Rig(PLAN, data=tmp_path, start=(TEN + timedelta(minutes=30)))
    assert again.step(30_000.0, 10.0) == 5_000.0


def test_a_battery_cannot_be_asked_for_more_than_it_has() -> None:
    rig = Rig(PLAN, schedule=schedule_of((0, 3600, discharge(1e6))))
    assert rig.step(150_000.0, 20.0) == RATED_W
