"""One settable channel of an HTTP or MQTT device: what is sent when, and what is never sent."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.bridges.command_writer import PERSISTENT_INTERVAL_S, CommandWriter
from simems_edge.bridges.errors import NoAnswerError
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.setpoints import LIFETIME_S, SetpointStore
from simems_edge.devices.commands import Command, allowed, command_of
from simems_edge.devices.profile import ProfileChannel
from simems_edge.devices.registers import EncodeError

READ = [{"http": {"path": "/state", "pointer": "/limit"}}]
LIMIT = {"path": "/set?w={value}", "answer": {"pointer": "/ok", "equals": True}}


def channel(**more: Any) -> ProfileChannel:
    sink = {"http": {"request": LIMIT, "hand_back": {"path": "/free"}}, "memory": "volatile", "minimum_interval_s": 0}
    row = {"name": "active_power_limit_w", "unit": "W", "resolution": 1, "minimum": 0, "maximum": 10_000, "read": READ}
    return ProfileChannel.model_validate(row | {"write": [sink | more]})


class Device:
    """Takes what it is sent, unless it is deaf."""

    def __init__(self, one: ProfileChannel) -> None:
        self.store, self.problems = SetpointStore(), dict[str, str]()
        reporter = Reporter(
            "pv0",
            lambda _component, code, text: self.problems.__setitem__(code, text),
            lambda _component, code: self.problems.__delitem__(code),
        )
        self.writer = CommandWriter("pv0/active_power_limit_w", one, self.store, reporter)
        self.sent: list[Command] = []
        self.limit: float | None = 10_000.0
        self.deaf = self.lost = False
        self.asked = 0

    async def send(self, command: Command) -> None:
        self.sent.append(command)
        if not self.deaf and command.place != "/free":
            self.limit = command.shows
        if self.lost:
            raise NoAnswerError("no answer")

    async def shown(self) -> float | None:
        self.asked += 1
        return self.limit

    async def at(self, now_s: float, value: float | None = None) -> list[str]:
        """What was sent at this time."""
        before = len(self.sent)
        if value is not None:
            self.store.give("pv0/active_power_limit_w", value, now_s)
        try:
            await self.writer.serve(self.send, self.shown, now_s)
        except NoAnswerError:
            return ["(no answer)"]
        return [command.place for command in self.sent[before:]]


async def test_sent_once_read_back_and_sent_again_only_when_it_changed() -> None:
    device = Device(channel())
    assert await device.at(0.0, 4000.0) == ["/set?w=4000"]
    assert await device.at(1.0, 4000.0) == []
    assert await device.at(2.0, 4000.4) == [], "rounded, it is the same"
    assert await device.at(3.0, 5000.0) == ["/set?w=5000"]


async def test_a_watchdog_is_fed_at_half_its_time() -> None:
    device = Device(channel(watchdog_s=60))
    assert await device.at(0.0, 4000.0) == ["/set?w=4000"]
    assert await device.at(29.0, 4000.0) == []
    assert await device.at(30.0, 4000.0) == ["/set?w=4000"]


async def test_what_nobody_repeats_is_handed_back_once() -> None:
    device = Device(channel())
    await device.at(0.0, 4000.0)
    assert await device.at(LIFETIME_S + 0.1) == ["/free"]
    assert "setpoint_expired" in device.problems
    assert await device.at(LIFETIME_S + 1.0) == []


async def test_a_device_that_does_not_follow_is_told_again_after_a_second() -> None:
    device = Device(channel())
    device.deaf = True
    assert await device.at(0.0, 4000.0) == ["/set?w=4000"]
    assert "setpoint_mismatch" in device.problems
    assert await device.at(0.5, 4000.0) == []
    device.deaf = False
    assert await device.at(1.0, 4000.0) == ["/set?w=4000"]
    assert not device.problems


async def test_after_a_lost_answer_the_device_is_asked_before_it_is_told_again() -> None:
    device = Device(channel())
    device.lost = True
    assert await device.at(0.0, 4000.0) == ["(no answer)"]
    device.lost = False
    assert await device.at(1.0, 4000.0) == [], "it had taken it"
    device.lost = device.deaf = True
    assert await device.at(2.0, 5000.0) == ["(no answer)"]
    device.lost = device.deaf = False
    assert await device.at(3.0, 5000.0) == ["/set?w=5000"], "it had not"


async def test_what_wears_out_is_asked_for_first_and_has_a_budget() -> None:
    device = Device(channel(memory="persistent", daily_writes=2))
    assert await device.at(0.0, 10_000.0) == [], "it holds that already"
    times = [PERSISTENT_INTERVAL_S * number for number in range(1, 5)]
    sent = [await device.at(time_s, 1000.0 * number) for number, time_s in enumerate(times, start=1)]
    assert sent == [["/set?w=1000"], ["/set?w=2000"], [], []]
    assert "write_budget" in device.problems


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -1.0, 10_001.0])
async def test_what_is_absurd_is_told_and_not_sent(wrong: float) -> None:
    device = Device(channel(deadband=100))
    await device.at(0.0, 4000.0)
    assert await device.at(1.0, wrong) == []
    assert "setpoint_rejected" in device.problems
    assert await device.at(2.0, 0.0) == ["/set?w=0"], "zero is sent whatever the dead band"


SINKS: list[dict[str, Any]] = [
    {"http": {"request": LIMIT, "scale": 0.1, "decimals": 2}, "memory": "volatile"},
    {"http": {"request": {"path": "/set", "method": "POST", "body": {"a": {"b": ["{value}"]}}}}, "memory": "volatile"},
    {"mqtt": {"topic": "{topic}/set", "payload": '{"limit": {value}}', "sign": -1}, "memory": "volatile"},
    {"mqtt": {"topic": "cmnd/{topic}/x", "payloads": {0: "OFF", 1: "ON"}}, "memory": "volatile"},
]


@given(st.floats() | st.integers(0, 1).map(float), st.sampled_from(SINKS))
def test_every_number_is_sent_right_or_not_at_all(value: float, sink: dict[str, Any]) -> None:
    protocol = "http" if "http" in sink else "mqtt"
    read = READ if protocol == "http" else [{"mqtt": {"pointer": "/limit"}}]
    one = ProfileChannel.model_validate(
        {"name": "x", "unit": "W", "minimum": -1e6, "maximum": 1e6, "read": read, "write": [sink]}
    )
    try:
        command = command_of(one, one.write[0], value)
    except EncodeError:
        return
    assert allowed((one,))(command)
    assert not allowed((one,))(Command("/reboot", ""))
    assert math.isfinite(command.shows)
    if command.text.startswith("{"):
        json.loads(command.text)
    if "payloads" not in sink.get("mqtt", {}):
        assert abs(command.shows - value) <= 0.5000001
