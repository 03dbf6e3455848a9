"""``/auth/...`` and ``/me/...``: coming in, one's own account, leaving."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.security import OAuth2PasswordRequestForm

from simems_cloud.access.rates import REFRESHES_PER_MINUTE, take_turn
from simems_cloud.access.requires import Database, Self, public
from simems_cloud.identity import api_tokens, invitations, people, second_factor, sessions, sign_in, sso
from simems_cloud.identity.schemas import (
    Acceptance,
    ApiToken,
    Code,
    Me,
    NewApiToken,
    PasswordChange,
    PasswordCheck,
    RecoveryCodes,
    RefreshRequest,
    SecondFactorSecret,
    Session,
    SignedInTokens,
    SignInAddress,
    SsoFinish,
    SsoStart,
    TokenRequest,
)
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey, Once

router = APIRouter(tags=["identity"])
Open = Depends(public)
PasswordForm = Annotated[OAuth2PasswordRequestForm, Depends()]
SecondCode = Annotated[str | None, Form(max_length=40, description="Of the second factor, or a recovery code.")]
OFFLINE = "offline_access"
"""OpenID Connect's name for: the client knows how to refresh."""


def _from(request: Request) -> dict[str, str]:
    address = request.client.host if request.client else ""
    return {"address": address, "client": request.headers.get("user-agent", "")}


def _lifetimes(request: Request, *, refreshes: bool) -> sessions.Lifetimes:
    state = request.app.state
    first_s = sessions.SHORT_S if refreshes else state.settings.token_lifetime_s
    return sessions.Lifetimes(state.jwt_key, first_s)


@router.post("/auth/token", operation_id="sign_in", dependencies=[Open], responses=documented(401, 403, 429))
async def post_token(request: Request, form: PasswordForm, pool: Database, code: SecondCode = None) -> SignedInTokens:
    """Sign in with e-mail (``username``) and password. Five wrong tries lock the account for a minute.

    With the scope ``offline_access`` the access token lives for 15 minutes and is renewed at ``/auth/refresh``.
    """
    attempt = sign_in.Attempt(form.username, form.password, code, **_from(request))
    lifetimes = _lifetimes(request, refreshes=OFFLINE in form.scopes)
    return await sign_in.sign_in(pool, attempt, request.app.state.vault, lifetimes)


@router.post("/auth/refresh", operation_id="refresh", dependencies=[Open], responses=documented(401, 429))
async def post_refresh(request: Request, body: RefreshRequest, pool: Database) -> SignedInTokens:
    """New tokens. A refresh token that comes a second time ends its whole session."""
    await take_turn(pool, "refreshes", _from(request)["address"], REFRESHES_PER_MINUTE)
    return await sessions.refresh(pool, body.refresh_token, request.app.state.jwt_key)


@router.post("/auth/sign-out", operation_id="sign_out", status_code=204, responses=documented(401))
async def post_sign_out(principal: Self, pool: Database) -> None:
    """End this session; its tokens are refused from now on."""
    if principal.session_id is not None:
        await sessions.end_session(pool, principal, principal.user_id, principal.session_id)


@router.post(
    "/auth/accept-invitation",
    operation_id="accept_invitation",
    dependencies=[Open],
    status_code=201,
    responses=documented(404, 409, 429),
)
async def post_acceptance(request: Request, body: Acceptance, pool: Database) -> SignedInTokens:
    """Make the account that an invitation is for, and sign in."""
    return await invitations.accept(pool, body, **_from(request), lifetimes=_lifetimes(request, refreshes=True))


@router.post("/auth/oidc/start", operation_id="start_oidc", dependencies=[Open], responses=documented(404, 429, 503))
async def post_oidc_start(request: Request, body: SsoStart, pool: Database) -> SignInAddress:
    """Begin a sign-in at the tenant's OpenID Connect provider."""
    return await sso.begin(pool, request.app.state.vault, body, _from(request)["address"])


@router.post(
    "/auth/oidc/finish", operation_id="finish_oidc", dependencies=[Open], responses=documented(401, 404, 429, 503)
)
async def post_oidc_finish(request: Request, body: SsoFinish, pool: Database) -> SignedInTokens:
    """The browser came back from the provider with ``state`` and ``code``."""
    lifetimes = _lifetimes(request, refreshes=True)
    return await sso.finish(pool, request.app.state.vault, body, **_from(request), lifetimes=lifetimes)


@router.get("/me", operation_id="me", responses=documented(401))
async def get_me(principal: Self, pool: Database) -> Me:
    """Who is signed in, for which tenant, and what they may."""
    return await sign_in.me(pool, principal)


@router.post("/me/password", operation_id="change_password", status_code=204, responses=documented(401, 403, 429))
async def post_password(body: PasswordChange, principal: Self, pool: Database) -> None:
    """All other sessions end."""
    await people.change_password(pool, principal, body)


@router.get("/me/sessions", operation_id="list_sessions", responses=documented(401))
async def get_sessions(principal: Self, pool: Database) -> list[Session]:
    """One's own sign-ins that live."""
    return await sessions.list_sessions(pool, principal, principal.user_id)


@router.delete("/me/sessions/{session_id}", operation_id="end_session", status_code=204, responses=documented(401, 404))
async def delete_session(session_id: UUID, principal: Self, pool: Database) -> None:
    """End one of one's own sessions, at once."""
    await sessions.end_session(pool, principal, principal.user_id, session_id)


@router.post("/me/second-factor", operation_id="enrol_second_factor", responses=documented(401, 403, 409, 429))
async def post_second_factor(
    request: Request, body: PasswordCheck, principal: Self, pool: Database
) -> SecondFactorSecret:
    """A secret for an authenticator application; in force when confirmed with a first code."""
    return await second_factor.enrol(pool, principal, body.password, request.app.state.vault)


@router.post(
    "/me/second-factor/confirm", operation_id="confirm_second_factor", responses=documented(401, 403, 404, 429)
)
async def post_second_factor_code(request: Request, body: Code, principal: Self, pool: Database) -> RecoveryCodes:
    """In force from now on. Once more makes new recovery codes."""
    return await second_factor.confirm(pool, principal, body.code, request.app.state.vault)


@router.post(
    "/me/second-factor/remove",
    operation_id="remove_second_factor",
    status_code=204,
    responses=documented(401, 403, 404, 429),
)
async def post_second_factor_removal(body: PasswordCheck, principal: Self, pool: Database) -> None:
    """Not where the tenant requires one."""
    await second_factor.remove(pool, principal, body.password)


@router.get("/me/tokens", operation_id="list_api_tokens", responses=documented(401))
async def get_tokens(principal: Self, pool: Database) -> list[ApiToken]:
    """One's own API tokens, without their text."""
    return await api_tokens.list_tokens(pool, principal)


@router.post("/me/tokens", operation_id="create_api_token", status_code=201, responses=documented(401, 403, 409))
async def post_api_token(
    request: Request, body: TokenRequest, principal: Self, pool: Database, key: IdempotencyKey = None
) -> NewApiToken:
    """The token's text is shown this once."""
    once = Once(request.app.state.vault, principal.user_id, key, body)
    return await api_tokens.create_token(pool, principal, body, once)


@router.delete(
    "/me/tokens/{token_id}", operation_id="revoke_api_token", status_code=204, responses=documented(401, 404)
)
async def delete_api_token(token_id: UUID, principal: Self, pool: Database) -> None:
    """At once."""
    await api_tokens.revoke_token(pool, principal, token_id)
