"""The list of a tenant's sites with their newest figures.

Small statements whose answers are put together here: with row-level security the planner cannot know how many rows a
tenant has, and would join a thousand sites to a thousand of everything row by row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import asyncpg

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.pages import cursor, place
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.plant import CONTROL_MODE, STATE, mean, power_channels, total
from simems_cloud.sites.schemas import SiteSummary
from simems_cloud.sites.service import is_online

QUERIES = load_queries("simems_cloud.sites")
MOST = 5000
"""Sites of one answer."""
Rows = Mapping[str, asyncpg.Record]


@dataclass(frozen=True)
class _Parts:
    """By site; a site without a row has none of it."""

    seen: Rows
    alarms: Rows
    components: Rows
    figures: Rows


async def list_sites(
    pool: Pool, principal: Principal, stale_after_s: float, *, after: str | None = None, limit: int = MOST
) -> tuple[list[SiteSummary], str | None]:
    """Those within the principal's reach that are not archived, by name; one page, with the next one's cursor.

    Raises InvalidRequestError for a cursor that is none.
    """
    key = place(after, str, str)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["list_sites"], principal.paths(Permission.SITES_READ), *key, limit + 1)
        parts = await _parts(connection, [row["site_id"] for row in rows[:limit]])
    found = [_summary(row, parts, stale_after_s) for row in rows[:limit]]
    return found, cursor(found[-1].name, found[-1].id) if len(rows) > limit else None


async def _parts(connection: Connection, sites: list[str]) -> _Parts:
    async def of(name: str) -> Rows:
        return {row["site_id"]: row for row in await connection.fetch(QUERIES[name], sites)}

    return _Parts(
        seen=await of("sites_seen"),
        alarms=await of("sites_alarms"),
        components=await of("sites_components"),
        figures=await of("sites_figures"),
    )


def _summary(row: asyncpg.Record, parts: _Parts, stale_after_s: float) -> SiteSummary:
    site_id: str = row["site_id"]
    seen, alarms = parts.seen.get(site_id), parts.alarms.get(site_id)
    last_seen_at = None if seen is None else seen["last_seen_at"]
    values, labels = _figures(parts.figures.get(site_id))
    components = parts.components.get(site_id)
    plant = power_channels(() if components is None else zip(components["ids"], components["kinds"], strict=True))
    return SiteSummary(
        id=site_id,
        name=row["name"],
        time_zone=row["time_zone"],
        currency=row["currency"],
        online=is_online(last_seen_at, stale_after_s),
        last_seen_at=last_seen_at,
        state=_label(values, labels, STATE),
        control_mode=_label(values, labels, CONTROL_MODE),
        active_alarms=0 if alarms is None else alarms["active"],
        grid_power_w=total(values, plant.grid),
        pv_power_w=total(values, plant.pv),
        ess_power_w=total(values, plant.ess),
        load_power_w=total(values, plant.load),
        soc_pct=mean(values, plant.soc),
    )


def _figures(row: asyncpg.Record | None) -> tuple[dict[str, float | None], dict[str, str | None]]:
    """Newest values and, of enumerations, the texts of their codes; by address."""
    if row is None:
        return {}, {}
    addresses = row["addresses"]
    return dict(zip(addresses, row["figures"], strict=True)), dict(zip(addresses, row["labels"], strict=True))


def _label(values: Mapping[str, float | None], labels: Mapping[str, str | None], address: str) -> str | None:
    value = values.get(address)
    if value is None:
        return None
    return _texts(labels.get(address) or "{}").get(str(int(value)), str(int(value)))


@lru_cache(maxsize=1024)
def _texts(labels: str) -> dict[str, str]:
    """Of an enumeration's codes; the same in every site of one software."""
    known: dict[str, str] = json.loads(labels)
    return known
