"""Time slots: thresholds inside, charged before, wall time on days of 23 and 25 hours. 1 June 2026 is a Monday."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError
from rig import Rig
from simems_edge.controllers.optimisation.time_slot_peak_shaving import TimeSlotPeakShavingSettings, target_pct

EVENING = {"begin": "17:00", "end": "20:00", "threshold_w": 40_000.0, "soc_target_pct": 80.0}
SLOT = {
    "id": "slot0",
    "type": "time_slot_peak_shaving",
    "grid": "grid0",
    "ess": "ess0",
    "slots": (EVENING,),
    "prepare_s": 3_600.0,
    "recharge_below_w": 30_000.0,
}

PLAIN = {name: value for name, value in SLOT.items() if name not in {"id", "type"}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_before_the_preparation_nothing_happens() -> None:
    assert Rig(SLOT, start=at("2026-06-01T15:00:00+02:00")).step(90_000.0, 20.0) == 0.0


def test_before_the_slot_it_is_charged_up_to_the_import_that_is_given() -> None:
    rig = Rig(SLOT, start=at("2026-06-01T16:00:00+02:00"))
    assert rig.step(20_000.0, 20.0) == pytest.approx(-10_000.0)
    assert rig.step(20_000.0, 20.0, soc_pct=80.0) == 0.0


def test_inside_it_holds_the_threshold_and_does_not_recharge() -> None:
    rig = Rig(SLOT, start=at("2026-06-01T17:00:00+02:00"))
    assert rig.step(55_000.0, 20.0) == pytest.approx(15_000.0)
    assert rig.step(10_000.0, 20.0, soc_pct=20.0) == 0.0


def test_others_may_not_use_what_is_kept() -> None:
    own = {"id": "self0", "type": "self_consumption", "grid": "grid0", "ess": "ess0"}
    rig = Rig(SLOT, own, start=at("2026-06-01T16:30:00+02:00"))
    assert rig.step(35_000.0, 30.0, soc_pct=79.0) == 0.0
    assert Rig(SLOT, own, start=at("2026-06-01T15:00:00+02:00")).step(35_000.0, 30.0) == pytest.approx(35_000.0)


@pytest.mark.parametrize(
    ("start", "held"),
    [
        ("2026-10-25T15:59:00+00:00", False),  # 16:59, the day of 25 hours
        ("2026-10-25T16:01:00+00:00", True),  # 17:01 at +01:00
        ("2026-03-29T14:59:00+00:00", False),  # 16:59 at +02:00, the day of 23 hours
        ("2026-03-29T15:01:00+00:00", True),
    ],
)
def test_slots_follow_wall_time(start: str, held: bool) -> None:
    power_w = Rig(SLOT, start=at(start)).step(55_000.0, 20.0)
    assert power_w == (pytest.approx(15_000.0) if held else 0.0)


def test_with_the_clock_unknown_the_threshold_holds_and_nothing_recharges() -> None:
    rig = Rig(SLOT, start=at("2026-06-01T03:00:00+02:00"))
    rig.runtime.wall_clock.recorded = True
    assert rig.step(55_000.0, 20.0) == pytest.approx(15_000.0)
    assert rig.step(10_000.0, 20.0, soc_pct=20.0) == 0.0


def test_the_highest_target_of_slots_that_are_near() -> None:
    settings = TimeSlotPeakShavingSettings.model_validate(
        {k: v for k, v in SLOT.items() if k not in {"id", "type"}}
        | {"slots": (EVENING, EVENING | {"soc_target_pct": 95})}
    )
    assert target_pct(settings.slots, (1_000.0, 9_000.0), 0.0, 3_600.0) == 80.0
    assert target_pct(settings.slots, (1_000.0, 2_000.0), 0.0, 3_600.0) == 95.0
    assert target_pct(settings.slots, (None, 9_000.0), 0.0, 3_600.0) == 0.0


@pytest.mark.parametrize("wrong", [{"slots": ()}, {"slots": (EVENING | {"window_s": 60},)}, {"slots": (EVENING,) * 5}])
def test_settings_that_cannot_be_meant(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TimeSlotPeakShavingSettings.model_validate(PLAIN | wrong)
