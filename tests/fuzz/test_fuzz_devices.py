"""What devices may send and profiles may say, on mutated bytes: right, or the one error it declares.

``SIMEMS_FUZZ_EXECUTIONS`` of the frames, a hundredth of whole devices and of files; ``make fuzz-long`` runs millions.
"""

from __future__ import annotations

import logging
import math
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from simems_edge.bridges.errors import DeviceError
from simems_edge.bridges.modbus.adu import Framing, crc, judge, read_question, write_question
from simems_edge.devices import ProfileError, load_profile, profile_names
from simems_edge.devices.points import REGISTERS
from simems_edge.devices.profile_check import read_case, read_profile
from simems_edge.devices.register_view import RegisterView
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.sunspec import ChainError, ModelBlock, parse_chain
from simems_edge.devices.sunspec_view import SunSpecView
from simems_edge.devices.view import DeviceView

from tests.fuzz.mutation import mutated

log = logging.getLogger(__name__)
EXECUTIONS = int(os.environ.get("SIMEMS_FUZZ_EXECUTIONS", "20000"))
ROUND_TRIPS = Path(__file__).parents[2] / "edge" / "tests" / "devices" / "round_trips"
QUESTIONS = [
    read_question(1, "holding", 0, 2),
    read_question(1, "coil", 0, 9),
    write_question(1, "holding", 0, [1, 2]),
    write_question(1, "coil", 0, [1]),
]
_RTU = bytes([1, 3, 4, 0, 1, 0, 2])
ANSWERS = [
    bytes([0, 7, 0, 0, 0, 7, 1, 3, 4, 0, 1, 0, 2]),
    bytes([0, 7, 0, 0, 0, 3, 1, 0x83, 2]),
    bytes([0, 7, 0, 0, 0, 6, 1, 16, 0, 0, 0, 2]),
    _RTU + crc(_RTU).to_bytes(2, "little"),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("framing", list(Framing))
def test_frames(framing: Framing) -> None:
    taken = 0
    for seed in range(EXECUTIONS):
        raw = mutated(random.Random(seed), ANSWERS)
        for question in QUESTIONS:
            try:
                taken += judge(question, framing, 7, raw) is not None
            except DeviceError:
                continue
    log.info("fuzz: %d executions: judge %s, %d right", EXECUTIONS * len(QUESTIONS), framing.value, taken)


def _view(name: str, dice: random.Random) -> DeviceView:
    profile = load_profile(name)
    if profile.protocol == "modbus":
        return RegisterView(profile)
    layout, address = {}, 40002
    for model in sorted(profile.models()):
        length = dice.randint(0, 170)
        layout[model] = ModelBlock(model, address, length)
        address += length + 2
    return SunSpecView(profile, layout)


@pytest.mark.timeout(600)
def test_registers_of_every_profile() -> None:
    names = [name for name in profile_names() if load_profile(name).protocol in REGISTERS]
    count = EXECUTIONS // 100
    for seed in range(count):
        dice = random.Random(seed)
        view = _view(dice.choice(names), dice)
        for block in view.blocks:
            view.update(block, [dice.choice((0, 1, 0x7FFF, 0x8000, 0xFFFF, dice.randint(0, 0xFFFF)))] * block.count)
        view.bind()
        assert all(value is None or math.isfinite(value) for value in view.values().values()), seed
        for channel in view.profile.channels:
            _set(view, channel.name, dice)
    log.info("fuzz: %d executions: registers of every profile", count)


def _set(view: DeviceView, name: str, dice: random.Random) -> None:
    channel = view.profile.channel(name)
    value = dice.choice((0.0, 1.0, -1.0, math.nan, math.inf, 1e300, -1e-300, dice.uniform(-1e5, 1e5)))
    try:
        rows = [*view.setpoint_writes(channel, value), *view.arm_writes(channel)] if channel.settable else []
    except EncodeError:
        return
    assert all(row.area in view.allowed() for row in rows)
    assert all(0 <= word <= 0xFFFF for row in rows for word in row.registers)


@pytest.mark.timeout(600)
def test_chains_and_files(tmp_path: Path) -> None:
    chain = bytes.fromhex("53756e5300010002 0000000000cb0003 000000000000ffff 0000".replace(" ", ""))
    seeds, file = [path.read_bytes() for path in ROUND_TRIPS.glob("*.yaml")], tmp_path / "fuzzed.yaml"
    for seed in range(EXECUTIONS // 100):
        raw = mutated(random.Random(seed), [chain])
        with suppress(ChainError):
            parse_chain([int.from_bytes(raw[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(raw), 2)])
        file.write_bytes(mutated(random.Random(seed), seeds))
        for read in (read_case, read_profile):
            with suppress(ProfileError):
                read(file)
    log.info("fuzz: %d executions: chains, cases and profiles", 3 * (EXECUTIONS // 100))
