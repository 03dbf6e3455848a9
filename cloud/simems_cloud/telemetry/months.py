"""The monthly partitions that a write needs, made before it."""

from __future__ import annotations

from datetime import datetime

from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.sql import load_queries

QUERIES = load_queries("simems_cloud.telemetry")


class Months:
    """Those this process knows to be there."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    async def make(self, pool: Pool, since: datetime, until: datetime) -> None:
        """In a transaction of its own: committed before anything relies on it."""
        wanted = set(range(_month(since), _month(until) + 1))
        if not wanted <= self._known:
            async with transaction(pool) as connection:
                await connection.execute(QUERIES["make_partitions"], since, until)
            self._known |= wanted

    def forget(self) -> None:
        """A write found one missing: retention has dropped it."""
        self._known.clear()


def _month(moment: datetime) -> int:
    return moment.year * 12 + moment.month
