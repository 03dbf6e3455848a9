"""Append to the log, in the transaction of the change itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.sql import load_queries

QUERIES = load_queries("simems_cloud.audit")
COMMAND_LINE = "command line"


class UnrecordedChangeError(RuntimeError):
    """A change wrote no audit entry; it has been rolled back."""


async def append(
    connection: Connection,
    actor: str,
    action: str,
    on: str,
    details: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> int:
    """One entry of the transaction's tenant; its serial. Holds the chain until the transaction ends: append last.

    ``at``: when it happened on a device; None: now.
    """
    text = json.dumps(details or {}, default=str)
    return int(await connection.fetchval(QUERIES["append"], at, actor, action, on, text))


@dataclass
class Change:
    """One transaction that must record what it does."""

    connection: Connection
    actor: str
    serials: list[int] = field(default_factory=list)
    repeated: bool = False
    """A request that was answered before: nothing changed, nothing to record."""

    async def record(self, action: str, on: object, details: Mapping[str, Any] | None = None) -> None:
        """``action``: ``noun.verb``; ``on``: the id of what was changed."""
        self.serials.append(await append(self.connection, self.actor, action, str(on), details))


@asynccontextmanager
async def change(pool: Pool, *, tenant: UUID, actor: str, user: UUID | None = None) -> AsyncIterator[Change]:
    """The transaction helper for everything that changes something for a person.

    Raises UnrecordedChangeError, and rolls back, when the body recorded nothing.
    """
    async with transaction(pool, tenant=tenant, user=user) as connection:
        made = Change(connection, actor)
        yield made
        if not (made.serials or made.repeated):
            raise UnrecordedChangeError(f"a change by {actor} recorded nothing")
