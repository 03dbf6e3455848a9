"""Invitations, roles and grants: nobody gives more than they have, nobody shuts the last door behind them."""

from __future__ import annotations

from typing import Any

import pytest
from simems_cloud.kit.database import Pool, transaction

pytestmark = pytest.mark.integration


def auth(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **{k.replace("_", "-"): v for k, v in headers.items()}}


async def call(api: Any, method: str, path: str, token: str, body: Any = None, **headers: str) -> Any:
    return await api.client.request(method, f"/api/v1{path}", headers=auth(token, **headers), json=body)


async def invited(api: Any, token: str, email: str, role: str) -> str:
    """The access token of a new person with that role."""
    made = await call(api, "POST", "/invitations", token, {"email": email, "grants": [{"role": role}]})
    assert made.status_code == 201, made.text
    body = {"token": made.json()["token"], "name": "New", "password": "a long enough password"}
    accepted = await api.client.post("/api/v1/auth/accept-invitation", json=body)
    assert accepted.status_code == 201, accepted.text
    return str(accepted.json()["access_token"])


async def test_from_invitation_to_person(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    email = f"new-{customer.email}"
    made = await call(api, "POST", "/invitations", admin, {"email": email.upper(), "grants": [{"role": "viewer"}]})
    (listed,) = await api.get("/invitations", admin)
    assert (listed["email"], "token" in listed) == (email, False)
    body = {"token": made.json()["token"], "password": "short"}
    assert (await api.client.post("/api/v1/auth/accept-invitation", json=body)).status_code == 422
    body["password"] = "a long enough password"
    accepted = await api.client.post("/api/v1/auth/accept-invitation", json=body)
    me = await api.get("/me", accepted.json()["access_token"])
    assert (me["email"], me["roles"]) == (email, ["viewer"])
    assert (await api.client.post("/api/v1/auth/accept-invitation", json=body)).status_code == 404
    people = await api.get("/users", admin, limit=1)
    assert len(people["items"]) == 1
    assert len((await api.get("/users", admin, after=people["next"]))["items"]) == 1


async def test_a_withdrawn_or_expired_invitation_is_worth_nothing(api: Any, customer: Any, owner_pool: Pool) -> None:
    admin = await api.sign_in(customer)
    tokens = []
    for name in ("a", "b"):
        body = {"email": f"{name}-{customer.email}", "grants": [{"role": "viewer"}]}
        tokens.append((await call(api, "POST", "/invitations", admin, body)).json())
    assert (await call(api, "DELETE", f"/invitations/{tokens[0]['id']}", admin)).status_code == 204
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update invitations set expires_at = now()")
    for made in tokens:
        body = {"token": made["token"], "password": "a long enough password"}
        assert (await api.client.post("/api/v1/auth/accept-invitation", json=body)).status_code == 404


async def test_an_email_that_is_there_is_not_made_twice(api: Any, new_customer: Any) -> None:
    mine, other = await new_customer(), await new_customer()
    body = {"email": other.email, "grants": [{"role": "viewer"}]}
    made = await call(api, "POST", "/invitations", await api.sign_in(mine), body)
    answer = await api.client.post(
        "/api/v1/auth/accept-invitation", json={"token": made.json()["token"], "password": "a long enough password"}
    )
    assert answer.status_code == 409


async def test_nobody_gives_more_than_they_have(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    body = {"email": "x@example.com", "grants": [{"role": "platform"}]}
    assert (await call(api, "POST", "/invitations", admin, body)).status_code == 403
    role = {"role": "people_person", "permissions": ["users:read", "users:write", "sites:read"]}
    assert (await call(api, "POST", "/roles", admin, role)).status_code == 201
    helper = await invited(api, admin, f"helper-{customer.email}", "people_person")
    for wanted in ("tenant_admin", "viewer"):
        body = {"email": "x@example.com", "grants": [{"role": wanted}]}
        answer = await call(api, "POST", "/invitations", helper, body)
        assert (answer.status_code, "do not have" in answer.json()["detail"]) == (403, True)
    mine = {"grants": [{"role": "tenant_admin"}]}
    (me,) = [p for p in (await api.get("/users", helper))["items"] if p["email"].startswith("helper-")]
    answer = await call(api, "PUT", f"/users/{me['id']}/roles", helper, mine, If_Match=f'"{me["version"]}"')
    assert answer.status_code == 403
    answer = await call(
        api, "PATCH", f"/users/{customer.user_id}", helper, {"name": "x", "active": False}, If_Match='"1"'
    )
    assert answer.status_code == 403, "who may less cannot shut out who may more"
    assert (await call(api, "DELETE", f"/users/{customer.user_id}/sessions", helper)).status_code == 403


async def test_the_platforms_permission_is_in_no_role_of_ones_own(api: Any, new_customer: Any) -> None:
    customer = await new_customer()
    role = {"role": "ours", "permissions": ["platform:tenants"]}
    assert (await call(api, "POST", "/roles", await api.sign_in(customer), role)).status_code == 422


async def test_the_last_administrator_stays(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    me = f"/users/{customer.user_id}"
    less = {"grants": [{"role": "viewer"}]}
    assert (await call(api, "PUT", f"{me}/roles", admin, less, If_Match='"1"')).status_code == 409
    gone = {"name": "x", "active": False}
    assert (await call(api, "PATCH", me, admin, gone, If_Match='"1"')).status_code == 409
    await invited(api, admin, f"second-{customer.email}", "tenant_admin")
    assert (await call(api, "PUT", f"{me}/roles", admin, less, If_Match='"1"')).status_code == 200
    assert await api.status("/users", admin) == 403


async def test_roles_change_with_the_next_request(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    role = {"role": "night", "permissions": ["alarms:read"]}
    made = await call(api, "POST", "/roles", admin, role)
    assert (await call(api, "POST", "/roles", admin, role)).status_code == 409
    assert (await call(api, "POST", "/roles", admin, role | {"role": "viewer"})).status_code == 409
    night = await invited(api, admin, f"night-{customer.email}", "night")
    assert (await api.status("/alarms", night), await api.status("/sites", night)) == (200, 403)
    more = {"permissions": ["alarms:read", "sites:read"]}
    tag = made.headers["etag"]
    assert (await call(api, "PUT", "/roles/night", admin, more)).status_code == 428
    assert (await call(api, "PUT", "/roles/night", admin, more, If_Match=tag)).status_code == 200
    assert (await call(api, "PUT", "/roles/night", admin, more, If_Match=tag)).status_code == 412
    assert await api.status("/sites", night) == 200
    assert (await call(api, "DELETE", "/roles/night", admin)).status_code == 409
    assert (await call(api, "DELETE", "/roles/none", admin)).status_code == 404
    assert (await call(api, "PUT", "/roles/viewer", admin, more, If_Match='"0"')).status_code == 404


async def test_who_is_deactivated_is_out(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    token = await invited(api, admin, f"short-{customer.email}", "viewer")
    (person,) = [p for p in (await api.get("/users", admin))["items"] if p["email"].startswith("short-")]
    found = await call(api, "GET", f"/users/{person['id']}", admin)
    body = {"name": "Gone", "active": False}
    changed = await call(api, "PATCH", f"/users/{person['id']}", admin, body, If_Match=found.headers["etag"])
    assert (changed.status_code, changed.json()["active"]) == (200, False)
    assert await api.status("/me", token) == 401


async def test_people_of_another_tenant_are_not_there(api: Any, new_customer: Any) -> None:
    mine, other = await new_customer(), await new_customer()
    token = await api.sign_in(mine)
    path = f"/users/{other.user_id}"
    assert await api.status(path, token) == 404
    assert (await call(api, "DELETE", f"{path}/sessions", token)).status_code == 404
    body = {"grants": [{"role": "viewer"}]}
    assert (await call(api, "PUT", f"{path}/roles", token, body, If_Match='"1"')).status_code == 404
    assert await api.get(f"{path}/sessions", token) == []


async def test_the_audit_log_is_read_by_page_and_filter(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    for number in range(3):
        role = {"role": f"role_{number}", "permissions": ["alarms:read"]}
        await call(api, "POST", "/roles", admin, role)
    page = await api.get("/audit", admin, limit=2)
    assert [entry["object"] for entry in page["items"]] == ["role_2", "role_1"]
    rest = await api.get("/audit", admin, before=page["next"])
    assert [entry["action"] for entry in rest["items"]] == ["role.create", "session.open"]
    assert rest["next"] is None
    found = await api.get("/audit", admin, action="role", object="role_1", actor=customer.email)
    assert [entry["details"] for entry in found["items"]] == [{"permissions": ["alarms:read"]}]
    assert (await api.get("/audit", admin, action="rol"))["items"] == []
    at = page["items"][0]["at"]
    assert len((await api.get("/audit", admin, **{"from": at}))["items"]) == 1
    assert len((await api.get("/audit", admin, to=at))["items"]) == 3
    assert await api.status("/audit", admin, to="2026-01-01T00:00:00") == 422
    viewer = await invited(api, admin, f"v-{customer.email}", "viewer")
    assert await api.status("/audit", viewer) == 403
