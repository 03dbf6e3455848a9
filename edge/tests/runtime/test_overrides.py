"""A person's hand: limited in time, by role and reason, below every guard; ends without a bump."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from simems_core import Clock, Decision
from simems_core.wire import Event
from simems_edge.config import Site
from simems_edge.runtime import Runtime
from simems_edge.runtime.override_store import FILE
from simems_edge.runtime.overrides import RoleError

S = 1_000_000_000
NOON_US = 1_780_272_000_000_000
TARGET = "ess0/active_power_w"


def site(ramp_w_per_s: float | None = None) -> Site:
    connection = {"modbus_tcp": {"host": "127.0.0.1"}}
    guards = {"soc_pct": [10, 95]} | ({} if ramp_w_per_s is None else {"ramp_w_per_s": ramp_w_per_s})
    limits = {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0}
    return Site.model_validate(
        {
            "site": {"id": "hand-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": limits},
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": connection},
                {"id": "ess0", "profile": "sunspec_storage", "connection": connection, "guards": guards},
            ),
            "controllers": (
                {"id": "self0", "type": "self_consumption", "grid": "grid0", "ess": "ess0", "ramp_w_per_s": 1e6},
            ),
        }
    )


class Box:
    """One life of an edge: ``later_s`` after noon it starts; each step is a second."""

    def __init__(self, folder: Path | None = None, later_s: float = 0.0, ramp_w_per_s: float | None = None) -> None:
        self.clock = Clock.simulated(NOON_US + round(later_s * 1e6))
        self.runtime = Runtime(site(ramp_w_per_s), clock=self.clock, data=folder)
        self.events: list[Event] = []
        self.runtime.on_event = self.events.append
        self.second, self.power_w = 0, 0.0

    def step(self, load_w: float = 10_000.0, seconds: int = 1, soc_pct: float = 50.0) -> Decision:
        for _ in range(seconds):
            now_ns = self.second * S
            self.clock.advance_to(now_ns)
            values = {
                "grid0/active_power_w": load_w - self.power_w,
                "grid0/frequency_hz": 50.0,
                TARGET: self.power_w,
                "ess0/soc_pct": soc_pct,
                "ess0/max_charge_power_w": 60_000.0,
                "ess0/max_discharge_power_w": 60_000.0,
            }
            for address, value in values.items():
                self.runtime.image.publish(self.runtime.image.handle(address), value, now_ns)
            (decision,) = self.runtime.step(now_ns)
            self.power_w = decision.setpoint
            self.second += 1
        return decision

    def override(self, value: float, duration_s: float = 10.0, **more: object) -> None:
        settings = {"reason": "test", "actor": "anna"} | more
        self.runtime.overrides.set(TARGET, value, duration_s=duration_s, **settings)  # type: ignore[arg-type]


def test_it_wins_ends_by_itself_and_is_told_with_actor_role_and_reason() -> None:
    box = Box()
    box.step(seconds=5)
    box.override(-20_000.0, 10.0, role="service", reason="winter test")
    assert box.step(seconds=9).setpoint == -20_000.0
    assert box.step(seconds=20).source == "self0"
    told = [(e.code, e.actor, e.text) for e in box.events if e.kind == "action"]
    assert told[0] == ("override.set", "anna", "ess0/active_power_w set to -20000 for 10 s by service: winter test")
    assert told[1][:2] == ("override.ended", "system")


def test_a_hand_does_not_switch_the_phases_of_a_charger() -> None:
    """Contactors are not made to break current: only the sequence knows that none flows."""
    connection = {"modbus_tcp": {"host": "127.0.0.1"}}
    charger = {"id": "evcs0", "profile": "virtual_charger", "connection": connection}
    control = {"control": {"safe_current_a": 0.0, "switch_phases": True}}
    data = site().model_dump(mode="json", by_alias=True, exclude_unset=True)
    data |= {"components": [*data["components"], charger | control]}
    runtime = Runtime(Site.model_validate_json(json.dumps(data)), clock=Clock.simulated(NOON_US))
    with pytest.raises(ValueError, match="while nothing flows"):
        runtime.overrides.set("evcs0/phases", 1.0, duration_s=60.0, reason="less", actor="Åsa")
    assert runtime.overrides.set("evcs0/current_limit_a", 6.0, duration_s=60.0, reason="less", actor="Åsa")


@pytest.mark.parametrize("cleared", [False, True])
def test_its_end_moves_no_faster_than_the_ramp_also_to_the_fallback(cleared: bool) -> None:
    """From -30 kW to 0, where nobody wants anything (no load): 5 kW a second, not at once."""
    box = Box(ramp_w_per_s=5_000.0)
    box.step(0.0, 3)
    box.override(-30_000.0, 20.0)
    assert box.step(0.0, 15).setpoint == -30_000.0
    if cleared:
        box.runtime.overrides.clear(TARGET, "anna")
    powers = [box.power_w]
    for _ in range(20):
        powers.append(box.step(0.0).setpoint)
    steps = [abs(b - a) for a, b in pairwise(powers)]
    assert max(steps) <= 5_000.0 + 1e-6
    assert powers[-1] == 0.0


def test_a_glide_gives_way_to_guards_at_once_and_ends() -> None:
    box = Box(ramp_w_per_s=1_000.0)
    box.step(0.0, 3)
    box.override(30_000.0, 40.0)
    box.step(0.0, 35)
    assert box.power_w == 30_000.0
    box.runtime.overrides.clear(TARGET, "anna")
    box.step(0.0, 2)
    assert box.power_w > 25_000.0
    assert box.step(0.0, soc_pct=10.0).setpoint == 0.0, "empty: it does not glide"
    box.step(10_000.0, 100)
    assert box.step(10_000.0).reason.startswith("self0")


def test_it_never_crosses_a_guard() -> None:
    box = Box()
    box.step()
    box.override(50_000.0, 100.0)
    assert box.step(soc_pct=10.0).setpoint == 0.0
    assert box.step(soc_pct=50.0).setpoint == 50_000.0


@pytest.mark.parametrize(
    ("more", "error", "part"),
    [
        ({"role": "guest"}, RoleError, "may not override"),
        ({"role": ""}, RoleError, "may not override"),
        ({"reason": ""}, ValueError, "reason"),
        ({"reason": "  "}, ValueError, "reason"),
        ({"reason": "x" * 201}, ValueError, "reason"),
        ({"duration_s": 0.0}, ValueError, "duration"),
        ({"duration_s": 90_000.0}, ValueError, "duration"),
    ],
)
def test_what_may_not_be_is_refused_and_nothing_stands(
    more: dict[str, object], error: type[Exception], part: str
) -> None:
    box = Box()
    box.step()
    settings = {"duration_s": 10.0} | more
    with pytest.raises(error, match=part):
        box.override(5_000.0, **settings)  # type: ignore[arg-type]
    assert box.runtime.overrides.standing() == []


def test_a_restart_ends_it_unless_it_was_asked_to_outlast_one(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.step()
    box.override(8_000.0, 600.0)
    assert Box(tmp_path, 60.0).runtime.overrides.standing() == []
    box.override(8_000.0, 600.0, outlasts_restart=True, role="service")
    again = Box(tmp_path, 60.0)
    (standing,) = again.runtime.overrides.standing()
    assert (standing.value, standing.actor, standing.role, standing.reason) == (8_000.0, "anna", "service", "test")
    assert again.step(seconds=3).setpoint == 8_000.0
    assert Box(tmp_path, 700.0).runtime.overrides.standing() == [], "its time is over"
    assert Box(tmp_path, -60.0).runtime.overrides.standing() == [], "a clock that went backwards tells nothing"


def test_a_cleared_one_does_not_come_back(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.step()
    box.override(8_000.0, 600.0, outlasts_restart=True)
    box.runtime.overrides.clear(TARGET, "anna")
    assert Box(tmp_path, 60.0).runtime.overrides.standing() == []


@pytest.mark.parametrize("damage", ["", "{", '{"version": 9, "overrides": [], "checksum": ""}'])
def test_a_damaged_file_is_left_out(tmp_path: Path, damage: str) -> None:
    box = Box(tmp_path)
    box.step()
    box.override(8_000.0, 600.0, outlasts_restart=True)
    path = tmp_path / FILE
    path.write_text(damage or path.read_text().replace("8000", "9000"))
    assert Box(tmp_path, 60.0).runtime.overrides.standing() == []


def test_one_that_cannot_be_kept_is_not_set(tmp_path: Path) -> None:
    box = Box(tmp_path / "not_there")
    box.step()
    with pytest.raises(OSError, match="not_there"):
        box.override(8_000.0, 600.0, outlasts_restart=True)
    assert box.runtime.overrides.standing() == []
