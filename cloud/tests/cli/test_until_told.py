"""A process that is told to stop ends, also when its work loses the word."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import pytest
from simems_cloud.cli.until_told import until_told

AGAIN_S = 0.05


async def _told(number: signal.Signals = signal.SIGTERM) -> None:
    await asyncio.sleep(0)
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_work_is_cancelled_once_and_may_end_in_order(number: signal.Signals) -> None:
    heard: list[str] = []

    async def work() -> None:
        try:
            await _told(number)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("told")
            await asyncio.sleep(0)
            heard.append("in order")
            raise

    await until_told(work(), again_s=20.0)
    assert heard == ["told", "in order"]


async def test_a_word_that_is_lost_is_said_again() -> None:
    lost: list[int] = []

    async def work() -> None:
        await _told()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append(1)  # as an error of the database takes its place

    await until_told(work(), AGAIN_S)
    assert lost == [1]


async def test_who_never_hears_is_ended_by_force() -> None:
    codes: list[int] = []
    enough = asyncio.Event()

    async def work() -> None:
        await _told()
        while not enough.is_set():
            with suppress(asyncio.CancelledError):
                await enough.wait()

    def by_force(code: int) -> None:
        codes.append(code)
        enough.set()

    await until_told(work(), AGAIN_S, by_force)
    assert codes == [1]


async def test_an_error_is_told_and_an_end_is_an_end() -> None:
    async def failing() -> None:
        raise ValueError("no such database")

    async def ending() -> None:
        await asyncio.sleep(0)

    await until_told(ending())
    with pytest.raises(ValueError, match="no such database"):
        await until_told(failing())
