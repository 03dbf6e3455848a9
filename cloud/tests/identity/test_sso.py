"""Single sign-on against a real OpenID Connect provider on loopback, and against one that lies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey
from simems_cloud.identity.sso import Provider, checked_claims
from simems_cloud.kit.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock

BACK = "http://127.0.0.1:9/sso"
SIMEMS = Path(sys.executable).parent / "simems-cloud"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def provider(issuer: str, customer: Any, database: Any, cloud_settings: Settings) -> str:
    """Set up by the command line, as an operator would."""
    environment = {
        **os.environ,
        "SIMEMS_DATABASE_URL": database.admin_url,
        "SIMEMS_DATA_DIR": str(cloud_settings.data_dir),
    }
    command: list[str | Path] = [
        SIMEMS,
        "sso",
        "set",
        "corporate",
        "--tenant",
        str(customer.tenant_id),
        "--issuer",
        issuer,
    ]
    subprocess.run([*command, "--client-id", "ems"], check=True, env=environment, input="secret\n", text=True)
    return issuer


async def start(api: Any, customer: Any) -> Any:
    body = {"tenant_id": str(customer.tenant_id), "provider": "corporate", "redirect_uri": BACK}
    return await api.client.post("/api/v1/auth/oidc/start", json=body)


async def authorise(url: str, subject: str) -> dict[str, str]:
    """What the browser brings back after the person has signed in at the provider."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.post(url, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {"state": query["state"][0], "code": query["code"][0]}


async def say_who(issuer: str, subject: str, **claims: Any) -> None:
    async with httpx.AsyncClient() as client:
        (await client.put(f"{issuer}/users/{subject}", json=claims)).raise_for_status()


async def finish(api: Any, came_back: dict[str, str]) -> Any:
    return await api.client.post("/api/v1/auth/oidc/finish", json=came_back)


@pytest.mark.integration
async def test_a_person_comes_in_by_verified_email_then_by_link(api: Any, customer: Any, provider: str) -> None:
    await say_who(provider, "ada-1", email=customer.email, email_verified=True)
    began = (await start(api, customer)).json()
    came_back = await authorise(began["url"], "ada-1")
    assert came_back["state"] == began["state"]
    tokens = await finish(api, came_back)
    assert tokens.status_code == 200, tokens.text
    me = await api.get("/me", tokens.json()["access_token"])
    assert me["email"] == customer.email
    assert (await finish(api, came_back)).status_code == 401, "a state is good once"
    await say_who(provider, "ada-1", email="changed@example.com", email_verified=True)
    again = await authorise((await start(api, customer)).json()["url"], "ada-1")
    assert (await finish(api, again)).status_code == 200, "the link holds, whatever the e-mail has become"


@pytest.mark.integration
async def test_nobody_comes_in_by_an_unverified_or_unknown_email(api: Any, customer: Any, provider: str) -> None:
    await say_who(provider, "eve", email=customer.email, email_verified=False)
    await say_who(provider, "bob", email="bob@nowhere.example", email_verified=True)
    for subject in ("eve", "bob"):
        answer = await finish(api, await authorise((await start(api, customer)).json()["url"], subject))
        assert (answer.status_code, "invitation" in answer.json()["detail"]) == (401, True)


@pytest.mark.integration
async def test_a_code_belongs_to_its_own_sign_in(api: Any, customer: Any, provider: str) -> None:
    """A code of another's sign-in, brought with one's own state: the nonce does not fit."""
    await say_who(provider, "ada-2", email=customer.email, email_verified=True)
    theirs = await authorise((await start(api, customer)).json()["url"], "ada-2")
    mine = (await start(api, customer)).json()
    answer = await finish(api, {"state": mine["state"], "code": theirs["code"]})
    assert answer.status_code == 401
    assert (await finish(api, {"state": "simems_state_x.y", "code": theirs["code"]})).status_code == 401
    unknown = {"tenant_id": str(customer.tenant_id), "provider": "other", "redirect_uri": BACK}
    assert (await api.client.post("/api/v1/auth/oidc/start", json=unknown)).status_code == 404


KEY = RSAKey.generate_key(2048, parameters={"kid": "1"})
GOOD = {"iss": "https://id", "aud": "ems", "sub": "1", "nonce": "n"}
CORPORATE = Provider("corporate", "https://id", "ems", "secret", {})


def signed(changes: dict[str, Any], key: Any = KEY, algorithm: str = "RS256") -> str:
    times = {"iat": int(time.time()), "exp": int(time.time()) + 60}
    claims = {name: value for name, value in {**GOOD, **times, **changes}.items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "1"}, claims, key)


def test_a_right_token_is_taken() -> None:
    keys = {"keys": [KEY.as_dict(private=False)]}
    assert checked_claims(CORPORATE, signed({}), keys, "n")["sub"] == "1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil"},
        {"aud": "another"},
        {"aud": ["ems", "another"], "azp": "another"},
        {"nonce": "m"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
        {"iat": None},
    ],
)
def test_a_token_with_one_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((JoseError, ValueError)):
        checked_claims(CORPORATE, signed(changes), {"keys": [KEY.as_dict(private=False)]}, "n")


def test_signatures_that_prove_nothing_are_refused() -> None:
    keys = {"keys": [KEY.as_dict(private=False)]}
    other = RSAKey.generate_key(2048, parameters={"kid": "1"})
    head, body, _ = signed({}).split(".")
    with pytest.raises((JoseError, ValueError)):
        checked_claims(CORPORATE, signed({}, other), keys, "n")
    with pytest.raises((JoseError, ValueError)):
        checked_claims(CORPORATE, signed({}, OctKey.import_key("secret" * 8), "HS256"), keys, "n")
    with pytest.raises((JoseError, ValueError)):
        checked_claims(CORPORATE, f"{head}.{body}.", keys, "n")
    none = json.dumps({"alg": "none"}).encode().hex()
    with pytest.raises((JoseError, ValueError)):
        checked_claims(CORPORATE, f"{none}.{body}.", keys, "n")
