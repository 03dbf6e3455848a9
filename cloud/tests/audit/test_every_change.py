"""Every route that changes something writes an entry; a new one without an example here fails."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pyotp
import pytest
import zmq
from fastapi.routing import APIRoute, iter_route_contexts
from simems_cloud.api.app import create_app
from simems_cloud.audit.chain import verify_chain
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.settings import Settings
from simems_core.claiming import fingerprint, new_code

pytestmark = pytest.mark.integration
PASSWORD, NEW = "correct horse battery", "another long password"
NO_CHANGE = {
    "/auth/oidc/start": "begins a sign-in; nothing of the tenant's changes until it is finished",
    "/grafana/search": "reads; Grafana asks by POST",
    "/grafana/metrics": "as above",
    "/grafana/query": "as above",
    "/reports/{report_id}/verify": "compares",
}
ELSEWHERE = {
    "/auth/oidc/finish": "test_sso.py: it needs a provider",
    "/jobs/{job_id}/retry": "below: it needs a job that has failed",
}


def changing() -> set[tuple[str, str]]:
    app = create_app(Settings(data_dir=Path("/nonexistent")), "postgresql://")
    return {
        (method, (route.path or "").removeprefix("/api/v1"))
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        for method in route.methods or ()
        if method not in ("GET", "HEAD")
    }


class Caller:
    """Calls as one person and remembers which routes it has seen to record something."""

    def __init__(self, api: Any, pool: Pool, customer: Any) -> None:
        self._api, self._pool, self._tenant = api, pool, customer.tenant_id
        self.token = ""
        self.seen: set[tuple[str, str]] = set()

    async def entries(self, tenant: Any = None) -> int:
        async with transaction(self._pool, tenant=tenant or self._tenant) as connection:
            return int(await connection.fetchval("select count(*) from audit_log"))

    async def __call__(
        self, method: str, route: str, body: Any = None, *, tag: str = "", tenant: Any = None, **ids: Any
    ) -> Any:
        before = await self.entries(tenant)
        answer = await self._api.client.request(
            method,
            f"/api/v1{route.format(**ids)}",
            headers={"Authorization": f"Bearer {self.token or 'none'}", "If-Match": tag},
            **({"data": body} if route == "/auth/token" else {"json": body}),
        )
        assert answer.is_success, (method, route, answer.text)
        assert await self.entries(tenant) > before, (method, route)
        self.seen.add((method, route))
        return answer.json() if answer.content else None


@pytest.fixture
async def caller(api: Any, owner_pool: Pool, customer: Any) -> AsyncIterator[Caller]:
    yield Caller(api, owner_pool, customer)
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        assert (await verify_chain(connection, customer.tenant_id)).broken is None


async def account(call: Caller, customer: Any) -> None:
    """One's own."""
    form = {"username": customer.email, "password": PASSWORD}
    tokens = await call("POST", "/auth/token", form)
    call.token = tokens["access_token"]
    await call("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    await call("POST", "/me/password", {"password": PASSWORD, "new_password": NEW})
    secret = (await call("POST", "/me/second-factor", {"password": NEW}))["secret"]
    await call("POST", "/me/second-factor/confirm", {"code": pyotp.TOTP(secret).at(time.time())})
    await call("POST", "/me/second-factor/remove", {"password": NEW})
    made = await call("POST", "/me/tokens", {"name": "x", "permissions": ["sites:read"]})
    await call("DELETE", "/me/tokens/{token_id}", token_id=made["id"])
    other = await call("POST", "/auth/token", form | {"password": NEW})
    mine = await _me(call, other["access_token"])
    await call("DELETE", "/me/sessions/{session_id}", session_id=mine)


async def _me(call: Caller, token: str) -> str:
    (current,) = [s for s in await call._api.get("/me/sessions", token) if s["current"]]
    return str(current["id"])


async def people(call: Caller, customer: Any) -> None:
    invitation = {"email": f"p-{customer.email}", "grants": [{"role": "viewer"}]}
    first = await call("POST", "/invitations", invitation)
    await call("DELETE", "/invitations/{invitation_id}", invitation_id=first["id"])
    token = (await call("POST", "/invitations", invitation))["token"]
    theirs = (await call("POST", "/auth/accept-invitation", {"token": token, "password": NEW}))["access_token"]
    (person,) = [p for p in (await call._api.get("/users", call.token))["items"] if p["email"].startswith("p-")]
    user = {"user_id": person["id"]}
    await call("PUT", "/users/{user_id}/roles", {"grants": [{"role": "billing"}]}, tag='"1"', **user)
    enrol = {"Authorization": f"Bearer {theirs}"}
    await call._api.client.post("/api/v1/me/second-factor", headers=enrol, json={"password": NEW})
    await call("DELETE", "/users/{user_id}/second-factor", **user)
    await call("DELETE", "/users/{user_id}/sessions", **user)
    await call("PATCH", "/users/{user_id}", {"name": "P", "active": False}, tag='"2"', **user)
    await call("POST", "/roles", {"role": "night", "permissions": ["alarms:read"]})
    await call("PUT", "/roles/{role}", {"permissions": ["sites:read"]}, tag='"1"', role="night")
    await call("DELETE", "/roles/{role}", role="night")
    name = f"T {customer.tenant_id}"
    await call("PATCH", "/tenant", {"name": name, "second_factor_required": False}, tag='"1"')


async def organisation(call: Caller, customer: Any, owner_pool: Pool) -> None:
    root = await call("POST", "/organisation/nodes", {"kind": "enterprise", "name": "Root"})
    node = await call("POST", "/organisation/nodes", {"kind": "enterprise", "name": "Node"})
    path, ids = "/organisation/nodes/{node_id}", {"node_id": node["id"]}
    await call("PATCH", path, {"name": "Other"}, tag='"1"', **ids)
    await call("POST", f"{path}/move", {"parent_id": root["id"]}, tag='"2"', **ids)
    await call("POST", f"{path}/archive", tag='"3"', **ids)
    await call("POST", f"{path}/restore", tag='"4"', **ids)
    await _upload(call)
    await call("PUT", "/sites/{site_id}/facts", {"city": "Malmö"}, tag='"0"', site_id="malmo-9")
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        alarm = await connection.fetchval(
            """insert into alarms (tenant_id, site_id, device_id, origin, event_id, code, severity, component, text,
            cause, effect, remedy, raised_at)
            values (app_tenant(), 'malmo-9', $1, 'edge', 'e', 'c', 'alarm', '', '', '', '', '', now())
            returning alarm_id""",
            customer.device_id,
        )
    await call("POST", "/alarms/{alarm_id}/acknowledge", alarm_id=alarm)
    wanted = {"channels": ["a/b"], "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    export = await call("POST", "/sites/{site_id}/exports", wanted, site_id="malmo-9")
    await call("DELETE", "/sites/{site_id}/exports/{export_id}", site_id="malmo-9", export_id=export["id"])
    await call("PUT", "/tenant/retention", {"raw_days": 30}, tag='"0"')
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute(
            """insert into equipment (tenant_id, site_id, component_id, type)
            values (app_tenant(), 'malmo-9', 'm', 'meter')"""
        )
    place = {"site_id": "malmo-9", "component": "m"}
    await call("POST", "/sites/{site_id}/equipment/{component}/replace", {"serial_number": "2"}, **place)
    new = {"name": "new", "public_key": zmq.curve_keypair()[0].decode()}
    made = await call("POST", "/devices/{device_id}/replace", new, device_id=customer.device_id)
    await boxes(call, customer, owner_pool)
    await call("POST", "/devices/{device_id}/revoke", device_id=made["id"])
    await alarms(call, customer, alarm)
    await reports(call, root["id"], owner_pool)


async def boxes(call: Caller, customer: Any, owner_pool: Pool) -> None:
    """Claims and commands."""
    claims = [await call("POST", "/device-claims", {"code": new_code(), "name": "box"}) for _ in range(2)]
    keys = [zmq.curve_keypair()[0].decode() for _ in claims]
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        for claim, key in zip(claims, keys, strict=True):
            await connection.execute(
                "update device_claims set state = 'presented', public_key = $2, site_id = 'malmo-9' "
                "where claim_id = $1",
                *(claim["id"], key),
            )
    shown = {"fingerprint": fingerprint(keys[0])}
    await call("POST", "/device-claims/{claim_id}/approve", shown, claim_id=claims[0]["id"])
    await call("POST", "/device-claims/{claim_id}/refuse", {}, claim_id=claims[1]["id"])
    await call("DELETE", "/device-claims/{claim_id}", claim_id=claims[1]["id"])
    order = {"order": {"kind": "restart"}}
    await call("POST", "/sites/{site_id}/commands", order, site_id="malmo-9")
    await call("POST", "/command-batches", {"site_ids": ["malmo-9"], **order})
    await call("POST", "/command-key/change", {})


async def alarms(call: Caller, customer: Any, alarm: Any) -> None:
    rule = {"name": "Warm", "kind": "above", "channel": "*/x", "threshold": 1}
    made = await call("POST", "/alarm-rules", rule)
    await call("PUT", "/alarm-rules/{rule_id}", rule, tag='"1"', rule_id=made["id"])
    await call("DELETE", "/alarm-rules/{rule_id}", rule_id=made["id"])
    await call("POST", "/alarms/{alarm_id}/comments", {"text": "x"}, alarm_id=alarm)
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await call("POST", "/alarms/{alarm_id}/silence", {"until": soon}, alarm_id=alarm)
    silence = await call("POST", "/alarm-silences", {"until": soon})
    await call("POST", "/alarm-silences/{silence_id}/end", silence_id=silence["id"])
    webhook = {"name": "Hook", "url": "http://93.184.216.34/hook"}
    hook = {"webhook_id": (await call("POST", "/webhooks", webhook))["id"]}
    await call("PUT", "/webhooks/{webhook_id}", webhook, tag='"1"', **hook)
    await call("POST", "/webhooks/{webhook_id}/test", **hook)
    wanted = {"user_id": str(customer.user_id)}
    heard = {"subscription_id": (await call("POST", "/subscriptions", wanted))["id"]}
    await call("PUT", "/subscriptions/{subscription_id}", wanted, tag='"1"', **heard)
    await call("DELETE", "/subscriptions/{subscription_id}", **heard)
    await call("DELETE", "/webhooks/{webhook_id}", **hook)
    sent = await call("POST", "/deliveries/test")
    async with transaction(call._pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update notification_deliveries set state = 'failed'")
    await call("POST", "/deliveries/{delivery_id}/retry", delivery_id=sent["id"])


async def reports(call: Caller, node: str, owner_pool: Pool) -> None:
    wanted = {"node_id": node, "period": "day", "day": "2026-03-01"}
    report = {"report_id": (await call("POST", "/reports", wanted))["id"]}
    await call("DELETE", "/reports/{report_id}", **report)
    schedule = {"node_id": node, "period": "day"}
    ids = {"schedule_id": (await call("POST", "/report-schedules", schedule))["id"]}
    await call("PUT", "/report-schedules/{schedule_id}", schedule, tag='"1"', **ids)
    await call("DELETE", "/report-schedules/{schedule_id}", **ids)


async def _upload(call: Caller) -> None:
    before = await call.entries()
    text = "parent,kind,name,site_id\nRoot,site,Malmö,malmo-9\n"
    headers = {"Authorization": f"Bearer {call.token}", "Content-Type": "text/csv"}
    path = "/api/v1/organisation/import?dry_run=false"
    answer = await call._api.client.post(path, headers=headers, content=text.encode())
    assert answer.json()["nodes"] == 1
    assert await call.entries() == before + 1
    call.seen.add(("POST", "/organisation/import"))


async def tenants(call: Caller, platform: Any) -> None:
    call.token = await call._api.sign_in(platform)
    name = f"N {platform.email}"
    path = "/platform/tenants"
    made = await call._api.client.post(
        f"/api/v1{path}",
        headers={"Authorization": f"Bearer {call.token}"},
        json={"name": name, "admin_email": platform.email},
    )
    tenant = UUID(made.json()["id"])
    assert await call.entries(tenant) == 1
    call.seen.add(("POST", path))
    change = "/platform/tenants/{tenant_id}/command-key/change"
    await call("POST", change, {"overlap_s": 0}, tenant=tenant, tenant_id=tenant)
    for verb in ("suspend", "resume", "suspend"):
        await call("POST", f"{path}/{{tenant_id}}/{verb}", tenant=tenant, tenant_id=tenant)
    asked = await call("POST", f"{path}/{{tenant_id}}/deletion", tenant=tenant, tenant_id=tenant)
    body = {"name": name, "confirmation": asked["confirmation"]}
    await call("POST", f"{path}/{{tenant_id}}/deletion/confirm", body, tenant=tenant, tenant_id=tenant)


async def test_every_changing_route_writes_an_entry(
    caller: Caller, customer: Any, new_customer: Any, owner_pool: Pool
) -> None:
    await account(caller, customer)
    await people(caller, customer)
    await organisation(caller, customer, owner_pool)
    await caller("POST", "/auth/sign-out")
    await tenants(caller, await new_customer(role="platform"))
    missing = changing() - caller.seen
    assert {path for _, path in missing} == {*NO_CHANGE, *ELSEWHERE}, sorted(missing)


async def test_starting_a_failed_job_again_writes_an_entry(
    caller: Caller, customer: Any, database: Any, owner_pool: Pool
) -> None:
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        job = await connection.fetchval("select enqueue_job('tenant.deliver', '{}', null, null)")
    superuser = await asyncpg.connect(database.admin_url)
    await superuser.execute("update jobs.procrastinate_jobs set status = 'failed' where id = $1", job)
    await superuser.close()
    caller.token = await caller._api.sign_in(customer)
    await caller("POST", "/jobs/{job_id}/retry", job_id=job)
    assert (await caller._api.get("/jobs", caller.token))["items"][0]["status"] == "waiting"
