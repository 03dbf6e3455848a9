"""Seventeen kinds of misbehaviour, both framings: no wrong value is ever accepted, no write goes to a register that was
not meant, and what follows a fault is right again within two exchanges.

``SIMEMS_MODBUS_EXCHANGES`` of each framing; ``make modbus-long`` runs a million in all. What no master can know is not
tried: a frame over TCP whose values were changed on the way (TCP's checksum is for that), and an RTU answer that comes
once more after the line was silent (RTU frames carry no number).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from simems_edge.bridges.errors import DeviceError
from simems_edge.bridges.modbus.adu import Framing
from simems_edge.bridges.modbus.link import ModbusLink
from simems_edge.config import Connection

from .chaos import FAULTS, GRACE, Dice, Line, standing

pytestmark = pytest.mark.integration
log = logging.getLogger(__name__)
EXCHANGES = int(os.environ.get("SIMEMS_MODBUS_EXCHANGES", "1500"))
LINES = 30
ROUND = 15_000
"""Exchanges between two lines in the log."""
RATE = 0.3 if EXCHANGES < 100_000 else 0.08
TIMEOUT_S = 1.0 if EXCHANGES < 100_000 else 3.0
"""Long beside a busy machine: a time-out here is one of the device, not of the test."""
KINDS = {Framing.TCP: "modbus_tcp", Framing.RTU: "modbus_rtu_tcp"}


@dataclass
class Tally:
    exchanges: int = 0
    failed: int = 0
    wrong_values: int = 0
    wrong_writes: int = 0
    slow_recoveries: int = 0
    injected: Counter[str] = field(default_factory=Counter)


class Client:
    """Asks one line at random, and compares each answer with the truth."""

    def __init__(self, line: Line, port: int, seed: int, tally: Tally) -> None:
        connection = {KINDS[line.framing]: {"host": "127.0.0.1", "port": port}}
        self.link = ModbusLink(Connection.model_validate(connection))
        self._line, self._dice, self._tally = line, random.Random(seed), tally
        self._polled = self._question()
        """Asked again and again, as bridges do: the answer to the time before has the right form."""
        self._failures = 0
        self._meant: set[tuple[int, int, tuple[int, ...]]] = set()

    async def run(self, exchanges: int) -> None:
        for _ in range(exchanges):
            self._line.truth.asked = None
            self._tally.exchanges += 1
            try:
                await (self._read() if self._dice.random() < 0.8 else self._write())
            except DeviceError:
                self._failed()
            else:
                self._failures = 0
        self._check_writes()
        await self.link.close()

    def _question(self) -> tuple[int, int, int]:
        return self._dice.randint(1, 200), self._dice.randint(0, 60_000), self._dice.randint(1, 60)

    async def _read(self) -> None:
        unit, address, count = self._polled if self._dice.random() < 0.9 else self._question()
        words = await self.link.read(unit, "holding", address, count, self._line.timeout_s)
        truth = self._line.truth
        if truth.asked != (unit, 3, address, count) or words != truth.words:
            self._tally.wrong_values += 1

    async def _write(self) -> None:
        count = self._dice.randint(1, 8)
        unit, address = self._dice.randint(1, 200), self._dice.randint(0, 60_000)
        values = tuple(self._dice.randint(0, 0xFFFF) for _ in range(count))
        self._meant.add((unit, address, values))
        await self.link.write(unit, "holding", address, values, self._line.timeout_s)
        obeyed = self._line.truth.obeyed
        if not obeyed or obeyed[-1] != (unit, address, values):
            self._tally.wrong_writes += 1  # confirmed, but not done

    def _failed(self) -> None:
        self._tally.failed += 1
        self._failures += 1
        if self._failures > GRACE:
            self._tally.slow_recoveries += 1

    def _check_writes(self) -> None:
        self._tally.wrong_writes += sum(write not in self._meant for write in self._line.truth.obeyed)


@pytest.mark.parametrize("framing", list(Framing))
@pytest.mark.timeout(0 if EXCHANGES >= 100_000 else 120)
async def test_nothing_wrong_is_accepted(framing: Framing) -> None:
    tally = Tally()
    for number in range(max(1, EXCHANGES // ROUND)):
        await asyncio.gather(*(_line(framing, 100 * number + line, tally) for line in range(LINES)))
        _tell(framing, tally)
        assert (tally.wrong_values, tally.wrong_writes, tally.slow_recoveries) == (0, 0, 0)
    assert set(tally.injected) == set(FAULTS), "every kind was tried"
    assert tally.failed >= tally.injected.total() * 0.6, "the faults were felt"


def _tell(framing: Framing, tally: Tally) -> None:
    log.info(
        "modbus: %d exchanges %s, %d faults of %d kinds, %d failed: %d wrong values accepted, %d wrong writes, "
        "%d recoveries slower than %d exchanges",
        tally.exchanges, framing.value, tally.injected.total(), len(tally.injected), tally.failed, tally.wrong_values,
        tally.wrong_writes, tally.slow_recoveries, GRACE,
    )  # fmt: skip


async def _line(framing: Framing, seed: int, tally: Tally) -> None:
    line = Line(framing, Dice(random.Random(1000 + seed), RATE), TIMEOUT_S)
    async with standing(line) as port:
        await Client(line, port, seed, tally).run(min(EXCHANGES, ROUND) // LINES)
    tally.injected.update(line.dice.injected)
