"""Which registers to read when. Pure.

Neighbouring models that are due together are read in one request; a request never runs past the end of a model into
what is not known (devices answer exception 2) and never asks for more than one response carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from simems_edge.devices.sunspec import ModelBlock

MAX_REGISTERS: Final = 125
"""Most registers of one answer (Modbus Application Protocol 1.1b3, 6.3)."""


@dataclass(frozen=True, slots=True)
class RegisterSpan:
    address: int
    count: int

    @property
    def end(self) -> int:
        return self.address + self.count


def spans(blocks: Iterable[ModelBlock]) -> list[RegisterSpan]:
    """The requests that read these models whole."""
    joined: list[RegisterSpan] = []
    for block in sorted(blocks, key=lambda block: block.address):
        last = joined[-1] if joined else None
        if last is not None and last.end == block.address and last.count + block.total <= MAX_REGISTERS:
            joined[-1] = RegisterSpan(last.address, last.count + block.total)
        else:
            joined += _pieces(block)
    return joined


def _pieces(block: ModelBlock) -> list[RegisterSpan]:
    end = block.address + block.total
    return [
        RegisterSpan(address, min(MAX_REGISTERS, end - address)) for address in range(block.address, end, MAX_REGISTERS)
    ]


def model_registers(block: ModelBlock, words: Mapping[int, int]) -> list[int]:
    """A model's registers out of everything that was read. KeyError when a register was not read."""
    return [words[address] for address in range(block.address, block.address + block.total)]


class Schedule:
    """When each model is due. Keeps its phase: a late poll does not shift the following ones, missed ones are not
    made up for."""

    def __init__(self, intervals_s: Mapping[int, float], now_s: float) -> None:
        self._intervals_s = dict(intervals_s)
        self._due_s = dict.fromkeys(intervals_s, now_s)

    @property
    def next_s(self) -> float:
        return min(self._due_s.values())

    def take(self, now_s: float) -> list[int]:
        """Models due now; each is due again one interval later."""
        due = [model for model, at in self._due_s.items() if at <= now_s]
        for model in due:
            interval_s = self._intervals_s[model]
            following = self._due_s[model] + interval_s
            self._due_s[model] = following if following > now_s else now_s + interval_s
        return due
