"""Setpoints on their way to a device: how often, how seldom, and what becomes of them when something is lost."""

from __future__ import annotations

import pytest
from simems_edge.bridges.errors import NoAnswerError
from simems_edge.bridges.modbus.actuator import PERSISTENT_INTERVAL_S, ActuatorWriter
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.setpoints import LIFETIME_S, SetpointStore
from simems_edge.devices import load_profile
from simems_edge.devices.register_view import RegisterView
from simems_edge.devices.view import Write


class Device:
    """Registers, and a clock that tests own."""

    def __init__(self, profile: str, channel: str) -> None:
        self.view = RegisterView(load_profile(profile))
        for block in self.view.blocks:
            self.view.update(block, [0] * block.count)
        self.view.bind()
        self.store, self.problems = SetpointStore(), dict[str, str]()
        reporter = Reporter("x", lambda _c, code, text: self.problems.update({code: text}), self._clear)
        self.address = f"x/{channel}"
        self.writer = ActuatorWriter(self.address, load_profile(profile).channel(channel), self.store, reporter)
        self.held: dict[tuple[int | None, str, int], int] = {}
        self.writes: list[tuple[int, tuple[int, ...]]] = []
        self.reads = 0
        self.lost: str | None = None
        self.stuck = False

    def _clear(self, _component: str, code: str) -> None:
        self.problems.pop(code, None)

    async def read(self, row: Write) -> list[int]:
        self.reads += 1
        return [self.held.get((row.unit, row.table, row.address + n), 0) for n in range(len(row.registers))]

    async def write(self, row: Write) -> None:
        if self.lost == "request":
            raise NoAnswerError("silence")
        self.writes.append((row.address, row.registers))
        if not self.stuck:
            self.held |= {(row.unit, row.table, row.address + n): w for n, w in enumerate(row.registers)}
        if self.lost == "answer":
            raise NoAnswerError("silence")

    async def serve(self, now_s: float, value: float | None = None) -> int:
        """How many writes it took."""
        before = len(self.writes)
        if value is not None:
            self.store.give(self.address, value, now_s)
        await self.writer.serve(self.view, self.read, self.write, now_s)
        return len(self.writes) - before


async def test_an_unchanged_setpoint_is_refreshed_at_half_the_watchdog_and_not_sooner() -> None:
    device = Device("victron_gx", "active_power_w")  # watchdog 60 s
    assert await device.serve(0.0, 1000.0) == 1
    assert [await device.serve(at, 1000.0) for at in (5.0, 20.0, 29.9)] == [0, 0, 0]
    assert await device.serve(30.0, 1000.0) == 1
    assert await device.serve(31.0, 1100.0) == 1
    assert device.writes[-1] == (37, (0x10000 - 1100,))


async def test_writes_keep_their_least_interval() -> None:
    device = Device("victron_gx", "active_power_w")  # 0.5 s
    times = [await device.serve(at / 10, 1000.0 + at) for at in range(21)]
    assert sum(times) == 5


async def test_a_change_inside_the_dead_band_is_not_written_but_zero_is() -> None:
    device = Device("sungrow_sh_battery", "active_power_w")  # 10 W
    await device.serve(0.0, 1000.0)
    assert await device.serve(2.0, 1009.0) == 0 or not any(row == (13051, (1009,)) for row in device.writes)
    await device.serve(4.0, 1010.0)
    assert (13051, (1010,)) in device.writes
    await device.serve(6.0, 1.0)
    await device.serve(8.0, 0.0)
    assert (13050, (0xCC,)) in device.writes


async def test_a_persistent_register_is_read_first_and_never_written_cyclically() -> None:
    device = Device("stiebel_eltron_isg", "operating_mode")
    device.held = {(None, "holding", 4001): 1, (None, "holding", 4002): 0}  # state 1 already
    assert await device.serve(0.0, 1.0) == 0
    assert device.reads > 0
    assert sum([await device.serve(at * 3.0, 1.0) for at in range(1, 2000)]) == 0
    assert await device.serve(7000.0, 4.0) == 2
    assert await device.serve(7000.0 + PERSISTENT_INTERVAL_S - 1, 2.0) == 0
    assert await device.serve(7000.0 + PERSISTENT_INTERVAL_S, 2.0) == 2


async def test_a_persistent_register_has_a_daily_budget() -> None:
    device = Device("stiebel_eltron_isg", "operating_mode")  # 24 a day
    written = 0
    for minute in range(24 * 60):
        written += await device.serve(minute * 60.0, 1.0 + minute % 4)
    assert written == 24 * 2
    assert "24 times in 24 h" in device.problems["write_budget"]
    assert await device.serve(86_460.0, 3.0) == 2
    assert "write_budget" not in device.problems


async def test_after_a_lost_answer_the_device_is_asked_before_it_is_written_again() -> None:
    device = Device("victron_gx", "active_power_w")
    device.lost = "answer"
    with pytest.raises(NoAnswerError):
        await device.serve(0.0, 1000.0)
    device.lost = None
    device.writer.new_session()
    assert await device.serve(1.0, 1000.0) == 0, "it took the value: nothing to write"
    device.lost = "request"
    with pytest.raises(NoAnswerError):
        await device.serve(2.0, 2000.0)
    device.lost = None
    device.writer.new_session()
    assert await device.serve(3.0, 2000.0) == 1, "it did not"


async def test_what_the_device_does_not_show_is_told_and_tried_again_in_a_while() -> None:
    device = Device("victron_gx", "active_power_w")
    device.stuck = True
    assert await device.serve(0.0, 1000.0) == 1
    assert "setpoint_mismatch" in device.problems
    assert await device.serve(0.6, 1000.0) == 0
    device.stuck = False
    assert await device.serve(1.1, 1000.0) == 1
    assert not device.problems


async def test_write_only_registers_are_not_read_back() -> None:
    device = Device("keba_p30", "current_limit_a")
    assert await device.serve(0.0, 16.0) == 2
    assert device.reads == 0
    assert not device.problems


async def test_a_setpoint_that_nobody_repeats_is_handed_back_where_no_watchdog_does_it() -> None:
    relay, inverter = Device("waveshare_relay", "state"), Device("victron_gx", "active_power_w")
    await relay.serve(0.0, 1.0)
    await inverter.serve(0.0, 1000.0)
    later = LIFETIME_S + 0.1
    assert await relay.serve(later) == 1
    assert relay.writes[-1] == (0, (0,))
    assert "setpoint_expired" in relay.problems
    assert await inverter.serve(later) == 0, "its own watchdog ends it"
    assert await relay.serve(later + 1.0, 1.0) == 1
    assert not relay.problems


async def test_what_arms_is_written_when_it_is_not_shown_and_only_then() -> None:
    device = Device("sungrow_sh_battery", "active_power_w")
    await device.serve(0.0, 1000.0)
    assert device.writes[-1] == (13049, (2,)), "EMS mode last"
    block = next(block for block in device.view.blocks if block.address == 13049)
    device.view.update(block, [2])
    await device.serve(70.0, 1200.0)
    assert device.writes[-1] == (13050, (0xBB,))
    await device.writer.release(device.view, device.write)
    assert device.writes[-2:] == [(13050, (0xCC,)), (13049, (0,))]
