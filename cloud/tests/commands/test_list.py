"""The commands of all sites: newest first, within reach, by state, a page at a time."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from simems_cloud.kit.database import Pool, transaction

pytestmark = pytest.mark.integration
RESTART = {"order": {"kind": "restart"}}


async def post(api: Any, token: str, path: str, body: Any) -> Any:
    answer = await api.client.post(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def ordered(api: Any, token: str, owner_pool: Pool, customer: Any) -> list[str]:
    """Two sites with a device each, a command to either; their ids in the order of sending."""
    root = await post(api, token, "/organisation/nodes", {"kind": "enterprise", "name": "Harbour"})
    sent = []
    for site in ("here-1", "there-1"):
        body = {"kind": "site", "name": site, "parent_id": root["id"], "site_id": site}
        await post(api, token, "/organisation/nodes", body)
        async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
            await connection.execute(
                "insert into devices (tenant_id, name, public_key, site_id) values ($1, $2, $3, $4)",
                *(customer.tenant_id, site, uuid4().hex + "+" * 8, site),
            )
        sent.append((await post(api, token, f"/sites/{site}/commands", RESTART))["id"])
    return sent


async def test_the_newest_of_all_sites_come_first_a_page_at_a_time(
    api: Any, customer: Any, owner_pool: Pool, new_customer: Any
) -> None:
    token = await api.sign_in(customer)
    first, second = await ordered(api, token, owner_pool, customer)
    assert [row["id"] for row in await api.get("/commands", token)] == [second, first]
    assert [row["id"] for row in await api.get("/commands", token, limit=1)] == [second]
    page = await api.client.get("/api/v1/commands?limit=1", headers={"Authorization": f"Bearer {token}"})
    following = await api.client.get(page.links["next"]["url"], headers={"Authorization": f"Bearer {token}"})
    assert [row["id"] for row in following.json()] == [first]
    assert "next" not in following.links
    stranger = await api.sign_in(await new_customer())
    assert await api.get("/commands", stranger) == []


async def test_a_state_can_be_asked_for(api: Any, customer: Any, owner_pool: Pool) -> None:
    token = await api.sign_in(customer)
    first, second = await ordered(api, token, owner_pool, customer)
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update commands set state = 'done' where command_id = $1", first)
    assert [row["id"] for row in await api.get("/commands", token, state="done")] == [first]
    assert [row["id"] for row in await api.get("/commands", token, state=["done", "queued"])] == [second, first]
    assert await api.get("/sites/here-1/commands", token, state="queued") == []
    assert await api.status("/commands", token, state="nonsense") == 422


async def test_who_has_some_sites_sees_their_commands_only(api: Any, customer: Any, owner_pool: Pool) -> None:
    admin = await api.sign_in(customer)
    first, _ = await ordered(api, admin, owner_pool, customer)
    nodes = (await api.get("/organisation/nodes", admin))["items"]
    here = next(node["id"] for node in nodes if node["name"] == "here-1")
    body = {"email": f"op-{customer.email}", "grants": [{"role": "site_operator", "node_id": here}]}
    invited = await post(api, admin, "/invitations", body)
    accept = {"token": invited["token"], "password": "a long enough password"}
    accepted = await api.client.post("/api/v1/auth/accept-invitation", json=accept)
    operator = accepted.json()["access_token"]
    assert [row["id"] for row in await api.get("/commands", operator)] == [first]
