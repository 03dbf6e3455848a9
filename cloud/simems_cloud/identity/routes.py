"""``POST /auth/token`` and ``GET /me``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.security import OAuth2PasswordRequestForm

from simems_cloud.identity import service
from simems_cloud.identity.schemas import AccessToken, Me
from simems_cloud.kit.principal import Database, SignedIn
from simems_cloud.kit.problems import Problem

router = APIRouter(tags=["identity"])
Form = Annotated[OAuth2PasswordRequestForm, Depends()]


@router.post("/auth/token", operation_id="sign_in", responses={401: {"model": Problem}, 429: {"model": Problem}})
async def sign_in(request: Request, form: Form, pool: Database) -> AccessToken:
    """Sign in with e-mail (``username``) and password. Five wrong tries lock the account for a minute."""
    state = request.app.state
    return await service.sign_in(
        pool,
        email=form.username,
        password=form.password,
        address=request.client.host if request.client else "",
        jwt_key=state.jwt_key,
        lifetime_s=state.settings.token_lifetime_s,
    )


@router.get("/me", operation_id="me", responses={401: {"model": Problem}})
async def me(principal: SignedIn, pool: Database) -> Me:
    """Who is signed in, and for which tenant."""
    return await service.me(pool, principal)
