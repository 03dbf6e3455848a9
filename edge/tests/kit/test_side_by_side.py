"""Jobs that live and die together, also when one of them does not hear that it shall end."""

from __future__ import annotations

import asyncio

import pytest
from simems_edge.kit import side_by_side
from simems_edge.kit.side_by_side import end, until_first_ends

BOUND_S = 10.0


async def _for_ever() -> None:
    await asyncio.Event().wait()


class Deaf:
    """Swallows cancellations, as a wait does that ends in the same moment."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def run(self) -> None:
        while True:
            try:
                await _for_ever()
            except asyncio.CancelledError:
                if self.left == 0:
                    raise
                self.left -= 1


async def _fails() -> None:
    raise ConnectionError("gone")


async def test_what_ends_first_ends_all_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side.end, "__kwdefaults__", {"again_s": 0.01})
    deaf = Deaf(2)
    async with asyncio.timeout(BOUND_S):
        with pytest.raises(ConnectionError, match="gone"):
            await until_first_ends(_for_ever(), deaf.run(), _fails())
    assert deaf.left == 0
    assert len(asyncio.all_tasks()) == 1


async def test_an_end_from_outside_ends_all() -> None:
    async with asyncio.timeout(BOUND_S):
        outer = asyncio.create_task(until_first_ends(_for_ever(), _for_ever()))
        await asyncio.sleep(0)
        await end(outer)
    assert outer.cancelled()
    assert len(asyncio.all_tasks()) == 1


async def test_what_ended_before_is_not_waited_for_and_its_failure_stays_its_own() -> None:
    failed = asyncio.create_task(_fails())
    await asyncio.wait({failed})
    async with asyncio.timeout(BOUND_S):
        await end(failed)
        await end()
    assert isinstance(failed.exception(), ConnectionError)
