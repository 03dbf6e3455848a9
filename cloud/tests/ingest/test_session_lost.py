"""A session of the database that ends in the middle of a statement: ingest goes on, nothing is stored twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from simems_cloud.ingest import writer
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.telemetry.store import Device
from simems_core import wire

pytestmark = pytest.mark.integration


async def test_a_session_that_breaks_when_it_is_given_back_is_replaced(
    ingest_pool: Pool,
    customer: Any,
    make_hello: Callable[..., wire.Hello],
    telemetry: Callable[..., wire.Telemetry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaks = ["its release"]

    @asynccontextmanager
    async def broken_once(pool: Pool, **who: Any) -> AsyncIterator[Connection]:
        """Committed, and then asyncpg stumbles over what is left of the session."""
        async with transaction(pool, **who) as connection:
            yield connection
        if breaks:
            raise asyncpg.InternalClientError(f"cannot switch to state 15 at {breaks.pop()}")

    device = Device(customer.tenant_id, customer.device_id, customer.public_key)
    ours = writer.Writer(ingest_pool)
    await ours.write(device, [wire.encode(make_hello(customer.site))])
    monkeypatch.setattr(writer, "transaction", broken_once)
    frame = telemetry(1, 1_760_000_400_000_000, {"grid0/active_power_w": [1.0]})
    written = await ours.write(device, [wire.encode(frame)])
    assert written.answers == [wire.Ack(sequence=1)]
    assert not breaks
    async with transaction(ingest_pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetchval("select count(*) from frames") == 1
