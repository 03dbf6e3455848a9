"""The reserve: nobody below discharges it; hysteresis; calendar; recharging under a limit."""

from __future__ import annotations

from datetime import datetime
from math import nan
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import Rig
from simems_edge.controllers.optimisation.backup_reserve import (
    BackupReserveSettings,
    ReserveState,
    floor_pct,
    next_state,
    recharge_w,
)

ZONE = ZoneInfo("Europe/Stockholm")
RESERVE = {"id": "reserve0", "type": "backup_reserve", "grid": "grid0", "ess": "ess0", "reserve_soc_pct": 40.0}
OWN = {"id": "self0", "type": "self_consumption", "grid": "grid0", "ess": "ess0"}
PEAK = {"id": "peak0", "type": "peak_shaving", "grid": "grid0", "ess": "ess0", "threshold_w": 10_000.0}
ENDS = {"grid": "grid0", "ess": "ess0"}
NIGHT = {"begin": "22:00", "end": "06:00", "reserve_soc_pct": 80.0}


@pytest.mark.parametrize("below", [OWN, PEAK])
def test_who_stands_below_does_not_discharge_the_reserve(below: dict[str, object]) -> None:
    rig = Rig(RESERVE, below)
    assert rig.step(30_000.0, 20.0, soc_pct=50.0) > 0.0
    assert rig.step(30_000.0, 20.0, soc_pct=40.0) == 0.0
    assert rig.step(30_000.0, 20.0, soc_pct=41.9) == 0.0, "it opens two points above"
    assert rig.step(30_000.0, 20.0, soc_pct=42.1) > 0.0
    assert rig.step(30_000.0, 20.0, soc_pct=nan) == 0.0


def test_charging_is_not_held_back() -> None:
    assert Rig(RESERVE, OWN).step(-20_000.0, 20.0, soc_pct=30.0) == pytest.approx(-20_000.0)


def test_it_recharges_up_to_the_import_that_is_given() -> None:
    rig = Rig(RESERVE | {"recharge_power_w": 20_000.0, "recharge_below_w": 45_000.0})
    assert rig.step(10_000.0, 20.0, soc_pct=30.0) == pytest.approx(-20_000.0)
    assert rig.step(40_000.0, 20.0) == pytest.approx(-5_000.0, abs=200.0)
    assert rig.step(60_000.0, 20.0) == 0.0
    assert rig.step(10_000.0, 20.0, soc_pct=40.0) == 0.0


def test_a_lost_meter_leaves_the_floor() -> None:
    rig = Rig(RESERVE | {"recharge_power_w": 20_000.0})
    rig.silent = {"grid0/active_power_w"}
    rig.step(10_000.0, 20.0, soc_pct=30.0)
    assert rig.power_w == 0.0
    assert rig.value("reserve0/floor_pct") == 40.0


def test_a_person_may_use_it() -> None:
    rig = Rig(RESERVE, OWN)
    rig.runtime.overrides.set("ess0/active_power_w", 5_000.0, duration_s=60.0, reason="test", actor="test")
    assert rig.step(30_000.0, 10.0, soc_pct=30.0) == 5_000.0


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-06-01T12:00:00+02:00", 40.0),
        ("2026-06-01T22:00:00+02:00", 80.0),
        ("2026-10-25T05:59:00+01:00", 80.0),
        ("2026-10-25T06:00:00+01:00", 40.0),
        (None, 80.0),  # the clock is unknown: the highest
    ],
)
def test_the_floor_follows_the_calendar(moment: str | None, expected: float) -> None:
    settings = BackupReserveSettings.model_validate(ENDS | {"reserve_soc_pct": 40.0, "slots": (NIGHT,)})
    utc_s = None if moment is None else datetime.fromisoformat(moment).timestamp()
    assert floor_pct(settings, utc_s, ZONE) == expected


@given(socs=st.lists(st.one_of(st.none(), st.floats(0.0, 100.0)), max_size=60), floor=st.floats(0.0, 100.0))
def test_never_free_at_or_below_the_floor(socs: list[float | None], floor: float) -> None:
    state = ReserveState()
    for soc_pct in socs:
        state = next_state(state, soc_pct, floor, 2.0)
        if soc_pct is None or soc_pct <= floor:
            assert not state.free
        assert not (state.free and state.recharging)


@given(st.floats(-1e5, 1e5))
def test_recharging_never_lifts_the_grid_over_its_limit(site_w: float) -> None:
    settings = BackupReserveSettings.model_validate(
        ENDS | {"reserve_soc_pct": 40.0, "recharge_power_w": 2e4, "recharge_below_w": 4.5e4}
    )
    battery_w = recharge_w(settings, site_w)
    assert -20_000.0 <= battery_w <= 0.0
    assert site_w - battery_w <= max(site_w, 45_000.0) + 1e-6
