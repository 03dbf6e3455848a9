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

    def known(self, since: datetime, until: datetime) -> bool:
        return self._between(since, until) <= self._known

    async def make(self, pool: Pool, since: datetime, until: datetime) -> None:
        """In a transaction of its own: committed before anything relies on it."""
        if not self.known(since, until):
            async with transaction(pool) as connection:
                await connection.execute(QUERIES["make_partitions"], since, until)
            self._known |= self._between(since, until)

    def _between(self, since: datetime, until: datetime) -> set[int]:
        return set(range(_month(since), _month(until) + 1))

    def forget(self) -> None:
        """A write found one missing: retention has dropped it."""
        self._known.clear()


def _month(moment: datetime) -> int:
    return moment.year * 12 + moment.month
