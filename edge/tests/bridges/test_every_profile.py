"""Every profile over the wire: pymodbus servers filled with words that our encoder never made, read by the whole bridge
into the image with the right values and signs; setpoints arrive in the right registers, and nowhere else."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from simems_edge.devices import load_profile, profile_names
from simems_edge.devices.profile_check import Case, read_case

from .conftest import bridge_site, modbus_component
from .register_devices import Place, RegisterDevice, Written, serving, sunspec_model, sunspec_words

pytestmark = pytest.mark.integration
CASES = Path(__file__).parents[1] / "devices" / "round_trips"
BARE = [name for name in profile_names() if load_profile(name).protocol == "modbus"]
COMMON = {"Mn": "Maker", "Md": "Model", "SN": "1"}


def _writable(profile: str) -> dict[Place, int]:
    """Registers that the profile writes and the case does not give."""
    sinks = [sink for channel in load_profile(profile).channels for sink in channel.write]
    found: dict[Place, int] = {}
    for sink in sinks:
        pieces = [piece.modbus for piece in sink.pieces if piece.modbus is not None]
        for one in (*pieces, *sink.arm_registers, *sink.disarm_registers):
            found |= {(one.unit, one.table, one.address + offset): 0 for offset in range(one.words)}
    return found


async def test_bare_registers(run_bench: Any) -> None:
    cases = {name: read_case(CASES / f"{name}.yaml") for name in BARE}
    devices = {name: RegisterDevice(case.words(), extra=_writable(name)) for name, case in cases.items()}
    async with AsyncExitStack() as stack:
        ports = {name: await stack.enter_async_context(serving(device)) for name, device in devices.items()}
        site = bridge_site(*(modbus_component(name, name, port, timeout_s=5.0) for name, port in ports.items()))
        bench = await stack.enter_async_context(run_bench(site))
        await bench.until(lambda: all(bench.value(f"{name}/communication") == 1.0 for name in BARE), 60)
        for name, case in cases.items():
            shown = {channel: bench.value(f"{name}/{channel}") for channel in case.values}
            wanted = {channel: math.nan if value is None else value for channel, value in case.values.items()}
            assert shown == pytest.approx(wanted, rel=1e-6, nan_ok=True), name
        await asyncio.gather(*(_setpoints(bench, name, case, devices[name]) for name, case in cases.items()))
        assert {code for _, code in bench.problems} <= {"setpoint_expired"}, "setpoints here are given once only"
    for name, device in devices.items():
        outside = {(w.table, w.address) for w in device.written} - {(t, a) for _, t, a in _writable(name)}
        assert not outside, name


async def _setpoints(bench: Any, name: str, case: Case, device: RegisterDevice) -> None:
    done = set()
    for write in case.writes:
        persistent = load_profile(name).channel(write.channel).write[0].persistent
        if persistent and write.channel in done:
            continue  # once a minute at most
        done.add(write.channel)
        wanted = [Written(row.unit or device.unit, row.table, row.address, row.words) for row in write.registers]
        before = len(device.written)
        bench.bridge.write(f"{name}/{write.channel}", write.value)

        def arrived(before: int = before, wanted: list[Written] = wanted) -> bool:
            return _in_order(wanted, device.written[before:])

        await bench.until(arrived, 40)


def _in_order(wanted: list[Written], written: list[Written]) -> bool:
    rest = iter(written)
    return all(one in rest for one in wanted)


def _words_160(modules: list[tuple[int, int, int]]) -> list[int]:
    """Model 160 register by register: scale factors DCA -2, DCV -1, DCW 0, DCWH 0; modules of (A, V, W)."""
    words = [160, 8 + 20 * len(modules), 0xFFFE, 0xFFFF, 0, 0, 0, 0, len(modules), 0]
    for number, (ampere, volt, watt) in enumerate(modules, start=1):
        words += [number, *[0] * 8, ampere, volt, watt, 0, 0, 0, 0, 0x8000, 4, 0, 0]
    return words


def _hybrid() -> dict[Place, int]:
    """A hybrid inverter: 4200 W of PV, the battery charging with 1500 W."""
    words = sunspec_words([
        sunspec_model(1, **COMMON),
        sunspec_model(103, W=2650, W_SF=0, VAr=-120, VAr_SF=0, Hz=4998, Hz_SF=-2, WH=123456, WH_SF=0, St=4),
        sunspec_model(120, WRtg=1000, WRtg_SF=1),
        sunspec_model(121, WMax=1000, WMax_SF=1),
        sunspec_model(123, WMaxLimPct=10000, WMaxLimPct_SF=-2, WMaxLim_Ena=0, WMaxLimPct_RvrtTms=0),
        sunspec_model(
            124, WChaMax=5120, WChaMax_SF=0, StorCtl_Mod=0, ChaState=6350, ChaState_SF=-2, OutWRte=10000, InWRte=10000,
            InOutWRte_SF=-2, InOutWRte_RvrtTms=0,
        ),
    ])  # fmt: skip
    return _and(words, _words_160([(550, 4000, 2200), (500, 4000, 2000), (375, 4000, 1500), (0, 4000, 0)]))


def _and(words: dict[Place, int], model: list[int]) -> dict[Place, int]:
    """The chain with one more model, given register by register."""
    end = max(address for _, _, address in words) - 1
    return words | {(None, "holding", end + offset): word for offset, word in enumerate([*model, 0xFFFF, 0])}


def _floats(*values: float) -> list[int]:
    return list(struct.unpack(f">{2 * len(values)}H", struct.pack(f">{len(values)}f", *values)))


def _own(model: int, *body: int) -> dict[Place, int]:
    """One of the virtual plant's models alone."""
    return _and(sunspec_words([]), [model, len(body), *body])


