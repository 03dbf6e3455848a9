"""One look at a device, without an image: what a profile reads in it, or which SunSpec models it has. Nothing is ever
written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from simems_edge.bridges.errors import (
    DeviceError,
    NoAnswerError,
    NoConnectionError,
    UnsuitableError,
)
from simems_edge.bridges.modbus.discovery import Read, check_profile, discover, find
from simems_edge.bridges.modbus.link import ModbusLink
from simems_edge.bridges.modbus.plan import spans
from simems_edge.bridges.modbus.reading import BlockReader
from simems_edge.config import Connection
from simems_edge.devices import Profile, load_profile, profile_names
from simems_edge.devices.definition import load_definition
from simems_edge.devices.numbers import Block
from simems_edge.devices.sunspec import ModelBlock, decode_model
from simems_edge.devices.sunspec_view import SunSpecView
from simems_edge.devices.tables import Table

COMMON_MODEL = 1
AT_ONCE = 16
"""Addresses looked at side by side."""


@asynccontextmanager
async def _reading(connection: Connection) -> AsyncIterator[Read]:
    link, modbus = ModbusLink(connection), connection.modbus

    async def read(unit: int | None, table: Table, address: int, count: int) -> list[int]:
        return await link.read(modbus.unit if unit is None else unit, table, address, count, modbus.timeout_s)

    try:
        yield read
    finally:
        await link.close()


class Probe:
    """Reads one device as its profile says, again and again if wanted."""

    def __init__(self, connection: Connection, profile: Profile) -> None:
        self._connection, self._profile = connection, profile

    async def values(self) -> dict[str, float | None]:
        """Once. Raises :class:`DeviceError`."""
        async for values in self.watch(0.0):
            return values
        raise NoAnswerError("nothing was read")

    async def watch(self, interval_s: float) -> AsyncGenerator[dict[str, float | None], None]:
        """Everything each ``interval_s``; None: the device does not have it. Raises :class:`DeviceError`."""
        async with _reading(self._connection) as read:
            view = await find(read, self._profile, 1.0)
            reader = BlockReader(view, read, time.monotonic_ns)
            blocks = (await reader.read_all()).read
            while True:
                yield view.values()
                await asyncio.sleep(interval_s)
                await reader.read(blocks)


@dataclass(frozen=True)
class Found:
    """A SunSpec device."""

    address: str
    unit: int
    maker: str
    model: str
    serial: str
    models: tuple[int, ...]
    profiles: tuple[str, ...]
    """Profiles whose mandatory channels it can serve."""


@dataclass(frozen=True)
class Silent:
    """An address without a SunSpec device, and why."""

    address: str
    unit: int
    why: str
    reachable: bool


async def scan(
    connections: Iterable[tuple[str, Connection]], on_progress: Callable[[Found | Silent], None]
) -> list[Found | Silent]:
    """Looks at each (address, connection) once; several addresses side by side, the units of one address in turn."""
    by_line: dict[str, list[tuple[str, Connection]]] = {}
    for address, connection in connections:
        by_line.setdefault(connection.line, []).append((address, connection))
    gate = asyncio.Semaphore(AT_ONCE)

    async def line(units: list[tuple[str, Connection]]) -> list[Found | Silent]:
        async with gate:
            found: list[Found | Silent] = []
            for address, connection in units:
                found.append(one := await look(address, connection))
                on_progress(one)
                if isinstance(one, Silent) and not one.reachable:
                    break  # nobody listens: other units will not either
            return found

    every = await asyncio.gather(*(line(units) for units in by_line.values()))
    return [one for units in every for one in units]


async def look(address: str, connection: Connection) -> Found | Silent:
    """What answers at one unit."""
    unit = connection.modbus.unit
    try:
        async with _reading(connection) as read:
            return await _identify(address, unit, read)
    except DeviceError as error:
        return Silent(address, unit, str(error), not isinstance(error, NoConnectionError))


async def _identify(address: str, unit: int, read: Read) -> Found:
    layout = await discover(read)
    names = {"Mn": "", "Md": "", "SN": ""}
    if COMMON_MODEL in layout:
        values = decode_model(load_definition(COMMON_MODEL), await _model(read, layout[COMMON_MODEL]))
        names = {name: str(values.get(name) or "") for name in names}
    generic = [name for name in profile_names() if name.startswith("sunspec_")]
    fitting = tuple(name for name in generic if _fits(load_profile(name), layout))
    return Found(address, unit, names["Mn"], names["Md"], names["SN"], tuple(sorted(layout)), fitting)


async def _model(read: Read, model: ModelBlock) -> list[int]:
    block = Block(None, "holding", model.address, model.total, 1.0)
    words: list[int] = []
    for span in spans([block]):
        words += await read(None, span.table, span.address, span.count)
    return words


def _fits(profile: Profile, layout: dict[int, ModelBlock]) -> bool:
    """Asked of the generic profiles only: models alone do not tell one maker's device from another's."""
    try:
        check_profile(SunSpecView(profile, layout), "it")
    except UnsuitableError:
        return False
    return True
