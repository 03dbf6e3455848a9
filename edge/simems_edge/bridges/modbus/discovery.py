"""What stands behind a unit: its SunSpec chain, and whether it is the device that the site file says."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

from simems_edge.bridges.modbus.errors import RefusedError, UnsuitableError
from simems_edge.contracts.interfaces import INTERFACES
from simems_edge.devices.definition import load_definition
from simems_edge.devices.mapping import layout_of, missing_channels
from simems_edge.devices.profile import Profile
from simems_edge.devices.sunspec import BASE_ADDRESSES, ChainError, ChainReader, ModelBlock, decode_model

Read = Callable[[int, int], Awaitable[list[int]]]
"""(address, count) -> registers."""

VIRTUAL_PLANT: Final = 64901


async def discover(read: Read) -> dict[int, ModelBlock]:
    """The device's models by id. Raises :class:`UnsuitableError` when it has no SunSpec chain."""
    for base_address in BASE_ADDRESSES:
        try:
            return layout_of(await _walk(read, base_address))
        except (ChainError, RefusedError):
            continue
    raise UnsuitableError(
        "not_sunspec", "the device has no SunSpec marker at registers 40000, 0 or 50000; check the unit"
    )


async def _walk(read: Read, base_address: int) -> list[ModelBlock]:
    reader = ChainReader(base_address)
    while reader.next_address is not None:
        reader.feed(await read(reader.next_address, 2))
    return reader.blocks


def check_profile(profile: Profile, layout: dict[int, ModelBlock]) -> None:
    """Raises :class:`UnsuitableError` when the device cannot serve a mandatory channel of its kind."""
    if profile.kind == "sensor":
        return
    lacking = set(missing_channels(profile, layout))
    readable = [c.name for c in profile.channels if c.readable and c.name not in lacking]
    settable = [c.name for c in profile.channels if c.settable and f"{c.name} (settable)" not in lacking]
    missing = INTERFACES[profile.kind].missing(readable, settable)
    if missing:
        models = ", ".join(map(str, sorted(layout)))
        text = (
            f"the device (models {models}) cannot serve {', '.join(missing)}; choose another profile than {profile.id}"
        )
        raise UnsuitableError("profile_mismatch", text)


async def check_speed(read: Read, layout: dict[int, ModelBlock], clock_speed: float) -> None:
    """Raises :class:`UnsuitableError` unless the device lives at the speed of our clock (a real one at speed 1)."""
    block = layout.get(VIRTUAL_PLANT)
    speed = 1.0 if block is None else await _speed(read, block)
    if not math.isclose(speed, clock_speed, rel_tol=1e-5):
        text = (
            f"the device's clock runs at {speed:g} times real time, ours at {clock_speed:g}; "
            "start plant and edge with the same --clock-file"
        )
        raise UnsuitableError("clock_speed", text)


async def _speed(read: Read, block: ModelBlock) -> float:
    values = decode_model(load_definition(VIRTUAL_PLANT), await read(block.address, block.total))
    speed = values["speed"]
    return float(speed) if isinstance(speed, int | float) else math.nan