CHARGER = [
    *_floats(7360, 2450, 2455, 2455, 32.0), 3, 3, *_floats(5300, 20000), 0x41D9, 0x5555, 0, 0, *_floats(40, 16), 3,
]  # fmt: skip


def _storage() -> dict[Place, int]:
    return sunspec_words(
        [
            sunspec_model(1, **COMMON),
            sunspec_model(701, W=-2500, W_SF=0, Var=300, Var_SF=0, Hz=50010, Hz_SF=-3, InvSt=3, DERMode=1),
            sunspec_model(702, WChaRteMax=500, WDisChaRteMax=600, W_SF=1),
            sunspec_model(704, WSetMod=0, WSet=0, WSet_SF=1, WSetEna=0, WSetRvrt=0, WSetRvrtTms=0, WSetEnaRvrt=0),
            sunspec_model(713, SoC=634, SoH=990, Pct_SF=-1, WHRtg=1200, WHAvail=760, WH_SF=1),
        ],
        base=50000,
    )


def _pv() -> dict[Place, int]:
    return sunspec_words(
        [
            sunspec_model(1, **COMMON),
            sunspec_model(103, W=1234, W_SF=1, VAr=-50, VAr_SF=0, Hz=4998, Hz_SF=-2, WH=123456, WH_SF=0, St=4),
            sunspec_model(121, WMax=200, WMax_SF=2),
            sunspec_model(123, WMaxLimPct=40, WMaxLimPct_SF=0, WMaxLim_Ena=1),
        ],
        base=0,
    )


