"""The newest values of a site, with the why-line from the decision's own reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import asyncpg


from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.principal import Principal
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.plant import CONTROL_MODE, STATE
from simems_cloud.sites.service import require_site
from simems_cloud.telemetry.schemas import QUALITIES, ChannelValue, Latest, Why

QUERIES = load_queries("simems_cloud.telemetry")
CYCLE = "cycle/count"
REASON = "_reason"


async def read_latest(pool: Pool, principal: Principal, site_id: str, stale_after_s: float) -> Latest:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await latest_of(connection, site_id, stale_after_s)


async def latest_of(connection: Connection, site_id: str, stale_after_s: float) -> Latest:
    """In a transaction of the site's tenant. Raises NotFoundError."""
    site = await require_site(connection, site_id)
    rows = await connection.fetch(QUERIES["latest"], site_id)
    heard_at = await connection.fetchval(QUERIES["last_frame_at"], site_id)
    silent = heard_at is None or datetime.now(UTC) - heard_at > timedelta(seconds=stale_after_s)
    return assemble(rows, json.loads(site["settings"]), silent=silent)


def assemble(rows: list[asyncpg.Record], settings: Mapping[str, float], *, silent: bool) -> Latest:
    """From rows of the ``latest`` query; ``silent``: nothing is current any more."""
    values = {row["address"]: _value(row, silent=silent) for row in rows}
    labels = {row["address"]: json.loads(row["labels"]) for row in rows}
    times = [row["at"] for row in rows if row["at"] is not None]
    return Latest(
        time=max(times, default=None),
        cycle=_whole(values, CYCLE),
        state=_label(values, labels, STATE),
        control_mode=_label(values, labels, CONTROL_MODE),
        why=_why(values, labels, settings),
        values=values,
    )


def _value(row: asyncpg.Record, *, silent: bool) -> ChannelValue:
    if row["at"] is None:
        return ChannelValue(value=None, quality="stale", time=None)
    quality = QUALITIES[row["quality"]]
    if silent and quality in ("good", "forced"):
        quality = "stale"
    return ChannelValue(value=row["value"], quality=quality, time=row["value_at"])


def _whole(values: Mapping[str, ChannelValue], address: str) -> int | None:
    found = values.get(address)
    return None if found is None or found.value is None else int(found.value)


def _label(
    values: Mapping[str, ChannelValue], labels: Mapping[str, Mapping[str, str]], address: str
) -> str | None:
    code = _whole(values, address)
    return None if code is None else labels[address].get(str(code), str(code))


def _why(
    values: Mapping[str, ChannelValue],
    labels: Mapping[str, Mapping[str, str]],
    settings: Mapping[str, float],
) -> Why:
    raise NotImplementedError
