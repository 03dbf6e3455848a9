"""Held for 5 s, then to the declared value at its ramp."""

from __future__ import annotations

import pytest
from safety_bench import Bench

LOSS = {
    "id": "loss0",
    "type": "communication_loss",
    "watch": "grid0/communication",
    "pv": "pv0",
    "hold_s": 5.0,
    "value": 3_000.0,
    "ramp_per_s": 2_000.0,
}
LIMIT = "pv0/active_power_limit_w"


def limits(bench: Bench, seconds: int) -> list[float]:
    found = []
    for _ in range(seconds):
        bench.step(20_000.0)
        found.append(bench.setpoint(LIMIT))
    return found


@pytest.mark.parametrize("how", ["false", "stale"])
def test_hold_then_ramp_then_back(how: str) -> None:
    bench = Bench(LOSS)
    assert limits(bench, 3) == [30_000.0] * 3, "the fallback: nothing is lost"
    if how == "false":
        bench.values["grid0/communication"] = 0.0
    else:
        bench.silent.add("grid0/communication")
        limits(bench, 10)  # until it is stale
    held = limits(bench, 6)
    assert held[:5] == [30_000.0] * 5
    assert limits(bench, 13)[-1] == pytest.approx(3_000.0, abs=2_001.0)
    assert limits(bench, 3)[-1] == 3_000.0
    assert bench.reason(LIMIT) == "loss0"
    bench.values["grid0/communication"] = 1.0
    bench.silent.clear()
    assert limits(bench, 2)[-1] == 30_000.0


def test_the_ramp_does_not_depend_on_the_cycle() -> None:
    found = []
    for period_s in (0.1, 1.0):
        bench = Bench(LOSS, period_s=period_s)
        bench.step(20_000.0, 3.0)
        bench.values["grid0/communication"] = 0.0
        bench.step(20_000.0, 10.0)
        found.append(bench.setpoint(LIMIT))
    assert found[0] == pytest.approx(found[1], abs=2_000.0), "within one cycle"


def test_a_device_that_never_answered_counts_as_lost() -> None:
    bench = Bench(LOSS)
    bench.silent.add("grid0/communication")
    assert limits(bench, 30)[-1] == 3_000.0


def test_a_battery_behind_an_unseen_connection_is_the_guards() -> None:
    held = {name: value for name, value in LOSS.items() if name != "pv"} | {"ess": "ess0", "value": 5_000.0}
    bench = Bench(held)
    bench.step(20_000.0, 5.0)
    assert bench.power_w > 0.0
    bench.values["grid0/communication"] = 0.0
    bench.silent.add("grid0/active_power_w")
    bench.step(20_000.0, 10.0)
    assert bench.power_w == 0.0, "held would be 20 kW, and declared 5 kW; nobody sees the connection"
    assert bench.reason() == "loss0; bound: grid:grid0"
