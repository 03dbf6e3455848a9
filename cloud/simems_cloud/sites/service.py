"""Descriptions of one tenant's sites."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import NotFoundError
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.schemas import (
    ChannelDescription,
    ComponentDescription,
    ControllerDescription,
    DeviceDescription,
    SiteDescription,
)

QUERIES = load_queries("simems_cloud.sites")
CONTROLLER = "controller"
"""Kind under which a hello announces a controller; its profile is the type."""
IMPORT_LIMIT, EXPORT_LIMIT = "site/import_limit_w", "site/export_limit_w"


async def describe_site(pool: Pool, principal: Principal, site_id: str, stale_after_s: float) -> SiteDescription:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        site = await require_site(connection, site_id)
        components = await connection.fetch(QUERIES["components"], site_id)
        channels = await connection.fetch(QUERIES["channels"], site_id)
    return _description(site, components, [_channel(row) for row in channels], stale_after_s)


async def require_site(connection: Connection, site_id: str) -> asyncpg.Record:
    """The site's row. Raises NotFoundError, also when it is another tenant's."""
    row = await connection.fetchrow(QUERIES["site"], site_id)
    if row is None:
        raise NotFoundError(f"no site {site_id!r}")
    return row


def is_online(last_seen_at: datetime | None, stale_after_s: float) -> bool:
    return last_seen_at is not None and datetime.now(UTC) - last_seen_at <= timedelta(seconds=stale_after_s)


def _description(
    site: asyncpg.Record,
    components: list[asyncpg.Record],
    channels: list[ChannelDescription],
    stale_after_s: float,
) -> SiteDescription:
    settings: dict[str, float] = json.loads(site["settings"])
    own = {row["component_id"] for row in components if row["kind"] != CONTROLLER}
    return SiteDescription(
        id=site["site_id"],
        name=site["name"],
        time_zone=site["time_zone"],
        currency=site["currency"],
        import_limit_w=settings.get(IMPORT_LIMIT),
        export_limit_w=settings.get(EXPORT_LIMIT),
        components=[_component(row, channels) for row in components if row["component_id"] in own],
        controllers=[
            ControllerDescription(id=row["component_id"], type=row["profile"])
            for row in components
            if row["component_id"] not in own
        ],
        channels=[channel for channel in channels if _owner(channel) not in own],
        settings=settings,
        online=is_online(site["last_seen_at"], stale_after_s),
        last_seen_at=site["last_seen_at"],
        device=_device(site),
    )


def _component(row: asyncpg.Record, channels: list[ChannelDescription]) -> ComponentDescription:
    component = row["component_id"]
    own = [channel for channel in channels if _owner(channel) == component]
    return ComponentDescription(id=component, kind=row["kind"], name=row["name"], profile=row["profile"], channels=own)


def _owner(channel: ChannelDescription) -> str:
    return channel.address.partition("/")[0]


def _channel(row: asyncpg.Record) -> ChannelDescription:
    fields: dict[str, Any] = dict(row)
    return ChannelDescription(**{**fields, "labels": json.loads(row["labels"])})


def _device(site: asyncpg.Record) -> DeviceDescription | None:
    if site["device_id"] is None:
        return None
    return DeviceDescription(id=site["device_id"], name=site["device_name"], software=site["software"])