METER = {
    "W": -1523, "W_SF": 1, "VAR": 200, "VAR_SF": 0, "Hz": 4998, "Hz_SF": -2, "TotWhImp": 98765, "TotWhExp": 123,
    "TotWh_SF": 1,
}  # fmt: skip
DEVICES: dict[str, tuple[dict[Place, int], dict[str, float]]] = {
    "sunspec_meter": (
        sunspec_words([sunspec_model(1, **COMMON), sunspec_model(203, **METER)]),
        {"active_power_w": -15230, "reactive_power_var": 200, "frequency_hz": 49.98, "import_energy_wh": 987650,
         "export_energy_wh": 1230, "power_factor": math.nan},
    ),
    "sunspec_meter_export_positive": (
        sunspec_words([sunspec_model(1, **COMMON), sunspec_model(201, **METER)]),
        {"active_power_w": 15230, "reactive_power_var": -200, "frequency_hz": 49.98, "import_energy_wh": 987650},
    ),
    "sunspec_pv": (
        _pv(),
        {"active_power_w": 12340, "reactive_power_var": -50, "energy_wh": 123456, "max_power_w": 20000,
         "active_power_limit_w": 8000, "operating_state": 3},
    ),
    "sunspec_storage": (
        _storage(),
        {"active_power_w": -2500, "reactive_power_var": 300, "soc_pct": 63.4, "soh_pct": 99.0, "capacity_wh": 12000,
         "max_charge_power_w": 5000, "max_discharge_power_w": 6000, "frequency_hz": 50.01, "operating_state": 3},
    ),
    "sunspec_battery_124": (
        _hybrid(), {"active_power_w": -1500, "soc_pct": 63.5, "max_charge_power_w": 5120, "max_discharge_power_w": 5120}
    ),
    "sunspec_hybrid": (
        _hybrid(),
        {"active_power_w": 2650, "reactive_power_var": -120, "pv_power_w": 4200, "battery_power_w": -1500,
         "soc_pct": 63.5, "frequency_hz": 49.98, "energy_wh": 123456},
    ),
    "fronius_gen24_battery": (
        _hybrid(), {"active_power_w": -1500, "soc_pct": 63.5, "max_charge_power_w": 5120, "max_discharge_power_w": 5120}
    ),
    "fronius_gen24_pv": (
        _hybrid(), {"active_power_w": 4200, "frequency_hz": 49.98, "energy_wh": 123456, "max_power_w": 10000}
    ),
    "virtual_plant": (
        {(None, "holding", 40000 + n): w for n, w in enumerate(
            [0x5375, 0x6E53, 64901, 4, 0x0001, 0x86A0, 0x3F80, 0x0000, 0xFFFF, 0])},
        {"counter": 100000, "speed": 1.0},
    ),
    "virtual_relay": (_own(64911, 1, 0), {"state": 1}),
    "virtual_breaker": (_own(64911, 1, 0), {"closed": 1}),
    "virtual_load": (
        sunspec_words([sunspec_model(1, **COMMON), sunspec_model(213, W=2500.0, WphA=1000.0, WphB=900.0, WphC=600.0)]),
        {"active_power_w": 2500, "active_power_w_l1": 1000, "active_power_w_l3": 600},
    ),
    "virtual_charger": (
        _own(64910, *CHARGER),
        {"active_power_w": 7360, "active_power_w_l2": 2455, "current_a": 32, "phases": 3, "status": 3,
         "session_energy_wh": 5300, "energy_request_wh": 20000, "vehicle_soc_pct": 40, "current_limit_a": 16},
    ),
    "virtual_pv": (
        sunspec_words([
            sunspec_model(701, W=4321, W_SF=0, Var=-50, Var_SF=0, Hz=50000, Hz_SF=-3, InvSt=3, TotWhInj=99, TotWh_SF=0),
            sunspec_model(702, WMax=100, W_SF=2),
            sunspec_model(704, WMaxLimPct=1000, WMaxLimPct_SF=-1, WMaxLimPctEna=0),
        ]),
        {"active_power_w": 4321, "reactive_power_var": -50, "energy_wh": 99},
    ),
    "virtual_storage": (
        _and(_storage(), [64912, 10, *_floats(-2600, 750, 21.5), 1, 0, 0, 0]),
        {"active_power_w": -2500, "soc_pct": 63.4, "dc_power_w": -2600, "dc_pv_power_w": 750, "temperature_degc": 21.5,
         "grid_forming": 1},
    ),
}  # fmt: skip
POINTS: dict[str, tuple[str, float, tuple[int, str], tuple[int, ...]]] = {
    "sunspec_storage": ("active_power_w", -2500.0, (704, "WSet"), (0xFFFF, 0xFF06)),
    "sunspec_pv": ("active_power_limit_w", 15000.0, (123, "WMaxLimPct"), (75,)),
    "sunspec_battery_124": ("active_power_w", 2560.0, (124, "InWRte"), (0x10000 - 5000,)),
    "fronius_gen24_battery": ("active_power_w", -1280.0, (124, "OutWRte"), (0x10000 - 2500,)),
    "fronius_gen24_pv": ("active_power_limit_w", 2500.0, (123, "WMaxLimPct"), (2500,)),
}
"""Channel, setpoint, the point it must go to, and the words there by the models' published scaling."""


def test_every_profile_is_here() -> None:
    elsewhere = [name for name in profile_names() if load_profile(name).protocol not in {"sunspec", "modbus"}]
    assert sorted([*DEVICES, *BARE, *elsewhere]) == profile_names()


async def test_sunspec_devices(run_bench: Any) -> None:
    devices = {name: RegisterDevice(words) for name, (words, _) in DEVICES.items()}
    async with AsyncExitStack() as stack:
        ports = {name: await stack.enter_async_context(serving(device)) for name, device in devices.items()}
        site = bridge_site(*(modbus_component(name, name, port, timeout_s=5.0) for name, port in ports.items()))
        bench = await stack.enter_async_context(run_bench(site))
        await bench.until(lambda: all(bench.value(f"{name}/communication") == 1.0 for name in DEVICES), 60)
        for name, (_, wanted) in DEVICES.items():
            shown = {channel: bench.value(f"{name}/{channel}") for channel in wanted}
            assert shown == pytest.approx(wanted, rel=1e-6, nan_ok=True), name
        for name, (channel, value, point, raw) in POINTS.items():
            bench.bridge.write(f"{name}/{channel}", value)
            wanted_write = Written(1, "holding", _address(devices[name].words, *point), raw)
            await bench.until(lambda d=devices[name], w=wanted_write: w in d.written, 20)
        assert not bench.problems


def _address(words: Mapping[Place, int], model: int, point: str) -> int:
    """Where pysunspec2 has this point in the chain."""
    holding = {address: word for (_, _, address), word in words.items()}
    at = min(holding) + 2
    while holding[at] != model:
        at += holding[at + 1] + 2
    return at + int(sunspec_model(model).points[point].offset)
