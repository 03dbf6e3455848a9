"""Equal questions share a run, but never one that began before they were asked."""

from __future__ import annotations

import asyncio

import pytest
from simems_cloud.kit.shared_runs import SharedRuns


class Source:
    """Something that changes; each reading of it waits until it is let go on."""

    def __init__(self) -> None:
        self.value, self.runs = 0, 0
        self.go = asyncio.Event()

    async def read(self) -> int:
        self.runs += 1
        seen = self.value
        await self.go.wait()
        return seen


async def _asked(shared: SharedRuns[int], source: Source, question: str = "q") -> asyncio.Task[int]:
    """Somebody has asked, and what can run without being let go has run."""
    task = asyncio.create_task(shared.ask(question, source.read))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_who_asks_while_one_runs_shares_the_next_and_sees_what_changed_before() -> None:
    shared, source = SharedRuns[int](), Source()
    first = await _asked(shared, source)
    source.value = 1
    later = [await _asked(shared, source) for _ in range(20)]
    assert source.runs == 1
    source.go.set()
    assert await first == 0
    assert await asyncio.gather(*later) == [1] * 20
    assert source.runs == 2
    assert await shared.ask("q", source.read) == 1
    assert source.runs == 3, "nothing is kept when nobody asks"


async def test_other_questions_do_not_wait() -> None:
    shared, source, other = SharedRuns[int](), Source(), Source()
    other.go.set()
    blocked = await _asked(shared, source, "one tenant")
    assert await shared.ask("another", other.read) == 0
    assert not blocked.done()
    source.go.set()
    await blocked


async def test_one_who_gives_up_ends_it_for_nobody_else() -> None:
    shared, source = SharedRuns[int](), Source()
    first, second, third = [await _asked(shared, source) for _ in range(3)]
    for gone in (first, second):
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
    source.go.set()
    assert await asyncio.wait_for(third, 5.0) == 0


async def test_an_error_reaches_all_who_share_it_and_not_the_next() -> None:
    shared, source = SharedRuns[int](), Source()

    async def fails() -> int:
        await source.go.wait()
        raise ConnectionError("the database is away")

    first = await _asked(shared, source)
    waiting = [asyncio.create_task(shared.ask("q", fails)) for _ in range(2)]
    await asyncio.sleep(0)
    source.go.set()
    assert await first == 0
    assert [type(found) for found in await asyncio.gather(*waiting, return_exceptions=True)] == [ConnectionError] * 2
    assert await shared.ask("q", source.read) == 0
