"""Guesses are counted before they are tried, in the database, so that the count holds over all API processes."""

from __future__ import annotations

import hashlib

from simems_cloud.access.authenticate import QUERIES
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import TooManyAttemptsError

PER_ACCOUNT = 5
PER_ADDRESS = 200
"""Right ones count as well: who has an account cannot wipe the count of guesses at others."""
LOCK_S = 60
CODE_LOCK_S = 900
"""Of a second factor: who tries codes has the password already, and six digits are few."""


async def count(pool: Pool, kind: str, value: str, allowed: int = PER_ACCOUNT, lock_s: int = LOCK_S) -> bytes:
    """Count one try; the key under which it was counted. Raises TooManyAttemptsError when locked."""
    attempt = key(kind, value)
    async with transaction(pool) as connection:
        wait_s = await connection.fetchval(QUERIES["begin_attempt"], attempt, allowed, lock_s)
    if wait_s:
        raise TooManyAttemptsError(f"too many tries; wait {wait_s} s", {"Retry-After": str(wait_s)})
    return attempt


def key(kind: str, value: str) -> bytes:
    """What is counted is kept as a hash: the table holds no addresses."""
    return hashlib.sha256(f"{kind}:{value}".encode()).digest()
