"""Devices of the tests: pymodbus' own servers, filled with words by hand, that note every write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import sunspec2.device as peer
from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from simems_edge.devices.tables import Table

Place = tuple[int | None, Table, int]
TABLES: tuple[Table, ...] = ("coil", "discrete", "holding", "input")
FUNCTIONS: Mapping[int, Table] = {5: "coil", 15: "coil", 6: "holding", 16: "holding"}


@dataclass(frozen=True)
class Written:
    unit: int
    table: Table
    address: int
    words: tuple[int, ...]


@dataclass
class RegisterDevice:
    """One host and port. ``words``: by (unit, table, address), unit None for ``unit``."""

    words: Mapping[Place, int]
    unit: int = 1
    extra: Mapping[Place, int] = field(default_factory=dict)
    """Registers that can be written but are not in ``words``."""
    written: list[Written] = field(default_factory=list)

    def sim_devices(self) -> list[SimDevice]:
        every = {**self.extra, **self.words}
        units = {self.unit if unit is None else unit for unit, _, _ in every}
        return [self._sim_device(unit, every) for unit in sorted(units)]

    def _sim_device(self, unit: int, every: Mapping[Place, int]) -> SimDevice:
        mine: dict[Table, dict[int, int]] = {table: {} for table in TABLES}
        for (of, table, address), word in every.items():
            if (self.unit if of is None else of) == unit:
                mine[table][address] = word

        async def note(
            function: int, _start: int, address: int, _count: int, _now: list[int], new: list[int] | list[bool] | None
        ) -> ExcCodes | None:
            if new is not None and function in FUNCTIONS:
                self.written.append(Written(unit, FUNCTIONS[function], address, tuple(map(int, new))))
            return None

        simdata: Any = tuple(_stretches(mine[table], bits=table in {"coil", "discrete"}) for table in TABLES)
        return SimDevice(id=unit, simdata=simdata, action=note)


def _stretches(words: Mapping[int, int], *, bits: bool) -> list[SimData]:
    """Only what is there: other addresses answer exception 2."""
    if bits:
        return [SimData(a, values=[bool(w)], datatype=DataType.BITS) for a, w in sorted(words.items())] or [
            SimData(65000, values=[False], datatype=DataType.BITS)
        ]
    rows: list[tuple[int, list[int]]] = []
    for address, word in sorted(words.items()):
        if rows and rows[-1][0] + len(rows[-1][1]) == address:
            rows[-1][1].append(word)
        else:
            rows.append((address, [word]))
    found = [SimData(address, values=run, datatype=DataType.REGISTERS) for address, run in rows]
    return found or [SimData(65000, values=[0], datatype=DataType.REGISTERS)]


@asynccontextmanager
async def serving(device: RegisterDevice, framer: FramerType = FramerType.SOCKET) -> AsyncIterator[int]:
    """Listens on a port of its own; leaves the port."""
    server = ModbusTcpServer(device.sim_devices(), address=("127.0.0.1", 0), framer=framer)
    await server.serve_forever(background=True)
    transport: Any = server.transport
    try:
        yield int(transport.sockets[0].getsockname()[1])
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus gives it no types


def sunspec_words(models: Iterable[Any], base: int = 40000) -> dict[Place, int]:
    """A chain of models that pysunspec2 encoded."""
    data = b"SunS" + b"".join(model.get_mb() for model in models) + b"\xff\xff\x00\x00"
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    return {(None, "holding", base + offset): word for offset, word in enumerate(words)}


def sunspec_model(model: int, **points: float | str) -> Any:
    """Raw values of points by name; pysunspec2 lays them out."""
    found = peer.Model(model_id=model)
    for name, value in points.items():
        found.points[name].value = value
    return found
