"""Devices as people name them."""

from __future__ import annotations

from uuid import UUID

from simems_cloud.kit.database import Connection
from simems_cloud.kit.problems import ConflictError, NotFoundError
from simems_cloud.sites.service import QUERIES


async def device_named(connection: Connection, name: str) -> UUID:
    """By name, id or key, of those that are let in. Raises NotFoundError, ConflictError when several have the name."""
    rows = await connection.fetch(QUERIES["devices_named"], name)
    if not rows:
        raise NotFoundError(f"{name!r}: no such device that is let in; see `simems-cloud device list`")
    if len(rows) > 1:
        raise ConflictError(f"{name!r}: several devices have this name; give the id or the key")
    return UUID(str(rows[0]["device_id"]))


async def site_of(connection: Connection, device_id: UUID) -> str:
    """The site that it speaks for. Raises ConflictError while it has none."""
    row = await connection.fetchrow(QUERIES["site_of_device"], device_id)
    if row is None or row["site_id"] is None:
        raise ConflictError("this device has not said yet which site it speaks for")
    return str(row["site_id"])
