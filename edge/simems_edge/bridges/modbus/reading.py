"""Reads blocks of a device into its view: as few requests as they need, one refusal costs only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simems_edge.bridges.errors import RefusedError
from simems_edge.bridges.modbus.discovery import Read
from simems_edge.bridges.modbus.plan import Span, Words, serves, spans
from simems_edge.contracts.interfaces import INTERFACES
from simems_edge.devices.numbers import Block
from simems_edge.devices.view import DeviceView

Blocks = tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of requests brought."""

    read: Blocks
    arrived_ns: dict[Block, int]
    refused: dict[Block, str]
    """With what the device said."""

    def must(self) -> list[str]:
        """Refusals of what is not optional."""
        return [text for block, text in self.refused.items() if not block.apart]


class BlockReader:
    """For one session with one device."""

    def __init__(self, view: DeviceView, read: Read, now_ns: Callable[[], int]) -> None:
        self._view, self._read, self._now_ns = view, read, now_ns
        self._asked: dict[Blocks, list[tuple[Span, Blocks]]] = {}

    async def read(self, blocks: Blocks) -> Round:
        """Raises what ``read`` raises, but refusals."""
        words, arrived_ns, refused = Words(), dict[Block, int](), dict[Block, str]()
        for span, inside in self._requests(blocks):
            try:
                registers = await self._read(span.unit, span.table, span.address, span.count)
            except RefusedError as error:
                if len(inside) == 1:
                    refused[inside[0]] = str(error)
                for block in inside if len(inside) > 1 else ():  # which of them is it?
                    alone = await self.read((block,))
                    arrived_ns |= alone.arrived_ns
                    refused |= alone.refused
                continue
            now_ns = self._now_ns()
            for block in inside:
                arrived_ns.setdefault(block, now_ns)
            if len(inside) == 1 and inside[0].count == span.count:
                self._view.update(inside[0], registers)
            else:
                words.add(span, registers)
        return self._take(blocks, words, arrived_ns, refused)

    def _take(self, blocks: Blocks, words: Words, arrived_ns: dict[Block, int], refused: dict[Block, str]) -> Round:
        for block in blocks if words else ():
            if (found := words.of(block)) is not None:
                self._view.update(block, found)
        for block in refused:
            self._view.forget(block)
        got = tuple(block for block in blocks if block not in refused) if refused else blocks
        return Round(got, arrived_ns, refused)

    async def read_all(self) -> Round:
        """Everything once, and each channel keeps to its source from then on. Raises :class:`RefusedError` when a
        register of a mandatory channel was refused, or every one."""
        view = self._view
        first = await self.read(view.blocks)
        if not first.read:
            raise RefusedError(next(iter(first.refused.values()), "the device has nothing that the profile reads"))
        view.bind()
        if first.refused:
            shown = view.readable_without(first.refused)
            missing = INTERFACES[view.profile.kind].missing(shown, view.settable())
            if missing:
                text = next(iter(first.must() or first.refused.values()))
                raise RefusedError(f"{text}; profile {view.profile.id} reads {', '.join(missing)} there")
        return first

    def _requests(self, blocks: Blocks) -> list[tuple[Span, Blocks]]:
        """The requests for these blocks, and which blocks each serves. Worked out once."""
        if blocks not in self._asked:
            self._asked[blocks] = [
                (span, tuple(block for block in blocks if serves(span, block)))
                for span in spans(blocks, self._view.profile.max_registers)
            ]
        return self._asked[blocks]
