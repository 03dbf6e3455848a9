"""Rate limits, counted in the database so that they hold over all API processes."""

from __future__ import annotations

import hashlib
import math

from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import TooManyAttemptsError
from simems_cloud.kit.sql import load_queries

QUERIES = load_queries("simems_cloud.access")
WRITES_PER_MINUTE = 600
"""Of one person or API token's owner."""
REFRESHES_PER_MINUTE = 120
"""Of one address."""


async def take_turn(pool: Pool, kind: str, who: str, per_minute: int) -> None:
    """Raises TooManyAttemptsError, with the time to wait. Its own transaction: what was refused counts as well."""
    key = hashlib.sha256(f"{kind}:{who}".encode()).digest()
    async with transaction(pool) as connection:
        wait_s = math.ceil(await connection.fetchval(QUERIES["take_turn"], key, per_minute))
    if wait_s > 0:
        raise TooManyAttemptsError(f"too many requests; wait {wait_s} s", {"Retry-After": str(wait_s)})
