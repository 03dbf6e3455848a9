"""CAN devices on a virtual bus of python-can: the peer is written with cantools, apart from our codec."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import can
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.devices import load_profile
from simems_edge.devices.can_check import can_problems
from simems_edge.devices.can_frames import codecs, decoded
from simems_edge.devices.content_view import ContentView
from simems_edge.devices.dbc import DbcError, load_dbc, parse_dbc
from simems_edge.devices.json_content import ContentError

from .conftest import bridge_site

DBC = load_dbc("generic_bms.dbc")
STATUS, COMMAND, HEARTBEAT = 512, 768, 769


def crc8(data: bytes) -> int:
    """SAE J1850, bit by bit; its published check value is 0x4B for "123456789"."""
    found = 0xFF
    for bit in (byte >> place & 1 for byte in data for place in range(7, -1, -1)):
        found = ((found << 1) & 0xFF) ^ (0x1D if (found >> 7) ^ bit else 0)
    return found ^ 0xFF


def test_the_reference_checksum_is_right() -> None:
    assert crc8(b"123456789") == 0x4B


class Bms:
    """A battery management system on a bus: sends what its signals say, hears what it is told."""

    def __init__(self, bus: str) -> None:
        self._bus = can.Bus(channel=bus, interface="virtual")
        self.signals: dict[str, dict[str, float]] = {
            "BMS_Status": {"State": 3, "SOC": 63.4, "SOH": 99.0},
            "BMS_Pack": {"Voltage": 800.0, "Current": -12.5, "Power": -10_000.0},
            "BMS_Limits": {"MaxChargeCurrent": 50.0, "MaxDischargeCurrent": 60.0},
            "BMS_Cells": {
                "CellVoltageMin": 3.201, "CellVoltageMax": 3.245,
                "CellTemperatureMin": -1.5, "CellTemperatureMax": 24.5,
            },
        }  # fmt: skip
        self.counting, self.silent = True, False
        self.change: Callable[[int, bytes], bytes] = lambda _id, data: data
        self.heard: list[tuple[int, bytes]] = []
        self._counts = itertools.count()
        self._last = 0

    async def run(self) -> None:
        while True:
            while (message := self._bus.recv(0.0)) is not None:
                self.heard.append((message.arbitration_id, bytes(message.data)))
            if not self.silent:
                self.say()
            await asyncio.sleep(0.02)

    def say(self) -> None:
        self._last = next(self._counts) % 16 if self.counting else self._last
        for name, values in self.signals.items():
            counter: dict[str, float] = {"AliveCounter": self._last, "Checksum": 0} if name == "BMS_Status" else {}
            data = DBC.encode_message(name, values | counter)
            if name == "BMS_Status":
                data = data[:7] + bytes([crc8(data[:7])])
            self.send(DBC.get_message_by_name(name).frame_id, data)
        index = next(self._counts) % 3
        self.send(516, DBC.encode_message("BMS_Info", {"Index": index, **_INFO[index]}))

    def send(self, frame_id: int, data: bytes, **more: Any) -> None:
        self._bus.send(
            can.Message(arbitration_id=frame_id, data=self.change(frame_id, data), is_extended_id=False, **more)
        )

    def commands(self) -> list[dict[str, Any]]:
        return [dict(DBC.decode_message(i, d)) for i, d in self.heard if i == COMMAND]  # type: ignore[arg-type]

    def close(self) -> None:
        self._bus.shutdown()


_INFO = ({"Capacity": 12_000.0}, {"ChargeEnergy": 1000.0}, {"DischargeEnergy": 900.0})
VALUES = {
    "active_power_w": -10_000, "dc_voltage_v": 800, "dc_current_a": -12.5, "soc_pct": 63.4, "soh_pct": 99,
    "max_charge_power_w": 40_000, "max_discharge_power_w": 48_000, "cell_voltage_min_v": 3.201,
    "cell_voltage_max_v": 3.245, "cell_temperature_min_degc": -1.5, "cell_temperature_max_degc": 24.5,
    "capacity_wh": 12_000, "charge_energy_wh": 1000, "discharge_energy_wh": 900, "operating_state": 3,
}  # fmt: skip


@asynccontextmanager
async def battery(run_bench: Any) -> AsyncIterator[tuple[Any, Bms]]:
    """A bridge that has heard a battery."""
    bus = f"test-{uuid4().hex[:8]}"
    bms = Bms(bus)
    task = asyncio.create_task(bms.run())
    connection = {"can": {"channel": bus, "interface": "virtual", "timeout": 0.5}}
    try:
        async with run_bench(
            bridge_site({"id": "ess0", "profile": "generic_bms_can", "connection": connection})
        ) as bench:
            await bench.until(lambda: all(bench.valid(f"ess0/{name}") for name in VALUES))
            yield bench, bms
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        bms.close()


@pytest.mark.integration
async def test_everything_is_read_with_the_right_values_and_signs(run_bench: Any) -> None:
    async with battery(run_bench) as (bench, _):
        assert {name: bench.value(f"ess0/{name}") for name in VALUES} == pytest.approx(VALUES)
        assert bench.value("ess0/communication") == 1.0
        assert not bench.problems


@pytest.mark.integration
async def test_setpoints_go_out_counted_and_summed_and_stop_when_nobody_repeats_them(run_bench: Any) -> None:
    async with battery(run_bench) as (bench, bms):
        assert not bms.commands(), "nothing is commanded before somebody does"
        await bench.until(lambda: (bench.write("ess0/active_power_w", 5000.0), len(bms.commands()) >= 20)[1])
        commands = [one for one in bms.commands() if one["Enable"] == 1]
        assert {one["PowerRequest"] for one in commands} == {5000}
        counters = [one["AliveCounter"] for one in commands]
        assert all((after - before) % 16 == 1 for before, after in itertools.pairwise(counters))
        assert all(data[7] == crc8(data[:7]) for frame, data in bms.heard if frame == COMMAND)
        assert len([one for one in bms.heard if one[0] == HEARTBEAT]) >= 2
        await bench.until(lambda: bms.commands()[-1]["Enable"] == 0)
        await bench.until(lambda: len(bms.commands()) == len([c for c in bms.commands() if c["Enable"]]) + 3)
        assert bms.commands()[-1]["PowerRequest"] == 0
        count = len(bms.commands())
        beats = len(bms.heard)
        await bench.until(lambda: len(bms.heard) >= beats + 2)
        assert len(bms.commands()) == count, "only the heartbeat goes on"


@pytest.mark.integration
async def test_a_setpoint_that_is_impossible_is_not_sent(run_bench: Any) -> None:
    async with battery(run_bench) as (bench, bms):
        for wrong in (math.nan, math.inf, 6e6):
            await bench.until(
                lambda w=wrong: (
                    bench.write("ess0/active_power_w", w),
                    ("ess0", "setpoint_rejected") in bench.problems,
                )[1]
            )
            await bench.until(lambda: (bench.write("ess0/active_power_w", 1.0), not bench.problems)[1])
        assert {one["PowerRequest"] for one in bms.commands()} <= {0, 1}


@pytest.mark.integration
async def test_an_orderly_stop_ends_the_command(run_bench: Any) -> None:
    async with battery(run_bench) as (bench, bms):
        await bench.until(lambda: (bench.write("ess0/active_power_w", 7.0), bool(bms.commands()))[1])
        bench.stop()
        await bench.until(lambda: bms.commands()[-1]["Enable"] == 0)


def _short(frame_id: int, data: bytes) -> bytes:
    return data[:5] if frame_id == STATUS else data


def _flipped(frame_id: int, data: bytes) -> bytes:
    return bytes([data[0], data[1] ^ 0x10, *data[2:]]) if frame_id == STATUS else data


@pytest.mark.integration
@pytest.mark.parametrize("change", [_short, _flipped])
async def test_short_and_falsified_frames_are_refused_told_and_forgiven(run_bench: Any, change: Any) -> None:
    async with battery(run_bench) as (bench, bms):
        bms.change = change
        await bench.until(lambda: ("ess0", "frames_refused") in bench.problems)
        await bench.until(lambda: ("ess0", "device_frozen") in bench.problems)
        assert bench.last("ess0/soc_pct") == pytest.approx(63.4) or not bench.valid("ess0/soc_pct")
        bms.change = lambda _id, data: data
        await bench.until(lambda: not bench.problems and bench.valid("ess0/soc_pct"))


@pytest.mark.integration
async def test_a_number_out_of_its_range_is_bad(run_bench: Any) -> None:
    async with battery(run_bench) as (bench, bms):
        beyond = DBC.get_message_by_name("BMS_Cells").encode(
            {"CellVoltageMin": 60.0, "CellVoltageMax": 3.2, "CellTemperatureMin": 20, "CellTemperatureMax": 3000},
            strict=False,
        )
        bms.change = lambda frame_id, data: beyond if frame_id == 515 else data
        await bench.until(lambda: not bench.valid("ess0/cell_voltage_min_v"))
        await bench.until(lambda: not bench.valid("ess0/cell_temperature_max_degc"))
        assert bench.value("ess0/cell_voltage_max_v") == pytest.approx(3.2)


@pytest.mark.integration
async def test_a_counter_that_stands_still_makes_everything_bad(run_bench: Any) -> None:
    async with battery(run_bench) as (bench, bms):
        bms.counting = False
        await bench.until(lambda: ("ess0", "device_frozen") in bench.problems)
        await bench.until(lambda: not any(bench.valid(f"ess0/{name}") for name in VALUES))
        assert bench.value("ess0/communication") == 0.0
        bms.counting = True
        await bench.until(lambda: all(bench.valid(f"ess0/{name}") for name in VALUES) and not bench.problems)


@pytest.mark.integration
async def test_silence_and_bus_off_are_told_and_end(run_bench: Any) -> None:
    async with battery(run_bench) as (bench, bms):
        bms.silent = True
        await bench.until(lambda: ("ess0", "communication_lost") in bench.problems)
        assert bench.value("ess0/communication") == 0.0
        bms.silent = False
        await bench.until(lambda: not bench.problems)
        bms.silent = True
        bms.send(0x40, b"\0" * 8, is_error_frame=True)
        await bench.until(lambda: bench.value("ess0/connection_state") == 2.0)
        bms.silent = False
        await bench.until(lambda: not bench.problems and bench.value("ess0/connection_state") == 1.0)
        assert bench.valid("ess0/soc_pct")


@pytest.mark.integration
async def test_a_bus_that_is_not_there_is_told_and_costs_nobody_else(run_bench: Any) -> None:
    missing = {"can": {"channel": "nocan7", "interface": "socketcan"}}
    async with run_bench(bridge_site({"id": "ess0", "profile": "generic_bms_can", "connection": missing})) as bench:
        await bench.until(lambda: "no bus nocan7" in bench.problems.get(("ess0", "communication_lost"), ""))
        await bench.until(lambda: bench.value("ess0/connection_state") == 3.0)


@given(st.sampled_from(sorted(codecs(load_profile("generic_bms_can")))), st.binary(max_size=16))
def test_any_frame_is_numbers_in_range_or_refused(name: str, data: bytes) -> None:
    profile = load_profile("generic_bms_can")
    codec, view = codecs(profile)[name], ContentView(profile)
    with suppress(ContentError):
        for part, numbers in codec.contents(data).items():
            for _, value, _ in view.update(part, numbers, 1):
                assert value is None or math.isfinite(value)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (
            {"Limits": "1402C012C012C201", "Charge": "58005E00", "Measured": "7A13F2FE6B01", "Alarms": "0000000006504E",
             "Requests": "C000"},
            {"Limits": (53.2, 480.0, 480.0, 45.0), "Charge": (88, 94), "Measured": (49.86, -27.0, 36.3),
             "Alarms": (0, 0, 6), "Requests": (0, 0, 0, 1, 1)},
        ),
        (
            {"Limits": "1002C012C012C201", "Charge": "540060000000", "Measured": "7B13E9FE6B01"},
            {"Limits": (52.8, 480.0, 480.0, 45.0), "Charge": (84, 96), "Measured": (49.87, -27.9, 36.3)},
        ),
    ],
    ids=["V1.2", "V1.3"],
)  # fmt: skip
def test_frames_recorded_on_real_batteries(frames: dict[str, str], expected: dict[str, tuple[float, ...]]) -> None:
    """Of two US5000 (setfirelabs.com); the newer one appends two bytes to 0x355."""
    found = decoded(load_profile("pylontech_lv_can"), frames)
    assert {name: tuple(numbers.values()) for name, numbers in found.items()} == {
        name: pytest.approx(numbers) for name, numbers in expected.items()
    }


def test_bytes_that_the_file_does_not_know_are_refused_but_where_the_profile_expects_them() -> None:
    known = codecs(load_profile("pylontech_lv_can"))
    assert known["Charge"].decode(bytes.fromhex("5400600000000000"))["SOC"] == 84.0
    for name, data in (("Charge", "540060"), ("Measured", "7B13E9FE6B0100")):
        with pytest.raises(ContentError, match="bytes"):
            known[name].decode(bytes.fromhex(data))
    profile = load_profile("generic_bms_can")
    assert profile.can is not None
    longer = profile.can.model_copy(update={"longer": ("BMS_Status", "EMS_Command", "Nothing")})
    assert len([text for text in can_problems(profile.model_copy(update={"can": longer})) if "longer" in text]) == 3


@given(st.binary(min_size=8, max_size=8))
def test_frames_of_the_battery_that_is_only_read(data: bytes) -> None:
    profile = load_profile("pylontech_lv_can")
    for codec in codecs(profile).values():
        with suppress(ContentError):
            found = codec.contents(data[: codec.length])
            assert all(math.isfinite(number) for numbers in found.values() for number in numbers.values())


def test_broken_dbc_files_are_refused() -> None:
    text = DBC.as_dbc_string()
    dice = random.Random(5)
    for _ in range(60):
        at = dice.randrange(len(text))
        with suppress(DbcError):
            parse_dbc(
                text[:at] + dice.choice(["", "[", "\0", "SG_ ", "9" * 30]) + text[at + dice.randrange(9) :], "x.dbc"
            )
    with pytest.raises(DbcError, match="there is no DBC file"):
        load_dbc("nothing.dbc")
