"""argon2id, off the event loop, as slow for a person who does not exist as for one who does."""

from __future__ import annotations

from functools import lru_cache

from anyio import to_thread
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

MINIMUM_LENGTH = 10


class WeakPasswordError(ValueError):
    """Too short to be accepted."""


@lru_cache
def _argon2() -> PasswordHash:
    return PasswordHash.recommended()


@lru_cache
def _nobody() -> str:
    return _argon2().hash("the password of nobody")


def hash_password(password: str) -> str:
    """Raises WeakPasswordError."""
    if len(password) < MINIMUM_LENGTH:
        raise WeakPasswordError(f"password: {len(password)} characters; use at least {MINIMUM_LENGTH}")
    return _argon2().hash(password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password belongs to the hash; None (nobody) takes as long and is False."""
    return await to_thread.run_sync(_matches, password, password_hash)


def _matches(password: str, password_hash: str | None) -> bool:
    try:
        right = _argon2().verify(password, password_hash or _nobody())
    except UnknownHashError:
        return False
    return right and password_hash is not None
