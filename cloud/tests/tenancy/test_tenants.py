"""Tenants from outside: made, shut out, let in, exported, deleted, and nobody else's row touched."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from simems_cloud.audit.chain import verify_chain
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.tenancy.purge import purge_all

pytestmark = pytest.mark.integration
SIMEMS = Path(sys.executable).parent / "simems-cloud"


async def call(api: Any, method: str, path: str, token: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return await api.client.request(method, f"/api/v1/platform/tenants{path}", headers=headers, json=body)


async def test_from_creation_to_tombstone(
    api: Any, new_customer: Any, isolation_rows: Any, app_pool: Pool, owner_pool: Pool, counts: Any
) -> None:
    platform, bystander = await new_customer(role="platform"), await new_customer()
    await isolation_rows(bystander.tenant_id)
    token = await api.sign_in(platform)
    made = await call(api, "POST", "", token, {"name": f"New {platform.email}", "admin_email": f"a-{platform.email}"})
    assert made.status_code == 201
    tenant = UUID(made.json()["id"])
    assert (
        await call(api, "POST", "", token, {"name": f"New {platform.email}", "admin_email": "b@b.se"})
    ).status_code == 409
    admin = await api.client.post(
        "/api/v1/auth/accept-invitation",
        json={"token": made.json()["invitation"], "password": "a long enough password"},
    )
    me = await api.get("/me", admin.json()["access_token"])
    assert me["roles"] == ["tenant_admin"]
    await isolation_rows(tenant)
    before = await counts()
    asked = await call(api, "POST", f"/{tenant}/deletion", token)
    assert asked.status_code == 409, "only a suspended tenant can be deleted"
    assert (await call(api, "POST", f"/{tenant}/suspend", token)).status_code == 200
    assert await api.status("/me", admin.json()["access_token"]) == 401
    confirmation = (await call(api, "POST", f"/{tenant}/deletion", token)).json()["confirmation"]
    wrong = {"name": "another", "confirmation": confirmation}
    assert (await call(api, "POST", f"/{tenant}/deletion/confirm", token, wrong)).status_code == 403
    right = {"name": f"New {platform.email}", "confirmation": confirmation}
    assert (await call(api, "POST", f"/{platform.tenant_id}/deletion/confirm", token, right)).status_code == 409
    assert (await call(api, "POST", f"/{bystander.tenant_id}/deletion/confirm", token, right)).status_code == 403
    assert (await call(api, "POST", f"/{tenant}/deletion/confirm", token, right)).status_code == 202
    await purge_all(app_pool, batch=2)
    after = await counts()
    assert {table for (table, owner), rows in after.items() if owner == tenant and rows} == {
        "tenants",
        "audit_log",
        "audit_heads",
    }
    others = {key: rows for key, rows in before.items() if key[1] != tenant}
    assert {key: rows for key, rows in after.items() if key[1] != tenant} == others
    async with transaction(owner_pool, tenant=tenant) as connection:
        assert (await verify_chain(connection, tenant)).broken is None
        last = await connection.fetchval("select action from audit_log order by serial desc limit 1")
    assert last == "tenant.deleted"
    (tombstone,) = [t for t in (await call(api, "GET", "", token)).json() if t["id"] == str(tenant)]
    assert tombstone["status"] == "deleted"


async def test_suspended_and_back(api: Any, new_customer: Any, ingest_pool: Pool) -> None:
    platform, customer = await new_customer(role="platform"), await new_customer()
    token, theirs = await api.sign_in(platform), await api.sign_in(customer)

    async def device_known() -> bool:
        async with transaction(ingest_pool) as connection:
            found = await connection.fetchval("select count(*) from device_by_key($1)", customer.public_key)
        return bool(found == 1)

    assert await device_known()
    assert (await call(api, "POST", f"/{customer.tenant_id}/suspend", token)).status_code == 200
    assert not await device_known()
    assert (await call(api, "POST", f"/{customer.tenant_id}/suspend", token)).status_code == 409
    assert (await call(api, "POST", f"/{customer.tenant_id}/resume", token)).status_code == 200
    assert await device_known()
    assert await api.status("/sites", theirs) == 200
    assert (await call(api, "POST", f"/{platform.tenant_id}/suspend", token)).status_code == 409
    assert (await call(api, "POST", f"/{UUID(int=1)}/suspend", token)).status_code == 404


async def test_purging_needs_a_confirmed_deletion(app_pool: Pool, customer: Any) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="not been confirmed"):
        async with transaction(app_pool, tenant=customer.tenant_id) as connection:
            await connection.fetchval("select purge_batch(10)")


async def test_only_the_platforms_people_see_all_tenants(app_pool: Pool, customer: Any) -> None:
    for user in (None, customer.user_id):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="people of the platform"):
            async with transaction(app_pool, tenant=customer.tenant_id, user=user) as connection:
                await connection.fetch("select * from platform_tenants()")


async def test_an_export_holds_every_row_and_no_secret(
    api: Any, new_customer: Any, isolation_rows: Any, counts: Any, database: Any, tmp_path: Path
) -> None:
    platform, customer, other = await new_customer(role="platform"), await new_customer(), await new_customer()
    await isolation_rows(customer.tenant_id)
    await isolation_rows(other.tenant_id)
    token = await api.sign_in(platform)
    answer = await call(api, "GET", f"/{customer.tenant_id}/export", token)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    manifest = lines.pop()["manifest"]["tables"]
    assert all(line["row"]["tenant_id"] == str(customer.tenant_id) for line in lines)
    expected = {
        table: rows for (table, owner), rows in (await counts()).items() if owner == customer.tenant_id and rows
    }
    for left_out in (
        "audit_heads",
        "refresh_tokens",
        "oidc_flows",
        "idempotency_keys",
        "recovery_codes",
        "export_chunks",
    ):
        expected.pop(left_out, None)
    assert {table: entry["rows"] for table, entry in manifest.items() if entry["rows"]} == expected
    assert "argon2" not in answer.text
    assert not [line for line in lines if {"token_hash", "password_hash", "sealed_secret"} & set(line["row"])]
    environment = {**os.environ, "SIMEMS_DATABASE_URL": database.admin_url, "SIMEMS_DATA_DIR": str(tmp_path)}
    target = tmp_path / "out.zip"
    command: list[str | Path] = [SIMEMS, "tenant", "export", str(customer.tenant_id), "-o", str(target)]
    await asyncio.to_thread(subprocess.run, command, check=True, env=environment, capture_output=True)
    with zipfile.ZipFile(target) as archive:
        tables = json.loads(archive.read("manifest.json"))["tables"]
        for name, entry in tables.items():
            if entry["rows"]:
                content = archive.read(f"{name}.jsonl")
                assert (content.count(b"\n"), hashlib.sha256(content).hexdigest()) == (entry["rows"], entry["sha256"])
    again = await asyncio.to_thread(
        subprocess.run, command, check=False, env=environment, capture_output=True, text=True
    )
    assert (again.returncode, "there already" in again.stderr) == (2, True)


def test_the_commands(database: Any, tmp_path: Path) -> None:
    environment = {**os.environ, "SIMEMS_DATABASE_URL": database.admin_url, "SIMEMS_DATA_DIR": str(tmp_path)}

    def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SIMEMS, *arguments], check=False, env=environment, capture_output=True, text=True, input=text
        )

    assert run("tenant", "create", "Short").returncode == 0
    email = f"{tmp_path.name}@example.com".lower()
    made = run("user", "create", email, "--tenant", "Short", "--role", "viewer", text="long enough words\n")
    assert made.returncode == 0, made.stderr
    assert run("user", "deactivate", email, "--tenant", "Short").returncode == 0
    assert run("user", "deactivate", email, "--tenant", "Short").returncode == 1
    refused = run("tenant", "delete", "Short", "--confirm", "Short")
    assert (refused.returncode, "not suspended" in refused.stderr) == (1, True)
    assert run("tenant", "suspend", "Short").returncode == 0
    assert run("tenant", "resume", "Short").returncode == 0
    assert run("tenant", "suspend", "Short").returncode == 0
    unsure = run("tenant", "delete", "Short")
    assert (unsure.returncode, "--confirm" in unsure.stderr) == (2, True)
    assert run("tenant", "delete", "Short", "--confirm", "Shrt").returncode == 1
    done = run("tenant", "delete", "Short", "--confirm", "Short", "--json")
    assert (done.returncode, json.loads(done.stdout)["deleted"]) == (0, "Short")
    assert "Short" not in run("tenant", "list").stdout
    assert run("audit", "verify").returncode == 0
