"""What stands behind a unit: its SunSpec chain, and whether it is the device that the site file says."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

from simems_edge.bridges.errors import RefusedError, UnsuitableError
from simems_edge.contracts.interfaces import INTERFACES
from simems_edge.devices.definition import load_definition
from simems_edge.devices.numbers import Block, Place, bytes_of, layout_of_type
from simems_edge.devices.points import Identity
from simems_edge.devices.profile import Profile
from simems_edge.devices.register_view import RegisterView
from simems_edge.devices.sunspec import BASE_ADDRESSES, ChainError, ChainReader, ModelBlock, decode_model
from simems_edge.devices.sunspec_view import SunSpecView, layout_of
from simems_edge.devices.tables import Table
from simems_edge.devices.view import DeviceView

Read = Callable[[int | None, Table, int, int], Awaitable[list[int]]]
"""(unit or None for the component's own, table, address, count) -> registers."""

VIRTUAL_PLANT: Final = 64901


async def find(read: Read, profile: Profile, clock_speed: float) -> DeviceView:
    """The device behind a connection, as the profile sees it. Raises :class:`UnsuitableError` when it is another."""
    if profile.protocol == "sunspec":
        layout = await discover(read)
        view: DeviceView = SunSpecView(profile, layout)
        check_profile(view, f"the device (models {', '.join(map(str, sorted(layout)))})")
        await check_speed(read, layout, clock_speed)
        return view
    for identity in profile.identify:
        await _check_identity(read, identity, profile)
    if clock_speed != 1.0:
        raise UnsuitableError(
            "clock_speed", f"profile {profile.id} is of a real device; run the edge without --clock-file"
        )
    return RegisterView(profile)


async def _check_identity(read: Read, identity: Identity, profile: Profile) -> None:
    register = identity.modbus
    try:
        words = await read(register.unit, register.table, register.address, register.words)
    except RefusedError as error:
        raise UnsuitableError("profile_mismatch", f"{error}; it is no {profile.id}: check unit and profile") from error
    block = Block(register.unit, register.table, register.address, register.words, 1.0)
    place = Place(block, 0, layout_of_type(register.type), register.word_order == "little")
    shown = place.raw({block: bytes_of(words)})
    if shown not in {float(one) for one in identity.equals}:
        wanted = " or ".join(map(str, identity.equals))
        text = (
            f"register {register.address} shows {shown if shown is None else int(shown)} where a {profile.id} shows "
            f"{wanted}; check host, unit and profile"
        )
        raise UnsuitableError("profile_mismatch", text)


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
        reader.feed(await read(None, "holding", reader.next_address, 2))
    return reader.blocks


def check_profile(view: DeviceView, shown: str) -> None:
    """Raises :class:`UnsuitableError` when the device cannot serve a mandatory channel of its kind."""
    missing = INTERFACES[view.profile.kind].missing(view.readable(), view.settable())
    if missing:
        text = f"{shown} cannot serve {', '.join(missing)}; choose another profile than {view.profile.id}"
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
    values = decode_model(load_definition(VIRTUAL_PLANT), await read(None, "holding", block.address, block.total))
    speed = values["speed"]
    return float(speed) if isinstance(speed, int | float) else math.nan
