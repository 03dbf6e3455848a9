"""A tenant's command key changes: boxes that are here, boxes that were away, a key that was lost, and who may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hand import Hand
from simems_cloud.cli.platform import OWNER
from simems_cloud.commands import keys
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.vault import Vault
from simems_edge.commands.trust import FILE as TRUST_FILE
from simems_edge.sync.identity import forget_keys

pytestmark = pytest.mark.integration
ORDER = {"order": {"kind": "clear_fault", "code": "x"}}


@pytest.fixture
def ended(person: Any, customer: Any, eventually: Any) -> Callable[[], Any]:
    """A command that was sent now, once it has an end."""

    async def send() -> Any:
        sent = await person.post(f"/sites/{customer.site}/commands", ORDER)

        async def over() -> Any:
            found = await person.get(f"/commands/{sent['id']}")
            return found if found["state"] in ("done", "rejected", "expired") else None

        return await eventually(over)

    return send


@pytest.fixture
def following(person: Any, eventually: Any) -> Callable[[int], Any]:
    """Waits until so many devices say that they believe the newest key."""

    async def wait(count: int) -> Any:
        async def there() -> Any:
            found = await person.get("/command-key")
            return found if found["devices_following"] == count else None

        return await eventually(there)

    return wait


async def test_a_box_follows_at_once_and_after_it_was_away_for_several_changes(
    make_box: Any, take_in: Any, person: Any, ended: Any, following: Any, owner_pool: Pool, customer: Any
) -> None:
    box = make_box()
    hand = Hand(box.folder)
    async with box.running(**hand.partners()):
        await take_in(box)
        assert (await ended())["state"] == "done"
        first = await following(1)
        changed = await person.post("/command-key/change", {"overlap_s": 0})
        assert (changed["number"], changed["key"] != first["key"]) == (1, True)
        await following(1)
        assert (await ended())["state"] == "done"
    for _ in range(3):
        changed = await person.post("/command-key/change", {"overlap_s": 0})
    assert [one["name"] for one in changed["devices_behind"]] == ["box", "edge"]
    async with box.running(**hand.partners()):
        assert (await ended())["state"] == "done"
        assert (await following(1))["number"] == 4
    assert [one.key for one in hand.notes.done][-1] == changed["key"]
    assert [event.code for event in hand.events].count("command.key_changed") == 2
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        kept = await connection.fetch("select number from command_keys where sealed_secret is not null")
    assert [row["number"] for row in kept] == [4], "the secret halves of old keys are gone"


async def test_after_the_old_key_was_lost_each_box_is_claimed_again(
    make_box: Any, take_in: Any, person: Any, ended: Any, cloud_settings: Any, owner_pool: Pool, customer: Any
) -> None:
    box = make_box()
    hand = Hand(box.folder)
    async with box.running(**hand.partners()):
        device = await take_in(box)
        assert (await ended())["state"] == "done"
        await keys.begin_anew(owner_pool, Vault(cloud_settings.data_dir), OWNER, customer.tenant_id)
        refused = await ended()
        assert (refused["state"], "not the tenant's" in refused["reason"]) == ("rejected", True)
        told = {one["name"]: one["reason"] for one in (await person.get("/command-key"))["devices_behind"]}
        assert "simems-edge identity --renew" in told["box"]
    (box.folder / TRUST_FILE).unlink()
    forget_keys(box.folder)
    box = make_box()
    async with box.running(**hand.partners()):
        await take_in(box, replaces=device)
        assert (await ended())["state"] == "done"
    assert len(hand.notes.done) == 2


async def test_the_key_of_one_tenant_moves_no_box_of_another(
    make_box: Any, take_in: Any, api: Any, new_customer: Any, ended: Any, following: Any
) -> None:
    box = make_box()
    hand = Hand(box.folder)
    async with box.running(**hand.partners()):
        await take_in(box)
        assert (await ended())["state"] == "done"
        before = await following(1)
        headers = {"Authorization": f"Bearer {await api.sign_in(await new_customer())}"}
        answer = await api.client.post("/api/v1/command-key/change", headers=headers, json={})
        assert (answer.status_code, answer.json()["devices_following"]) == (200, 0)
        assert await following(1) == before
        assert (await ended())["state"] == "done"


@pytest.mark.parametrize("role", ["viewer", "site_operator", "fleet_manager", "platform"])
async def test_who_may_not_cannot(api: Any, new_customer: Any, role: str) -> None:
    headers = {"Authorization": f"Bearer {await api.sign_in(await new_customer(role=role))}"}
    answer = await api.client.post("/api/v1/command-key/change", headers=headers, json={})
    assert answer.status_code == 403


async def test_the_platform_changes_the_key_of_a_tenant_and_only_it(
    api: Any, new_customer: Any, customer: Any, owner_pool: Pool
) -> None:
    path = f"/api/v1/platform/tenants/{customer.tenant_id}/command-key/change"
    for role, status in (("tenant_admin", 403), ("platform", 200)):
        headers = {"Authorization": f"Bearer {await api.sign_in(await new_customer(role=role))}"}
        answer = await api.client.post(path, headers=headers, json={"overlap_s": 0})
        assert answer.status_code == status, answer.text
    unknown = path.replace(str(customer.tenant_id), "00000000-0000-4000-8000-000000000000")
    assert (await api.client.post(unknown, headers=headers, json={})).status_code == 404
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetchval("select max(number) from command_keys") == 1


async def test_a_change_that_is_sent_twice_is_done_once(api: Any, customer: Any) -> None:
    headers = {"Authorization": f"Bearer {await api.sign_in(customer)}", "Idempotency-Key": "change-2026"}
    answers = [await api.client.post("/api/v1/command-key/change", headers=headers, json={}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["number"] == 1
    for wrong in ({"overlap_s": -1}, {"overlap_s": 10**9}, {"overlap_s": "x"}):
        answer = await api.client.post(
            "/api/v1/command-key/change", headers={"Authorization": headers["Authorization"]}, json=wrong
        )
        assert answer.status_code == 422
