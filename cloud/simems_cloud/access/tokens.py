"""Tokens: short signed ones (JWT, HS256) and long opaque ones that the database knows by their hash only."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import jwt

from simems_cloud.kit.problems import NotSignedInError

ALGORITHM = "HS256"
AUDIENCE = "simems-api"
Kind = Literal["api", "refresh", "invite", "state"]
_PREFIX = "simems_"
_REQUIRED = ["exp", "sub", "tenant", "sid"]
INVALID = "the token is not valid; sign in again"


@dataclass(frozen=True)
class Opaque:
    """``text`` is shown once; ``digest`` is what is kept."""

    text: str
    tenant_id: UUID
    digest: bytes


def issue_access(key: str, *, user_id: UUID, tenant_id: UUID, session_id: UUID, lifetime_s: int) -> str:
    now = int(time.time())
    claims = {"sub": str(user_id), "tenant": str(tenant_id), "sid": str(session_id)}
    return jwt.encode(claims | {"aud": AUDIENCE, "iat": now, "exp": now + lifetime_s}, key, algorithm=ALGORITHM)


def read_access(key: str, token: str) -> dict[str, Any]:
    """The claims of a valid token. Raises NotSignedInError."""
    try:
        return jwt.decode(token, key, algorithms=[ALGORITHM], audience=AUDIENCE, options={"require": _REQUIRED})
    except jwt.ExpiredSignatureError as error:
        raise NotSignedInError("the sign-in has expired; sign in again") from error
    except jwt.InvalidTokenError as error:
        raise NotSignedInError(INVALID) from error


def new_opaque(kind: Kind, tenant_id: UUID) -> Opaque:
    """256 random bits; the tenant stands in front, so that it is known before the database is asked."""
    tenant = base64.urlsafe_b64encode(tenant_id.bytes).decode().rstrip("=")
    text = f"{_PREFIX}{kind}_{tenant}.{secrets.token_urlsafe(32)}"
    return Opaque(text, tenant_id, _digest(text))


def read_opaque(kind: Kind, text: str) -> Opaque | None:
    """None: not such a token at all. That it names a tenant proves nothing yet."""
    tenant, dot, secret = text.removeprefix(f"{_PREFIX}{kind}_").partition(".")
    if not (is_opaque(kind, text) and dot and secret and len(tenant) == 22):
        return None
    try:
        tenant_id = UUID(bytes=base64.b64decode(tenant + "==", altchars=b"-_", validate=True))
    except ValueError:
        return None
    return Opaque(text, tenant_id, _digest(text))


def is_opaque(kind: Kind, text: str) -> bool:
    return text.startswith(f"{_PREFIX}{kind}_")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
