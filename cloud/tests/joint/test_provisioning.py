"""A box nobody knows comes in by its claim code, is shut out, is replaced: no value is lost."""

from __future__ import annotations

from typing import Any

import pytest
from simems_cloud.kit.database import Pool, transaction

pytestmark = pytest.mark.integration


async def _values(pool: Pool, customer: Any) -> list[float]:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        rows = await connection.fetch("select value from measurements order by value")
    return [row["value"] for row in rows]


async def test_a_refused_box_keeps_trying_and_is_let_in_once_approved(
    make_box_over: Any, take_in: Any, eventually: Any, customer: Any, person: Any, app_pool: Pool
) -> None:
    box = make_box_over()
    async with box.running():
        await box.measure(1, 2, 3)
        await eventually(lambda: box.uplink.status.link == "refused")
        await eventually(lambda: "enter the claim code" in box.uplink.status.error)
        assert box.identity.claim_code not in box.uplink.status.error
        device = await person.get(f"/devices/{await take_in(box)}")
        assert device["fingerprint"] == box.identity.fingerprint
        await eventually(box.all_acked)
    assert await _values(app_pool, customer) == [1.0, 2.0, 3.0]


async def test_a_revoked_box_is_cut_and_a_new_box_takes_its_place(
    make_box: Any, take_in: Any, person: Any, eventually: Any, customer: Any, app_pool: Pool
) -> None:
    old, new = make_box("old"), make_box("new")
    async with old.running():
        device = await take_in(old)
        await old.measure(1)
        await eventually(old.all_acked)
        async with new.running():
            await new.measure(5)
            replacement = await take_in(new, replaces=device)
            await eventually(new.all_acked)
            await eventually(lambda: old.uplink.status.link == "refused", 5.0)
            await old.measure(2)
        assert (await old.buffer.status()).queued == 1
    assert await _values(app_pool, customer) == [1.0, 5.0]
    devices = {row["id"]: row for row in await person.get("/devices")}
    assert (devices[device]["replaced_by"], devices[replacement]["site_id"]) == (replacement, customer.site)


async def test_a_revoked_box_hears_that_it_was(make_box: Any, take_in: Any, eventually: Any, person: Any) -> None:
    box = make_box()
    async with box.running():
        device = await take_in(box)
        await eventually(lambda: box.uplink.status.link == "up")
        await person.post(f"/devices/{device}/revoke")
        await eventually(lambda: "revoked" in box.uplink.status.error)
        assert box.uplink.status.link == "refused"
