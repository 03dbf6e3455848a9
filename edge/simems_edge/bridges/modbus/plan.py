"""Which registers to read when. Pure.

Neighbouring blocks that are due together are read in one request; a request never runs past the end of a block into
what is not known (devices answer exception 2) and never asks for more than one response carries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simems_edge.bridges.modbus.adu import MAX_REGISTERS
from simems_edge.devices.numbers import Block
from simems_edge.devices.tables import Table


@dataclass(frozen=True, slots=True)
class Span:
    """One request."""

    unit: int | None
    table: Table
    address: int
    count: int
    apart: str = ""

    @property
    def end(self) -> int:
        return self.address + self.count

    @property
    def neighbourhood(self) -> tuple[int, str, str]:
        return (-1 if self.unit is None else self.unit, self.table, self.apart)


def spans(blocks: Iterable[Block], most: int = MAX_REGISTERS) -> list[Span]:
    """The requests that read these blocks whole, at most ``most`` registers each."""
    joined: list[Span] = []
    whole = (Span(b.unit, b.table, b.address, b.count, b.apart) for b in blocks)
    for block in sorted(whole, key=lambda one: (one.neighbourhood, one.address)):
        last = joined[-1] if joined else None
        if last is not None and _adjoins(last, block) and last.count + block.count <= most:
            joined[-1] = Span(last.unit, last.table, last.address, last.count + block.count, last.apart)
        else:
            joined += _pieces(block, most)
    return joined


def _adjoins(one: Span, other: Span) -> bool:
    return one.neighbourhood == other.neighbourhood and one.end == other.address


def _pieces(block: Span, most: int) -> list[Span]:
    return [
        Span(block.unit, block.table, address, min(most, block.end - address), block.apart)
        for address in range(block.address, block.end, most)
    ]


def serves(span: Span, block: Block) -> bool:
    """Whether the request reads any of the block."""
    same = (span.unit, span.table, span.apart) == (block.unit, block.table, block.apart)
    return same and span.address < block.end and block.address < span.end


class Words:
    """Everything that one round of requests brought, by place."""

    def __init__(self) -> None:
        self._words: dict[tuple[int | None, Table], dict[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._words)

    def add(self, span: Span, registers: Iterable[int]) -> None:
        area = self._words.setdefault((span.unit, span.table), {})
        area.update(zip(range(span.address, span.end), registers, strict=True))

    def of(self, block: Block) -> list[int] | None:
        """The block's words; None when one of them was not read."""
        area = self._words.get((block.unit, block.table), {})
        found = [area.get(address) for address in range(block.address, block.end)]
        whole = [word for word in found if word is not None]
        return whole if len(whole) == block.count else None
