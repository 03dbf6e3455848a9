"""The figures that a day on the recorded load must keep, and what happens when a meter falls silent."""

from __future__ import annotations

import io
from datetime import datetime
from math import isnan
from typing import Any

from simems_edge.config import Site
from simems_edge.replay import Scenario, simulate
from simems_edge.replay.closed_loop import ClosedLoop

START = datetime.fromisoformat("2026-01-14T00:00:00+01:00")
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
HYSTERESIS_W = 1_000.0
STEP_S = 2


def day_site(threshold_w: float) -> Site:
    peak = {"type": "peak_shaving", "threshold_w": threshold_w, "recharge_below_w": threshold_w - 10e3}
    ends = {"grid": "grid0", "ess": "ess0"}
    return Site.model_validate(
        {
            "site": {
                "id": "day-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
            },
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
                {"id": "pv0", "profile": "sunspec_pv", "connection": CONNECTION},
                {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION, "guards": {"soc_pct": [10, 95]}},
            ),
            "controllers": (
                peak | {"id": "peak0", "reserve_soc_pct": 90.0} | ends,
                {"id": "self0", "type": "self_consumption"} | ends,
            ),
        }
    )


def day_scenario(**changes: Any) -> Scenario:
    grid = {"delay": 1.0, "interval": 1.0, "noise_w": 20.0}
    ess = {"capacity_wh": 250_000.0, "initial_soc_pct": 80.0}
    plant = {"pv": {"peak_w": 60_000.0}, "devices": {"grid0": grid, "ess0": ess}}
    return Scenario.model_validate(
        {"start": START, "duration": 86_400.0, "step": float(STEP_S), "plant": plant} | changes
    )


def test_every_quarter_hour_of_a_day_stays_under_threshold_plus_band() -> None:
    threshold_w, grid_w, load_w, derived_w, lowest_soc = 60_000.0, [], [], [], 100.0
    loop = ClosedLoop(day_site(threshold_w), day_scenario())
    load = loop.runtime.image.handle("site/load_power_w")
    for step in loop.steps():
        grid_w.append(step.truth["site/grid_power_w"])
        load_w.append(step.truth["site/load_power_w"])
        derived_w.append(step.snapshot.value(load))
        lowest_soc = min(lowest_soc, step.truth["ess0/soc_pct"])
    grid_means, load_means = means(grid_w, 900 // STEP_S), means(load_w, 900 // STEP_S)
    assert max(load_means) > threshold_w, "the day must have a peak to shave"
    assert lowest_soc > 10.0, "the battery must have had energy"
    assert max(grid_means) <= threshold_w + HYSTERESIS_W
    true_means, shown_means = means(load_w, 300 // STEP_S)[1:], means(derived_w, 300 // STEP_S)[1:]
    assert max(abs(s / t - 1.0) for s, t in zip(shown_means, true_means, strict=True)) <= 0.01


def means(values: list[float], count: int) -> list[float]:
    """Of each full block of ``count`` values, NaN left out."""
    blocks = [[v for v in values[n : n + count] if not isnan(v)] for n in range(0, len(values) - count + 1, count)]
    return [sum(block) / len(block) for block in blocks]


def silent_meter() -> Scenario:
    events = ({"at": 60.0, "silence": "grid0"}, {"at": 120.0, "answer": "grid0"})
    return day_scenario(duration=180.0, step=0.1, events=events, start=START.replace(hour=14))


def test_a_silent_meter_brings_the_fallback_within_stale_after_and_two_cycles_and_ends_by_itself() -> None:
    loop = ClosedLoop(day_site(20_000.0), silent_meter())
    stale_after_s = next(c.stale_after_s for c in loop.runtime.channels if c.address == "grid0/active_power_w")
    limit_s = 60.0 + stale_after_s + 0.2
    for step in loop.steps():
        decision = step.decisions[0]
        if 30.0 <= step.time_s < 60.0:
            assert decision.source == "peak0"
            assert decision.setpoint > 1_000.0
        if limit_s + 0.01 <= step.time_s < 120.0:
            assert (decision.source, decision.setpoint) == ("fallback", 0.0), step.time_s
            assert step.control_mode == "FALLBACK"
        if step.time_s > 125.0:
            assert decision.source == "peak0"


def test_a_silent_meter_raises_and_clears_its_alarms_once() -> None:
    loop = ClosedLoop(day_site(20_000.0), silent_meter())
    seen: list[tuple[str, str, str]] = []
    loop.runtime.on_event = lambda event: seen.append((event.kind, event.code, event.component))
    for _ in loop.steps():
        pass
    assert seen.count(("raised", "stale_data", "grid0")) == 1
    assert seen.count(("cleared", "stale_data", "grid0")) == 1
    assert seen.count(("raised", "fallback_active", "ess0")) == 1
    assert not loop.runtime.alarms.list(active=True)


def test_the_same_scenario_gives_the_same_bytes() -> None:
    outputs = []
    for _ in range(2):
        stream = io.StringIO()
        simulate(day_site(60_000.0), day_scenario(duration=600.0), stream)
        outputs.append(stream.getvalue())
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") == 600 // STEP_S + 1


def test_manual_override_wins_for_its_time_and_never_crosses_a_guard() -> None:
    event = {"at": 30.0, "override": "ess0/active_power_w", "value": -500_000.0, "duration": 30.0}
    loop = ClosedLoop(day_site(60_000.0), day_scenario(duration=90.0, events=(event,)))
    for step in loop.steps():
        decision = step.decisions[0]
        if 30.0 <= step.time_s < 60.0:
            assert decision.source == "manual"
            assert decision.setpoint >= -60_000.0
        if step.time_s >= 60.0:
            assert decision.source != "manual"
