"""The facade: stepped on a simulated clock, and live with a bridge that is a real asyncio task."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from simems_core import Clock
from simems_core.wire import Event
from simems_edge.config import Site
from simems_edge.contracts import Context
from simems_edge.controllers.optimisation import PeakShaving
from simems_edge.runtime import Runtime, configure_logging

S = 1_000_000_000
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
GOOD_INPUTS = {
    "grid0/active_power_w": 90_000.0,
    "grid0/frequency_hz": 50.0,
    "ess0/active_power_w": 0.0,
    "ess0/soc_pct": 50.0,
    "ess0/max_charge_power_w": 60_000.0,
    "ess0/max_discharge_power_w": 60_000.0,
}


def runtime_site(**changes: Any) -> Site:
    ends = {"grid": "grid0", "ess": "ess0"}
    data: dict[str, Any] = {
        "site": {
            "id": "runtime-1",
            "time_zone": "Europe/Stockholm",
            "currency": "SEK",
            "grid": {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0},
        },
        "cycle": {"period": 0.05},
        "components": (
            {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
            {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION, "guards": {"soc_pct": [10, 95]}},
        ),
        "controllers": (
            {"id": "peak0", "type": "peak_shaving", "threshold_w": 60_000.0} | ends,
            {"id": "self0", "type": "self_consumption"} | ends,
        ),
    }
    return Site.model_validate(data | changes)


class Stepped:
    """A runtime with good inputs, one cycle a second."""

    def __init__(self, site: Site | None = None) -> None:
        self.clock = Clock.simulated(1_780_000_000_000_000)
        self.runtime = Runtime(site or runtime_site(), clock=self.clock)
        self.events: list[Event] = []
        self.runtime.on_event = self.events.append
        self.second = 0

    def step(self, count: int = 1, **changes: float) -> list[Any]:
        decisions: list[Any] = []
        for _ in range(count):
            self.clock.advance_to(self.second * S)
            for address, value in (GOOD_INPUTS | changes).items():
                self.runtime.image.publish(self.runtime.image.handle(address), value, self.second * S)
            decisions = self.runtime.step(self.second * S)
            self.second += 1
        return decisions


def test_latest_has_the_agreed_shape_and_says_why() -> None:
    stepped = Stepped()
    stepped.step(5)
    latest = stepped.runtime.latest()
    assert set(latest) == {"time", "cycle", "state", "control_mode", "why", "values"}
    assert (latest["state"], latest["control_mode"]) == ("RUN", "PEAK_SHAVING")
    assert latest["why"]["code"] == "peak_shaving.discharging"  # type: ignore[index]
    values: Any = latest["values"]
    assert values["grid0/active_power_w"] == {"value": 90_000.0, "quality": "good", "time": "2026-05-28T20:26:44.000Z"}
    assert values["ess0/voltage_v"] == {"value": None, "quality": "stale", "time": None}
    assert values["peak0/threshold_w"]["value"] == 60_000.0
    assert values["site/load_power_w"]["value"] == 90_000.0
    json.dumps(latest)


def test_a_silent_meter_is_named_in_the_why_line() -> None:
    stepped = Stepped()
    stepped.step(3)
    for second in range(3, 8):
        stepped.clock.advance_to(second * S)
        for address, value in GOOD_INPUTS.items():
            if not address.startswith("grid0/"):
                stepped.runtime.image.publish(stepped.runtime.image.handle(address), value, second * S)
        stepped.runtime.step(second * S)
    why: Any = stepped.runtime.latest()["why"]
    assert (why["code"], why["params"]["component"]) == ("fallback.stale_meter", "grid0")


def test_a_raising_controller_costs_only_its_own_turn(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stepped = Stepped()
    stepped.step(3)

    def fail(_self: PeakShaving, _ctx: Context) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(PeakShaving, "execute", fail)
    with caplog.at_level(logging.ERROR):
        decisions = stepped.step(10)
    assert decisions[0].source == "self0"
    assert [record.message for record in caplog.records].count("controller failed") == 1
    failures = stepped.runtime.image.handle("peak0/failures")
    assert stepped.runtime.image.snapshot().value(failures) == 9.0
    assert ("raised", "controller_failing", "peak0") in [(e.kind, e.code, e.component) for e in stepped.events]
    monkeypatch.undo()
    stepped.step(3)
    assert ("cleared", "controller_failing") in [(e.kind, e.code) for e in stepped.events]


def test_overrides_are_checked_bounded_in_time_and_told() -> None:
    stepped = Stepped()
    stepped.step(2)
    overrides = stepped.runtime.overrides
    with pytest.raises(KeyError):
        overrides.set("grid0/active_power_w", 1.0, duration_s=5, reason="test", actor="operator")
    for value, duration_s in ((float("nan"), 5.0), (float("inf"), 5.0), (1.0, 0.0), (1.0, 1e9)):
        with pytest.raises(ValueError, match=r"outside|within"):
            overrides.set("ess0/active_power_w", value, duration_s=duration_s, reason="test", actor="operator")
    overrides.set("ess0/active_power_w", -80_000.0, duration_s=2.5, reason="test", actor="operator")
    decision = stepped.step()[0]
    # Load 90 kW, import limit 100 kW: 10 kW are left for charging.
    assert (decision.source, decision.bound, decision.setpoint) == ("manual", "grid:grid0", -10_000.0)
    stepped.step(2)
    assert stepped.step()[0].source == "peak0"
    assert overrides.standing() == []
    assert [event.code for event in stepped.events if event.kind == "action"] == ["override.set", "override.ended"]


def test_an_override_can_be_given_back() -> None:
    stepped = Stepped()
    stepped.step(2)
    overrides = stepped.runtime.overrides
    overrides.set("ess0/active_power_w", 0.0, duration_s=600, reason="test", actor="operator")
    assert stepped.step()[0].source == "manual"
    overrides.clear("ess0/active_power_w", "operator")
    assert stepped.step()[0].source == "peak0"
    with pytest.raises(KeyError):
        overrides.clear("ess0/active_power_w", "operator")


def test_a_listener_that_raises_does_not_stop_the_cycle() -> None:
    stepped = Stepped()

    def refuse(_event: Event) -> None:
        raise OSError("disk full")

    stepped.runtime.on_event = refuse
    stepped.step(2)
    assert stepped.step(4, **{"grid0/active_power_w": float("nan")})[0].source == "fallback"


class LoopbackBridge:
    """Publishes a constant load less what it was last told to discharge; cancelled, it ends."""

    def __init__(self, site: Site, profiles: Any, image: Any, clock: Clock, **callbacks: Callable[..., None]) -> None:
        self.image, self.clock, self.callbacks = image, clock, callbacks
        self.battery_w = 0.0
        self.cancelled = threading.Event()
        self.addresses = frozenset({"ess0/active_power_w"})

    async def run(self) -> None:
        try:
            while True:
                values = GOOD_INPUTS | {
                    "grid0/active_power_w": 90_000.0 - self.battery_w,
                    "ess0/active_power_w": self.battery_w,
                }
                for address, value in values.items():
                    self.image.publish(self.image.handle(address), value, self.clock.now_ns())
                await asyncio.sleep(0.02)
        finally:
            self.cancelled.set()

    def write(self, _address: str, setpoint: float) -> None:
        self.battery_w = setpoint


def test_live_the_loop_closes_through_the_bridge_and_stops_cleanly() -> None:
    bridges: list[LoopbackBridge] = []

    def factory(*args: Any, **kwargs: Any) -> LoopbackBridge:
        bridges.append(LoopbackBridge(*args, **kwargs))
        return bridges[-1]

    runtime = Runtime(runtime_site(), clock=Clock.monotonic(), bridges=[factory])
    runtime.start()
    try:
        after, settled = 0, False
        for _ in range(200):  # at most 10 s of 50 ms cycles, each awaited
            published = runtime.cycle.wait_decisions(after, 5.0)
            assert published is not None, "the cycle stands still"
            after = published[0]
            settled = abs(bridges[0].battery_w - 30_000.0) < 1.0
            if settled:
                break
        assert settled, f"battery at {bridges[0].battery_w} W"
        bridges[0].callbacks["on_problem"]("grid0", "communication_lost", "does not answer")
        codes = set[str]()
        for _ in range(100):
            after = (runtime.cycle.wait_decisions(after, 5.0) or (after, []))[0]
            codes = {alarm.code for alarm in runtime.alarms.list(active=True)}
            if "communication_lost" in codes:
                break
        assert "communication_lost" in codes
        assert runtime.statistics().cycles > 0
        assert runtime.latest()["state"] == "RUN"
    finally:
        runtime.stop()
    assert bridges[0].cancelled.is_set()
    runtime.stop()


def test_live_a_cycle_later_than_the_site_file_allows_raises_an_alarm() -> None:
    runtime = Runtime(runtime_site(cycle={"period": 0.05, "max_lateness": 1e-9}), clock=Clock.monotonic())
    runtime.start()
    try:
        after, codes = 0, set[str]()
        for _ in range(100):
            after = (runtime.cycle.wait_decisions(after, 5.0) or (after, []))[0]
            codes = {alarm.code for alarm in runtime.alarms.list(active=True)}
            if "cycle_late" in codes:
                break
        assert "cycle_late" in codes
    finally:
        runtime.stop()


def test_logs_are_json_lines_with_their_fields() -> None:
    stream = io.StringIO()
    before = logging.root.handlers[:], logging.root.level
    try:
        configure_logging("INFO", stream=stream)
        logging.getLogger("simems_edge.test").warning("meter %s silent", "grid0", extra={"component": "grid0"})
    finally:
        logging.root.handlers[:], logging.root.level = before
    record = json.loads(stream.getvalue())
    assert (record["message"], record["component"], record["level"]) == ("meter grid0 silent", "grid0", "warning")
