"""Single sign-on by OpenID Connect: authorization code with PKCE, state and nonce, the ID token's signature checked.

A provider is set up by whoever runs the platform (its address is one this server will call). Nobody gets an account by
signing in: a person is known already, by an earlier link or by an e-mail the provider says it has verified.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt as signed
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from simems_cloud.access.tokens import new_opaque, read_opaque
from simems_cloud.audit.log import Change, change
from simems_cloud.identity import attempts
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.schemas import SignedInTokens, SignInAddress, SsoFinish, SsoStart
from simems_cloud.identity.sessions import Lifetimes, open_session
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import NotFoundError, NotSignedInError, UnavailableError
from simems_cloud.kit.vault import Vault

log = logging.getLogger(__name__)
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Asymmetric ones only: the client's secret signs nothing."""
SCOPE = "openid email profile"
TIMEOUT_S = 10.0
LEEWAY_S = 60
REFUSED = "the provider did not let this person in"


@dataclass(frozen=True)
class Provider:
    """One identity provider of one tenant, with what it says about itself."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    metadata: dict[str, Any]


async def begin(pool: Pool, vault: Vault, request: SsoStart, address: str) -> SignInAddress:
    """Where to send the browser. Raises NotFoundError, UnavailableError, TooManyAttemptsError."""
    await attempts.count(pool, "address", address, attempts.PER_ADDRESS)
    provider = await _provider(pool, vault, request.tenant_id, request.provider)
    state = new_opaque("state", request.tenant_id)
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    url = prepare_grant_uri(
        provider.metadata["authorization_endpoint"],
        provider.client_id,
        "code",
        request.redirect_uri,
        SCOPE,
        state.text,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    kept = {"nonce": nonce, "verifier": verifier, "redirect_uri": request.redirect_uri}
    async with transaction(pool, tenant=request.tenant_id) as connection:
        row = (state.digest, request.provider, vault.seal(json.dumps(kept)))
        await connection.execute(QUERIES["begin_flow"], *row)
    return SignInAddress(url=url, state=state.text)


async def finish(
    pool: Pool, vault: Vault, request: SsoFinish, *, address: str, client: str, lifetimes: Lifetimes
) -> SignedInTokens:
    """The browser came back. Each state is good once. Raises NotSignedInError, UnavailableError."""
    await attempts.count(pool, "address", address, attempts.PER_ADDRESS)
    state = read_opaque("state", request.state)
    if state is None:
        raise NotSignedInError(REFUSED)
    async with transaction(pool, tenant=state.tenant_id) as connection:
        flow = await connection.fetchrow(QUERIES["end_flow"], state.digest)
    if flow is None:
        raise NotSignedInError("this sign-in took too long or was finished before; start again")
    provider = await _provider(pool, vault, state.tenant_id, flow["provider"])
    claims = await _claims(provider, request.code, json.loads(vault.open(flow["sealed"])))
    async with change(pool, tenant=state.tenant_id, actor=f"provider {provider.name}") as made:
        user = await _person(made, provider, claims)
        made.actor = user["email"]
        return await open_session(
            made,
            tenant_id=state.tenant_id,
            user_id=user["user_id"],
            method="oidc",
            client=client,
            lifetimes=lifetimes,
        )


async def _person(made: Change, provider: Provider, claims: Mapping[str, Any]) -> asyncpg.Record:
    """By link, else by verified e-mail, which makes the link. Raises NotSignedInError."""
    subject = str(claims["sub"])
    linked = await made.connection.fetchrow(QUERIES["linked_user"], provider.name, subject)
    if linked is not None:
        return linked
    email = claims.get("email") if claims.get("email_verified") is True else None
    found = await made.connection.fetchrow(QUERIES["active_user_by_email"], str(email)) if email else None
    if found is None:
        raise NotSignedInError("the provider knows this person, this tenant does not; ask for an invitation")
    await made.connection.execute(QUERIES["link_user"], provider.name, subject, found["user_id"])
    await made.record("user.link", found["user_id"], {"provider": provider.name, "subject": subject})
    return found


async def _claims(provider: Provider, code: str, kept: Mapping[str, str]) -> Mapping[str, Any]:
    """Of the ID token that the code buys. Raises NotSignedInError, UnavailableError."""
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.post(
                provider.metadata["token_endpoint"],
                data={
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": kept["redirect_uri"],
                    "code_verifier": kept["verifier"],
                },
                auth=(quote(provider.client_id, safe=""), quote(provider.client_secret, safe="")),
            )
            keys = (await client.get(provider.metadata["jwks_uri"])).raise_for_status().json()
        if answer.status_code >= 500:
            answer.raise_for_status()
        return checked_claims(provider, str(answer.json()["id_token"]), keys, kept["nonce"])
    except (JoseError, KeyError, ValueError, TypeError) as error:
        log.warning("a provider's answer is refused", extra={"provider": provider.issuer, "error": repr(error)})
        raise NotSignedInError(REFUSED) from error
    except httpx.HTTPError as error:
        raise UnavailableError("the provider does not answer; try again") from error


def checked_claims(provider: Provider, id_token: str, keys: Any, nonce: str) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    """OpenID Connect Core 3.1.3.7: signature, issuer, audience, time, nonce. Raises JoseError, ValueError."""
    claims: Mapping[str, Any] = signed.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
    signed.JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    ).validate(dict(claims))
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise ValueError("azp: the token was made for another client")
    return claims


async def _provider(pool: Pool, vault: Vault, tenant_id: UUID, name: str) -> Provider:
    async with transaction(pool, tenant=tenant_id) as connection:
        row = await connection.fetchrow(QUERIES["provider"], name)
    if row is None:
        raise NotFoundError(f"no provider {name!r} for this tenant")
    secret = vault.open(bytes(row["sealed_secret"]))
    return Provider(name, row["issuer"], row["client_id"], secret, await discover(row["issuer"]))


async def discover(issuer: str) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0: what the issuer says about itself. Raises UnavailableError."""
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(issuer.rstrip("/") + "/.well-known/openid-configuration")
            found: dict[str, Any] = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnavailableError("the provider does not answer; try again") from error
    missing = [name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if name not in found]
    if found.get("issuer") != issuer or missing:
        raise UnavailableError("the provider describes itself wrongly: issuer or endpoints do not fit")
    return found
