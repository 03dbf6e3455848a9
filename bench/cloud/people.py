"""Somebody signed in, and the times of their requests."""

from __future__ import annotations

import time
from uuid import UUID

import httpx
import psycopg
from simems_cloud.identity.passwords import hash_password

from bench.cloud.rig import Rig

PASSWORD = "correct horse battery"  # noqa: S105 - of a database that is thrown away
READY_S = 60.0


def add_person(made: Rig, tenant_id: UUID) -> str:
    """A viewer's address."""
    email = f"{tenant_id}@example.com"
    with psycopg.connect(made.access.admin_url) as connection:
        row = "insert into users (tenant_id, email, password_hash) values (%s, %s, %s) returning user_id"
        found = connection.execute(row, [tenant_id, email, hash_password(PASSWORD)]).fetchone()
        assert found is not None
        grant = "insert into role_grants (tenant_id, user_id, role) values (%s, %s, 'viewer')"
        connection.execute(grant, [tenant_id, found[0]])
    return email


def signed_in(url: str, email: str) -> dict[str, str]:
    """Headers, once the API is ready."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            httpx.get(f"{url}/readyz").raise_for_status()
            break
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    answer = httpx.post(f"{url}/api/v1/auth/token", data={"username": email, "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]
