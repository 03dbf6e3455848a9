"""Ask for a job in one's own transaction: it is there if and only if the transaction commits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from simems_cloud.kit.database import Connection
from simems_cloud.kit.sql import load_queries

QUERIES = load_queries("simems_cloud.jobs")
MAKE_REPORT = "tenant.make_report"
DELIVER = "tenant.deliver"


async def enqueue(
    connection: Connection,
    task: str,
    arguments: Mapping[str, object],
    *,
    not_before: datetime | None = None,
    only_one: str | None = None,
) -> int | None:
    """The job's id. ``only_one``: a name of which one job waits at most; None when one waits already."""
    text = json.dumps(arguments, default=str)
    found: int | None = await connection.fetchval(QUERIES["enqueue"], task, text, not_before, only_one)
    return found
