"""Alarms converge whatever order their events come in; silence is noticed and forgotten by itself."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simems_cloud.alarms.events import apply_events
from simems_cloud.alarms.watch import look
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.telemetry.announce import announce
from simems_cloud.telemetry.store import Device
from simems_core import wire

pytestmark = pytest.mark.integration
T0 = datetime(2026, 3, 2, 10, tzinfo=UTC)


def _event(kind: str, second: int, **fields: Any) -> wire.Event:
    time_us = int((T0 + timedelta(seconds=second)).timestamp() * 1e6)
    base = {"id": "e1", "code": "bridge.lost", "severity": "alarm", "component": "grid0", "text": "Silent"}
    return wire.Event(**{**base, "kind": kind, "time_us": time_us, **fields})


async def _announced(pool: Pool, customer: Any, make_hello: Any) -> Device:
    device = Device(customer.tenant_id, customer.device_id, customer.public_key)
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        await announce(connection, device, make_hello(customer.site))
    return device


@pytest.mark.parametrize("order", list(itertools.permutations((0, 1))))
async def test_raised_and_cleared_in_any_order(
    ingest_pool: Pool, customer: Any, make_hello: Any, order: tuple[int, ...]
) -> None:
    device = await _announced(ingest_pool, customer, make_hello)
    events = [_event("raised", 0), _event("cleared", 30)]
    for _ in range(2):
        for index in order:
            async with transaction(ingest_pool, tenant=customer.tenant_id) as connection:
                await apply_events(connection, device, customer.site, [events[index]])
    async with transaction(ingest_pool, tenant=customer.tenant_id) as connection:
        (row,) = await connection.fetch("select raised_at, cleared_at, severity from alarms")
    assert (row["raised_at"], row["cleared_at"]) == (T0, T0 + timedelta(seconds=30))


async def test_actions_are_audited(ingest_pool: Pool, app_pool: Pool, customer: Any, make_hello: Any) -> None:
    device = await _announced(ingest_pool, customer, make_hello)
    action = _event("action", 5, id="x", code="override.set", actor="operator")
    async with transaction(ingest_pool, tenant=customer.tenant_id) as connection:
        await apply_events(connection, device, customer.site, [action])
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        (row,) = await connection.fetch("select at, actor, action from audit_log")
    assert tuple(row) == (T0 + timedelta(seconds=5), "operator", "override.set")


async def test_a_silent_device_is_alarmed_once_and_clears_by_itself(
    ingest_pool: Pool, app_pool: Pool, owner_pool: Pool, customer: Any, make_hello: Any
) -> None:
    await _announced(ingest_pool, customer, make_hello)

    async def standing() -> list[str]:
        async with transaction(app_pool, tenant=customer.tenant_id) as connection:
            rows = await connection.fetch("select code from alarms where cleared_at is null and origin = 'cloud'")
        return [row["code"] for row in rows]

    async def last_frame(ago_s: float) -> None:
        async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
            await connection.execute("update devices set last_frame_at = now() - make_interval(secs => $1)", ago_s)

    await look(app_pool, 30)
    assert await standing() == []
    await last_frame(31)
    for _ in range(2):
        await look(app_pool, 30)
        assert await standing() == ["cloud.device_silent"]
    await last_frame(1)
    await look(app_pool, 30)
    assert await standing() == []
