"""Rates: one bucket over all processes, filled again as time passes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from simems_cloud.access.rates import WRITES_PER_MINUTE, take_turn
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import TooManyAttemptsError

pytestmark = pytest.mark.integration


async def test_a_bucket_is_shared_and_fills_again(app_pool: Pool, owner_pool: Pool) -> None:
    waits: list[int] = []

    async def one(_: int) -> bool:
        try:
            await take_turn(app_pool, "test", "ada", 10)
        except TooManyAttemptsError as error:
            waits.append(int(error.headers["Retry-After"]))
            return False
        return True

    taken = await asyncio.gather(*map(one, range(30)))
    assert 10 <= sum(taken) <= 12, "ten, and what has filled in while they were taken"
    async with transaction(owner_pool) as connection:
        await connection.execute("update rate_buckets set at = at - interval '30 s'")
    assert 4 <= sum(await asyncio.gather(*map(one, range(30)))) <= 7
    assert all(1 <= wait_s <= 6 for wait_s in waits)
    await take_turn(app_pool, "test", "bob", 10)


async def test_who_writes_too_much_waits_and_may_read(
    api: Any, second_api: Any, customer: Any, owner_pool: Pool
) -> None:
    token = await api.sign_in(customer)
    await api.client.post("/api/v1/roles", headers={"Authorization": f"Bearer {token}"}, json={})
    async with transaction(owner_pool) as connection:
        await connection.execute("update rate_buckets set tokens = 0.0, at = now() + interval '30 s'")
    for process in (api, second_api):
        answer = await process.client.post("/api/v1/roles", headers={"Authorization": f"Bearer {token}"}, json={})
        assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
        assert await process.status("/sites", token) == 200
    assert WRITES_PER_MINUTE >= 60
