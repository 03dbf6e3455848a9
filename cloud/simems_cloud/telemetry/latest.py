"""The newest values of a site, with the why-line from the decision's own reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from simems_core.why import AGE_SUFFIX, explain

from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.plant import CONTROL_MODE, STATE
from simems_cloud.sites.service import CONTROLLER, require_site
from simems_cloud.sites.service import QUERIES as SITE_QUERIES
from simems_cloud.telemetry.schemas import QUALITIES, ChannelValue, Latest, Why

QUERIES = load_queries("simems_cloud.telemetry")
CYCLE = "cycle/count"
REASON = "_reason"
MANUAL = "manual"


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
    components = await connection.fetch(SITE_QUERIES["components"], site_id)
    sources = {row["component_id"]: row["profile"] for row in components if row["kind"] == CONTROLLER}
    return assemble([dict(row) for row in rows], json.loads(site["settings"]), sources, silent=silent)


def assemble(
    rows: Sequence[Mapping[str, Any]], settings: Mapping[str, float], sources: Mapping[str, str], *, silent: bool
) -> Latest:
    """From rows of the ``latest`` query. ``sources``: controller id -> type; ``silent``: nothing is current."""
    values = {row["address"]: _value(row, silent=silent) for row in rows}
    labels = {row["address"]: json.loads(row["labels"]) for row in rows}
    times = [row["at"] for row in rows if row["at"] is not None]
    moment = max(times, default=datetime.now(UTC))
    return Latest(
        time=max(times, default=None),
        cycle=_whole(values, CYCLE),
        state=_label(values, labels, STATE),
        control_mode=_label(values, labels, CONTROL_MODE),
        why=_why(values, labels, settings, {MANUAL: MANUAL, **sources}, moment),
        values=values,
    )


def _value(row: Mapping[str, Any], *, silent: bool) -> ChannelValue:
    if row["at"] is None:
        return ChannelValue(value=None, quality="stale", time=None)
    quality = QUALITIES[row["quality"]]
    if silent and quality in ("good", "forced"):
        quality = "stale"
    return ChannelValue(value=row["value"], quality=quality, time=row["value_at"])


def _whole(values: Mapping[str, ChannelValue], address: str) -> int | None:
    found = values.get(address)
    return None if found is None or found.value is None else int(found.value)


def _label(values: Mapping[str, ChannelValue], labels: Mapping[str, Mapping[str, str]], address: str) -> str | None:
    code = _whole(values, address)
    return None if code is None else labels[address].get(str(code), str(code))


def _why(
    values: Mapping[str, ChannelValue],
    labels: Mapping[str, Mapping[str, str]],
    settings: Mapping[str, float],
    sources: Mapping[str, str],
    now: datetime,
) -> Why:
    """Of the first actuator that has a reason; nothing is guessed when there is none."""
    for address in values:
        reason = _label(values, labels, address) if address.endswith(REASON) else None
        if reason is not None:
            why = explain(
                reason,
                sources=sources,
                values=_numbers(values, now),
                settings=settings,
                actuator=address.removesuffix(REASON),
            )
            return Why(code=why.code, params=dict(why.params), text=why.text, source=why.source, bound=why.bound)
    return Why(code="idle", text="Nothing is known yet of what the site decides.")


def _numbers(values: Mapping[str, ChannelValue], now: datetime) -> dict[str, float]:
    """Values as the explanation takes them, with the age of each stale one."""
    numbers: dict[str, float] = {}
    for address, known in values.items():
        if known.value is None or known.time is None:
            continue
        numbers[address] = known.value
        if known.quality == "stale":
            numbers[f"{address}{AGE_SUFFIX}"] = max(0.0, (now - known.time).total_seconds())
    return numbers
