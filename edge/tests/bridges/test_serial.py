"""RTU on a serial line (a pty pair) and through a serial server: several units, one of them dead or late."""

from __future__ import annotations

from typing import Any

import pytest
from pymodbus import FramerType
from simems_edge.bridges.connection import ConnectionState
from simems_edge.bridges.errors import NoAnswerError, NoConnectionError
from simems_edge.bridges.modbus.link import ModbusLink, silence_s
from simems_edge.config import Connection
from simems_edge.devices.profile_check import read_case

from .conftest import bridge_site
from .register_devices import RegisterDevice, serving
from .serial_line import SerialLine
from .test_every_profile import CASES

pytestmark = pytest.mark.integration


def rtu(device: str, unit: int = 1, timeout_s: float = 0.3, baud: int = 115200) -> dict[str, Any]:
    return {"modbus_rtu": {"device": device, "unit": unit, "timeout": timeout_s, "baud": baud}}


async def test_reads_and_writes_over_a_serial_line() -> None:
    line = SerialLine(frozenset({1, 2}))
    async with line.open() as device:
        link = ModbusLink(Connection.model_validate(rtu(device)))
        assert await link.read(1, "holding", 7, 3, 1.0) == [107, 108, 109]
        assert await link.read(2, "holding", 7, 60, 1.0) == list(range(207, 267))
        await link.write(2, "holding", 9, [5, 6], 1.0)
        await link.close()
    assert line.written == [(2, 9, (5, 6))]


async def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    """RTU frames carry no number: the same question twice would get the first one's answer."""
    line = SerialLine(frozenset({1, 2}), late_s={1: 0.25})
    async with line.open() as device:
        link = ModbusLink(Connection.model_validate(rtu(device)))
        with pytest.raises(NoAnswerError, match="unit 1"):
            await link.read(1, "holding", 7, 1, 0.2)
        line.late_s.clear()
        assert await link.read(1, "holding", 50, 1, 1.0) == [150]
        assert await link.read(2, "holding", 51, 1, 1.0) == [251]
        await link.close()


def test_silence_between_frames() -> None:
    assert silence_s(Connection.model_validate(rtu("/dev/x", baud=9600)).modbus) == pytest.approx(0.00401, abs=1e-4)
    assert silence_s(Connection.model_validate(rtu("/dev/x", baud=115200)).modbus) == 0.00175
    tcp = Connection.model_validate({"modbus_tcp": {"host": "h"}})
    assert silence_s(tcp.modbus) == 0.0


async def test_a_missing_device_is_told() -> None:
    link = ModbusLink(Connection.model_validate(rtu("/dev/no-such-line")))
    with pytest.raises(NoConnectionError, match="name and rights"):
        await link.read(1, "holding", 0, 1, 0.5)


async def test_one_dead_unit_of_a_line_costs_the_others_no_more_than_its_budget(run_bench: Any) -> None:
    """Three inverters on one line; the third never answers. It is asked twice, then rarely; the others go on."""
    line = SerialLine(frozenset({1, 2, 3}), dead={3})
    async with line.open() as device:
        components = [
            {"id": f"pv{unit}", "profile": "sungrow_sh_pv", "connection": rtu(device, unit, 0.15)} for unit in (1, 2, 3)
        ]
        async with run_bench(bridge_site(*components)) as bench:
            await bench.until(lambda: all(bench.value(f"pv{n}/communication") == 1.0 for n in (1, 2)), 20)
            await bench.until(lambda: bench.value("pv3/connection_state") == ConnectionState.BACKING_OFF, 20)
            assert bench.value("pv1/connection_state") == ConnectionState.CONNECTED
            before, tried = dict(line.asked), line.asked[3]
            await bench.until(lambda: line.asked[1] >= before[1] + 6 and line.asked[2] >= before[2] + 6, 20)
            assert line.asked[3] - tried <= 2
            line.dead.clear()
            await bench.until(lambda: bench.valid("pv3/active_power_w"), 20)
            assert bench.value("pv3/connection_state") == ConnectionState.CONNECTED
            assert not bench.problems


async def test_a_device_that_lacks_what_is_not_mandatory_is_read_all_the_same(run_bench: Any) -> None:
    case = read_case(CASES / "carlo_gavazzi_em24.yaml")
    words = {place: word for place, word in case.words().items() if not 30 <= place[2] < 38}
    without_power = {place: word for place, word in case.words().items() if not 40 <= place[2] < 42}
    async with serving(RegisterDevice(words)) as port, serving(RegisterDevice(without_power)) as other:
        components = [
            {
                "id": f"grid{n}",
                "profile": "carlo_gavazzi_em24",
                "connection": {"modbus_tcp": {"host": "127.0.0.1", "port": p}},
            }
            for n, p in enumerate((port, other))
        ]
        async with run_bench(bridge_site(*components)) as bench:
            await bench.until(lambda: bench.valid("grid0/active_power_w"), 20)
            assert bench.value("grid0/active_power_w") == -1261.6
            assert not bench.valid("grid0/reactive_power_var_l1")
            assert "its channels are missing" in bench.problems["grid0", "registers_refused"]
            await bench.until(lambda: ("grid1", "device_refused") in bench.problems, 20)
            assert "active_power_w" in bench.problems["grid1", "device_refused"]


async def test_a_device_behind_a_serial_server(run_bench: Any) -> None:
    case = read_case(CASES / "eastron_sdm630.yaml")
    async with serving(RegisterDevice(case.words()), FramerType.RTU) as port:
        connection = {"modbus_rtu_tcp": {"host": "127.0.0.1", "port": port, "timeout": 2.0}}
        site = bridge_site({"id": "grid0", "profile": "eastron_sdm630", "connection": connection})
        async with run_bench(site) as bench:
            await bench.until(lambda: bench.valid("grid0/active_power_w"), 20)
            assert bench.value("grid0/active_power_w") == -1261.5
            assert not bench.problems
