"""A meter falls silent: the battery goes to its fallback, people are told, and all heals by itself."""

from __future__ import annotations

import pytest

from tests.system.conftest import System

pytestmark = [pytest.mark.integration, pytest.mark.alone]

STALE_AFTER_S = 5.0
"""Of the shipped meter profile."""
CYCLE_S = 0.1
LOOK_S = 0.7
"""We look every 0.1 s, through HTTP, on a busy machine."""


def _setpoint(system: System) -> float:
    return float(system.local("/latest")["values"]["ess0/active_power_w_setpoint"]["value"])


def _active(alarms: list[dict[str, object]], component: str) -> bool:
    return any(alarm["component"] == component and alarm["cleared_at"] is None for alarm in alarms)


def test_silent_meter_is_told_and_heals(system: System) -> None:
    site = system.site()
    system.until("control", lambda: abs(_setpoint(system)) > 500.0, 60)

    system.silence("grid0", True)
    fell = system.until("the fallback", lambda: _setpoint(system) == 0.0, STALE_AFTER_S + 5)
    assert fell < STALE_AFTER_S + 2 * CYCLE_S + LOOK_S
    told_here = system.until("alarm at the site", lambda: _active(system.local("/alarms"), "grid0"), 5)
    assert told_here < LOOK_S, "the alarm stands by the time the fallback holds"
    told = system.until("alarm in the cloud", lambda: _active(system.get(f"/sites/{site}/alarms"), "grid0"), 10)
    assert told < 5.0
    why = system.local("/latest")["why"]
    assert why["code"] == "fallback.stale_meter", why

    system.silence("grid0", False)
    system.until("cleared at the site", lambda: not _active(system.local("/alarms"), "grid0"), 30)
    system.until("cleared in the cloud", lambda: not _active(system.get(f"/sites/{site}/alarms"), "grid0"), 30)
    system.until("control again", lambda: abs(_setpoint(system)) > 500.0, 60)
