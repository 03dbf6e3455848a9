"""Energy of a site per calendar interval, component and direction, with where each figure comes from."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import asyncpg

from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import InvalidRequestError
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.service import require_site
from simems_cloud.telemetry.intervals import Length, borders
from simems_cloud.telemetry.schemas import ComponentEnergy, EnergyInterval, SiteEnergy

QUERIES = load_queries("simems_cloud.telemetry")
MOST_INTERVALS = 3000


async def read_energy(
    pool: Pool, principal: Principal, site_id: str, *, first: date, last: date, length: Length
) -> SiteEnergy:
    """``first`` and ``last``: dates at the site, both included. Raises NotFoundError, InvalidRequestError."""
    if last < first or (last - first).days > MOST_INTERVALS:
        raise InvalidRequestError(f"from, to: two dates, `to` not before `from`, at most {MOST_INTERVALS} days apart")
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await require_site(connection, site_id)
        zone = ZoneInfo(await connection.fetchval(QUERIES["zone"], site_id))
        edges = borders(zone, first, last, length)
        if len(edges) > MOST_INTERVALS + 1:
            raise InvalidRequestError(f"interval: more than {MOST_INTERVALS} of them; ask for fewer days")
        rows = await connection.fetch(QUERIES["energy_by_interval"], site_id, edges[:-1], edges[-1])
    intervals = [
        EnergyInterval(start=start.astimezone(zone), end=end.astimezone(zone), components=[])
        for start, end in pairwise(edges)
    ]
    for row in rows:
        place = row["place"]
        intervals[place].components.append(_component(row, edges[place + 1] - edges[place]))
    return SiteEnergy(time_zone=str(zone), intervals=intervals)


def _component(row: asyncpg.Record, length: timedelta) -> ComponentEnergy:
    source = "mixed" if row["counted"] and row["integrated"] else "register" if row["counted"] else "power"
    return ComponentEnergy(
        component=row["component_id"],
        direction=row["direction"],
        energy_wh=row["energy_wh"],
        source=source,
        coverage_pct=min(100.0, 100.0 * row["minutes"] / (length / timedelta(minutes=1))),
        gap_wh=row["gap_wh"],
        resets=row["resets"],
    )
