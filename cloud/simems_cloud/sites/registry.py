"""Edge devices and the equipment behind them: what they are, how they are, what stood there before."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

import asyncpg
from simems_core.claiming import fingerprint

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.kit.curve import is_key
from simems_cloud.kit.database import Connection, Pool, fetch_one, transaction
from simems_cloud.kit.problems import ConflictError, InvalidRequestError, NotFoundError
from simems_cloud.sites.registry_schemas import (
    ChannelMetadata,
    Config,
    ConfigVersion,
    Device,
    DeviceReplacement,
    Equipment,
    EquipmentReplacement,
    Health,
)
from simems_cloud.sites.service import QUERIES, is_online, require_site

STALE, BAD = 1, 2


async def list_devices(pool: Pool, principal: Principal, stale_after_s: float) -> list[Device]:
    """Those within reach; retired ones last."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _devices(connection, None, principal.paths(Permission.DEVICES_READ), stale_after_s)


async def get_device(pool: Pool, principal: Principal, device_id: UUID, stale_after_s: float) -> Device:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _device(connection, device_id, principal.paths(Permission.DEVICES_READ), stale_after_s)


async def list_configs(pool: Pool, principal: Principal, device_id: UUID) -> list[ConfigVersion]:
    """Newest first. Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await _device(connection, device_id, principal.paths(Permission.DEVICES_READ), 0)
        return [ConfigVersion(**dict(row)) for row in await connection.fetch(QUERIES["configs"], device_id)]


async def get_config(pool: Pool, principal: Principal, device_id: UUID, version: int) -> Config:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await _device(connection, device_id, principal.paths(Permission.DEVICES_READ), 0)
        row = await connection.fetchrow(QUERIES["config"], device_id, version)
    if row is None:
        raise NotFoundError(f"this device has no configuration {version}")
    return Config(**{**dict(row), "content": json.loads(row["content"])})


async def replace_device(
    pool: Pool, principal: Principal, device_id: UUID, body: DeviceReplacement, stale_after_s: float
) -> Device:
    """The new device speaks for the old one's site from now on; the old one is shut out, its data stay.

    Raises NotFoundError, InvalidRequestError, ConflictError.
    """
    _check_key(body.public_key)
    paths = principal.paths(Permission.DEVICES_WRITE)
    try:
        async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
            await _device(made.connection, device_id, paths, stale_after_s)
            new_id = await take_over(made, device_id, body.name, body.public_key)
            return await _device(made.connection, new_id, paths, stale_after_s)
    except asyncpg.UniqueViolationError as error:
        raise ConflictError("public_key: this key is registered already") from error


async def take_over(made: Change, device_id: UUID, name: str, public_key: str, signing_key: str = "") -> UUID:
    """The new device's id: it speaks for the old one's site, which is shut out. Raises NotFoundError, ConflictError."""
    old = await made.connection.fetchrow(QUERIES["lock_edge"], device_id)
    if old is None:
        raise NotFoundError(f"no device {str(device_id)!r}")
    if old["revoked_at"] is not None:
        raise ConflictError("this device is retired already")
    row = (name, public_key, old["site_id"], old["vendor"], old["model"], signing_key)
    new_id = UUID(str(await made.connection.fetchval(QUERIES["add_edge"], *row)))
    await made.connection.execute(QUERIES["retire_edge"], device_id, new_id)
    await made.connection.execute(QUERIES["clear_alarms_of"], device_id)
    await made.record("device.replace", device_id, {"by": new_id, "site_id": old["site_id"]})
    return new_id


async def revoke_device(pool: Pool, principal: Principal, device_id: UUID, stale_after_s: float) -> Device:
    """Shut out for good; its data stay. Raises NotFoundError, ConflictError."""
    paths = principal.paths(Permission.DEVICES_WRITE)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        found = await _device(made.connection, device_id, paths, stale_after_s)
        if found.revoked_at is not None:
            raise ConflictError("this device is retired already")
        await made.connection.execute(QUERIES["retire_edge"], device_id, None)
        await made.connection.execute(QUERIES["clear_alarms_of"], device_id)
        await made.record("device.revoke", device_id, {"name": found.name})
        return await _device(made.connection, device_id, paths, stale_after_s)


async def list_equipment(
    pool: Pool, principal: Principal, site_id: str, stale_after_s: float, *, history: bool
) -> list[Equipment]:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        site = await require_site(connection, site_id)
        rows = await connection.fetch(QUERIES["equipment"], site_id, history)
    online = is_online(site["last_seen_at"], stale_after_s)
    return [_equipment(row, online=online) for row in rows]


async def replace_equipment(
    pool: Pool, principal: Principal, site_id: str, component: str, body: EquipmentReplacement
) -> Equipment:
    """Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        row = await made.connection.fetchrow(QUERIES["close_equipment"], site_id, component, body.reason or "replaced")
        if row is None:
            raise NotFoundError(f"no device {component!r} at this site")
        values = (row["type"], row["protocol"], row["profile"], body.vendor, body.model, body.serial_number)
        new = await fetch_one(made.connection, QUERIES["open_equipment"], site_id, component, *values)
        await made.record("equipment.replace", f"{site_id}/{component}", body.model_dump())
    return Equipment(**dict(new), health="never", newest_value_at=None)


async def list_channels(pool: Pool, principal: Principal, site_id: str) -> list[ChannelMetadata]:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await require_site(connection, site_id)
        rows = await connection.fetch(QUERIES["channel_metadata"], site_id)
    return [ChannelMetadata(**{**dict(row), "labels": json.loads(row["labels"])}) for row in rows]


async def _devices(
    connection: Connection, device_id: UUID | None, paths: list[str] | None, stale_after_s: float
) -> list[Device]:
    rows = await connection.fetch(QUERIES["devices"], device_id, paths)
    return [_shown(row, stale_after_s) for row in rows]


def _shown(row: asyncpg.Record, stale_after_s: float) -> Device:
    health = _health(row["last_seen_at"], row["revoked_at"], stale_after_s)
    return Device(**dict(row), fingerprint=fingerprint(row["public_key"]), health=health)


async def _device(connection: Connection, device_id: UUID, paths: list[str] | None, stale_after_s: float) -> Device:
    found = await _devices(connection, device_id, paths, stale_after_s)
    if not found:
        raise NotFoundError(f"no device {str(device_id)!r}")
    return found[0]


def _health(last_seen_at: datetime | None, revoked_at: datetime | None, stale_after_s: float) -> Health:
    if revoked_at is not None:
        return "retired"
    if last_seen_at is None:
        return "never"
    return "ok" if is_online(last_seen_at, stale_after_s) else "silent"


def _equipment(row: asyncpg.Record, *, online: bool) -> Equipment:
    fields = {name: value for name, value in row.items() if name not in ("worst", "newest_at", "communication")}
    return Equipment(**fields, health=equipment_health(row, online=online), newest_value_at=row["newest_at"])


def equipment_health(row: asyncpg.Record, *, online: bool) -> Health:
    """From the newest values of its channels; what is not known because the edge is silent is said to be so."""
    if row["gone_at"] is not None:
        return "retired"
    if row["worst"] is None:
        return "never"
    if not online:
        return "silent"
    if row["communication"] == 0:
        return "lost"
    return {STALE: "stale", BAD: "degraded"}.get(row["worst"], "ok")  # type: ignore[return-value] # the literals


def _check_key(public_key: str) -> None:
    if not is_key(public_key):
        raise InvalidRequestError("public_key: not a key of 40 Z85 characters; see `simems-edge identity`")
