"""Raw values as rows, a page at a time: ``from`` of the next page is in each answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import InvalidRequestError
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.service import require_site
from simems_cloud.telemetry.rollup import moment
from simems_cloud.telemetry.samples import next_values, raw_values
from simems_cloud.telemetry.schemas import QUALITIES, MeasuredValue, ValuesPage

QUERIES = load_queries("simems_cloud.telemetry")
FIRST_WINDOW, LONGEST_WINDOW = timedelta(minutes=15), timedelta(days=1)


async def read_page(
    pool: Pool,
    principal: Principal,
    site_id: str,
    channels: Sequence[str],
    *,
    start: datetime,
    end: datetime,
    limit: int,
) -> ValuesPage:
    """At least one time's values, at most about ``limit`` rows. Raises NotFoundError, InvalidRequestError."""
    if start.tzinfo is None or end.tzinfo is None or end <= start:
        raise InvalidRequestError("from, to: two times with offset, `to` after `from`")
    items: list[MeasuredValue] = []
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await require_site(connection, site_id)
        rows = await connection.fetch(QUERIES["channel_ids"], site_id, list(channels))
        ids = {row["channel_id"]: row["address"] for row in rows}
        low, window = start, FIRST_WINDOW
        while low < end and len(items) < limit:
            high = min(low + window, end)
            found = await raw_values(connection, site_id, list(ids), low, high)
            new = [
                MeasuredValue(time=moment(time_us), channel=ids[channel_id], value=value, quality=QUALITIES[code])
                for channel_id, raw in found.items()
                for time_us, value, code in zip(raw.times_us.tolist(), raw.values.tolist(), raw.quality, strict=True)
            ]
            items += sorted(new, key=lambda item: (item.time, item.channel))
            low, window = high, FIRST_WINDOW
            if not new:  # years without a value are one step
                low, window = await next_values(connection, site_id, list(ids), high, end) or end, 2 * window
            window = min(window, LONGEST_WINDOW)
    return _cut(items, limit, low, end)


def _cut(items: list[MeasuredValue], limit: int, seen_until: datetime, end: datetime) -> ValuesPage:
    """Values of one time stay on one page."""
    if len(items) <= limit:
        return ValuesPage(items=items, next=seen_until if seen_until < end else None)
    last = items[limit - 1].time
    keep = next((index for index in range(limit, len(items)) if items[index].time > last), len(items))
    rest = items[keep].time if keep < len(items) else seen_until
    return ValuesPage(items=items[:keep], next=rest if rest < end else None)
