"""Sign-in, refresh, second factor, API tokens: what holds, for how long, and how it ends."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_cloud.access.tokens import new_opaque, read_opaque
from simems_cloud.identity.second_factor import STEP_S, matching_step
from simems_cloud.kit.database import Pool, transaction

PASSWORD = "correct horse battery"


def auth(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def sign_in(api: Any, email: str, **fields: str) -> Any:
    form = {"username": email, "password": PASSWORD, **fields}
    return await api.client.post("/api/v1/auth/token", data=form)


async def post(api: Any, path: str, token: str, **body: Any) -> Any:
    return await api.client.post(f"/api/v1{path}", headers=auth(token), json=body)


async def actions(pool: Pool, customer: Any) -> list[str]:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        return list(await connection.fetchval("select array_agg(action order by serial) from audit_log"))


@pytest.mark.integration
async def test_a_refresh_token_is_good_once_and_its_copy_ends_the_session(
    api: Any, customer: Any, app_pool: Pool
) -> None:
    first = (await sign_in(api, customer.email, scope="offline_access")).json()
    assert first["expires_in"] == 900
    second = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert (await api.client.get("/api/v1/me", headers=auth(second.json()["access_token"]))).status_code == 200
    copied = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert copied.status_code == 401
    for token in (first["access_token"], second.json()["access_token"]):
        assert (await api.client.get("/api/v1/me", headers=auth(token))).status_code == 401
    rightful = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": second.json()["refresh_token"]})
    assert rightful.status_code == 401
    assert await actions(app_pool, customer) == ["session.open", "session.refresh", "session.reuse_detected"]


@pytest.mark.integration
async def test_of_two_refreshes_at_once_one_wins_at_most(api: Any, second_api: Any, customer: Any) -> None:
    token = (await sign_in(api, customer.email)).json()["refresh_token"]
    answers = await asyncio.gather(
        *(a.client.post("/api/v1/auth/refresh", json={"refresh_token": token}) for a in (api, second_api) * 3)
    )
    assert sorted(answer.status_code for answer in answers)[:2] == [200, 401]


@pytest.mark.integration
@pytest.mark.parametrize("text", ["", "simems_refresh_x.y", "simems_api_AAAAAAAAAAAAAAAAAAAAAA.x", "\x00", "é" * 30])
async def test_nonsense_is_no_refresh_token(api: Any, text: str) -> None:
    assert (await api.client.post("/api/v1/auth/refresh", json={"refresh_token": text})).status_code == 401


@pytest.mark.integration
async def test_sessions_are_listed_and_ended_at_once(api: Any, second_api: Any, customer: Any) -> None:
    here, there = (await sign_in(api, customer.email)).json(), (await sign_in(second_api, customer.email)).json()
    listed = await api.get("/me/sessions", here["access_token"])
    assert [s["current"] for s in listed].count(True) == 1
    (other,) = [s["id"] for s in listed if not s["current"]]
    gone = await api.client.delete(f"/api/v1/me/sessions/{other}", headers=auth(here["access_token"]))
    assert gone.status_code == 204
    assert await second_api.status("/me", there["access_token"]) == 401
    assert (await post(api, "/auth/sign-out", here["access_token"])).status_code == 204
    assert await api.status("/me", here["access_token"]) == 401


@pytest.mark.integration
async def test_a_second_factor_is_asked_for_and_each_code_taken_once(api: Any, customer: Any) -> None:
    token = (await sign_in(api, customer.email)).json()["access_token"]
    assert (await post(api, "/me/second-factor", token, password="wrong")).status_code == 403
    secret = (await post(api, "/me/second-factor", token, password=PASSWORD)).json()
    assert secret["uri"].startswith("otpauth://totp/")
    assert (await sign_in(api, customer.email)).status_code == 200, "not in force before it is confirmed"
    totp = pyotp.TOTP(secret["secret"])
    now = time.time()
    confirmed = await post(api, "/me/second-factor/confirm", token, code=totp.at(now - STEP_S))
    codes = confirmed.json()["codes"]
    assert len(set(codes)) == 10
    without = await sign_in(api, customer.email)
    assert (without.status_code, without.json()["type"]) == (401, "urn:simems:problem:second-factor-needed")
    assert (await sign_in(api, customer.email, code=totp.at(now - STEP_S))).status_code == 401, "taken already"
    code = totp.at(now + STEP_S)
    assert (await sign_in(api, customer.email, code=code)).status_code == 200
    assert (await sign_in(api, customer.email, code=code)).status_code == 401
    assert (await sign_in(api, customer.email, code=codes[0].upper())).status_code == 200
    assert (await sign_in(api, customer.email, code=codes[0])).status_code == 401


@pytest.mark.integration
async def test_codes_lock_for_longer_than_passwords(api: Any, customer: Any) -> None:
    """And only who has the password can lock them."""
    token = (await sign_in(api, customer.email)).json()["access_token"]
    secret = (await post(api, "/me/second-factor", token, password=PASSWORD)).json()["secret"]
    await post(api, "/me/second-factor/confirm", token, code=pyotp.TOTP(secret).at(time.time() - STEP_S))
    for _ in range(3):
        wrong = {"username": customer.email, "password": "wrong", "code": "000000"}
        await api.client.post("/api/v1/auth/token", data=wrong)
    right = await sign_in(api, customer.email, code=pyotp.TOTP(secret).now())
    assert right.status_code == 200
    answers = [await sign_in(api, customer.email, code="00000x") for _ in range(4)]
    assert {answer.status_code for answer in answers} == {401}


@pytest.mark.integration
async def test_a_tenant_may_require_a_second_factor(api: Any, customer: Any) -> None:
    token = (await sign_in(api, customer.email)).json()["access_token"]
    made = await post(api, "/me/tokens", token, name="x", permissions=["sites:read"])
    tag = (await api.client.get("/api/v1/tenant", headers=auth(token))).headers["etag"]
    body = {"name": f"T {customer.tenant_id}", "second_factor_required": True}
    url = "/api/v1/tenant"
    assert (await api.client.patch(url, headers=auth(token), json=body)).status_code == 428
    assert (await api.client.patch(url, headers=auth(token) | {"If-Match": '"99"'}, json=body)).status_code == 412
    assert (await api.client.patch(url, headers=auth(token) | {"If-Match": tag}, json=body)).status_code == 200
    assert await api.status("/sites", token) == 403
    assert await api.status("/sites", made.json()["token"]) == 403
    assert (await api.get("/me", token))["must_enrol"] is True
    secret = (await post(api, "/me/second-factor", token, password=PASSWORD)).json()["secret"]
    await post(api, "/me/second-factor/confirm", token, code=pyotp.TOTP(secret).now())
    assert await api.status("/sites", token) == 200
    assert (await post(api, "/me/second-factor/remove", token, password=PASSWORD)).status_code == 403


@given(offset=st.integers(-200, 200), last=st.integers(-3, 3))
def test_codes_fit_only_around_now_and_after_the_last(offset: int, last: int) -> None:
    secret, now = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", 1_772_000_010.0
    step = int(now // STEP_S)
    code = pyotp.TOTP(secret).generate_otp(int((now + offset) // STEP_S))
    wanted = int((now + offset) // STEP_S)
    fits = abs(wanted - step) <= 1 and wanted > step + last
    assert matching_step(secret, code, step + last, now) == (wanted if fits else None)


@pytest.mark.integration
async def test_changing_the_password_ends_the_other_sessions(api: Any, customer: Any) -> None:
    here, there = [(await sign_in(api, customer.email)).json()["access_token"] for _ in range(2)]
    weak = await post(api, "/me/password", here, password=PASSWORD, new_password="short")
    assert weak.status_code == 422
    done = await post(api, "/me/password", here, password=PASSWORD, new_password="another good password")
    assert done.status_code == 204
    assert (await api.status("/me", here), await api.status("/me", there)) == (200, 401)
    assert (await sign_in(api, customer.email)).status_code == 401


@pytest.mark.integration
async def test_an_api_token_may_what_it_names_and_no_more(api: Any, customer: Any, new_customer: Any) -> None:
    token = (await sign_in(api, customer.email)).json()["access_token"]
    too_much = await post(api, "/me/tokens", token, name="x", permissions=["platform:tenants"])
    assert too_much.status_code == 403
    made = await post(api, "/me/tokens", token, name="grafana", permissions=["sites:read"])
    assert made.status_code == 201
    text = made.json()["token"]
    assert await api.status("/sites", text) == 200
    assert await api.status("/alarms", text) == 403
    assert await api.status("/me", text) == 403, "the account itself is a person's alone"
    (listed,) = await api.get("/me/tokens", token)
    assert listed["used_at"] is not None
    assert "token" not in listed
    other = await new_customer()
    swapped = text.replace(text.split(".")[0], new_opaque("api", other.tenant_id).text.split(".")[0])
    assert await api.status("/sites", swapped) == 401, "a token of one tenant is nothing in another"
    gone = await api.client.delete(f"/api/v1/me/tokens/{listed['id']}", headers=auth(token))
    assert gone.status_code == 204
    assert await api.status("/sites", text) == 401


@pytest.mark.integration
async def test_an_expired_token_is_none(api: Any, customer: Any, owner_pool: Pool) -> None:
    token = (await sign_in(api, customer.email)).json()["access_token"]
    text = (await post(api, "/me/tokens", token, name="x", permissions=["sites:read"])).json()["token"]
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update api_tokens set expires_at = now()")
        await connection.execute("update sessions set expires_at = now()")
    assert await api.status("/sites", text) == 401
    assert await api.status("/sites", token) == 401


@pytest.mark.integration
async def test_repeating_a_post_does_it_once(api: Any, customer: Any) -> None:
    token = (await sign_in(api, customer.email)).json()["access_token"]

    async def make(name: str, key: str) -> Any:
        headers = auth(token) | {"Idempotency-Key": key}
        body = {"name": name, "permissions": ["sites:read"]}
        return await api.client.post("/api/v1/me/tokens", headers=headers, json=body)

    answers = await asyncio.gather(*(make("one", "key-number-1") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (await make("two", "key-number-1")).status_code == 409
    assert len(await api.get("/me/tokens", token)) == 1


@given(st.text(max_size=60))
def test_only_a_token_is_read_as_one(text: str) -> None:
    assert read_opaque("api", text) is None
    real = new_opaque("api", uuid4())
    assert read_opaque("api", real.text) == real
    assert read_opaque("refresh", real.text) is None


@pytest.mark.integration
async def test_the_lock_holds_over_processes(api: Any, second_api: Any, customer: Any) -> None:
    for number in range(5):
        await (api, second_api)[number % 2].client.post(
            "/api/v1/auth/token", data={"username": customer.email, "password": "wrong"}
        )
    for process in (api, second_api):
        assert (await sign_in(process, customer.email)).status_code == 429


@pytest.mark.integration
async def test_a_suspended_tenant_is_outside_at_once(api: Any, customer: Any, owner_pool: Pool) -> None:
    token = (await sign_in(api, customer.email)).json()
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update tenants set status = 'suspended'")
    assert await api.status("/sites", token["access_token"]) == 401
    assert (await sign_in(api, customer.email)).status_code == 403
    refreshed = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": token["refresh_token"]})
    assert refreshed.status_code == 401
